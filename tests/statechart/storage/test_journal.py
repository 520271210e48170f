"""The journal: append-only, hash-chained JSON lines."""

import errno
import json
import os
from hashlib import sha256
from pathlib import Path

import pytest

from statechart.errors import CommitUncertain, CorruptHistory, LeaseLost, NewerSchema, NotOurs, StorageError
from statechart.storage.journal import Draft, Journal, line_after, origin, scan

NAMED = {"lineage": "1a", "name": "demo"}


def created(**changes):
    return line_after(origin("1a", "demo"), Draft("created", "ann", NAMED, value=b'{"n":0}', **changes))


def made(count):
    """Return the lines of a journal with a `created` record, then others, every third a step."""
    lines = [created()]
    for number in range(1, count):
        value = None if number % 3 == 0 else b'{"n":%d}' % number
        lines.append(line_after(lines[-1].head, Draft("changed", "ann", {"é": number}, value=value)))
    return lines


def content_of(lines):
    return b"".join(line.content for line in lines)


def scanned(content, path, known=1):
    return scan(content, path, "demo", known)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "demo" / "history.jsonl"


@pytest.fixture
def journal(path):
    path.parent.mkdir()
    first = created()
    path.write_bytes(first.content)
    journal = Journal(path, "demo", first.head)
    yield journal
    journal.close()


def following(journal, number=1):
    return line_after(journal.head, Draft("changed", "ann", {}, value=b'{"n":%d}' % number))


def test_a_line_is_compact_json_with_its_keys_in_order():
    line = created(operation="op")

    assert line.content.endswith(b'"data":{"lineage":"1a","name":"demo"},"value":{"n":0}}\n')
    keys = "seq revision type at actor operation schema_version prev data value"
    assert list(json.loads(line.content)) == keys.split()


def test_the_first_line_is_anchored_in_lineage_and_name():
    assert created().record.prev == sha256(b"1a\ndemo").hexdigest()


def test_each_line_names_the_hash_of_the_line_before_newline_included():
    first, second = made(2)

    assert second.record.prev == sha256(first.content).hexdigest()


def test_a_record_without_a_value_keeps_the_revision():
    assert [line.record.revision for line in made(5)] == [1, 2, 3, 3, 4]


def test_records_are_read_back_with_their_heads(path):
    lines = made(5)

    found = scanned(content_of(lines), path)

    assert found.records == tuple(line.record for line in lines)
    assert found.heads == tuple(line.head for line in lines)
    assert not found.torn


def test_a_last_line_cut_at_any_byte_is_torn_and_the_rest_is_read(path):
    *whole, last = made(4)
    for size in range(1, len(last.content)):
        found = scanned(content_of(whole) + last.content[:size], path)

        assert found.torn == last.content[:size]
        assert found.head == whole[-1].head


def test_a_last_line_that_is_no_json_is_torn(path):
    whole = made(3)

    assert scanned(content_of(whole) + b"\0" * 40 + b"\n", path).torn == b"\0" * 40 + b"\n"


def test_any_changed_byte_before_the_last_line_is_found(path):
    *whole, last = made(3)
    content = content_of(whole)
    for place in range(len(content) - 1):  # without its newline the last whole line is torn as well
        changed = bytearray(content + last.content)
        changed[place] ^= 1

        with pytest.raises((CorruptHistory, NewerSchema, NotOurs)):
            scanned(bytes(changed), path)


@pytest.mark.parametrize("dropped", [0, 1, 2])
def test_a_line_that_is_missing_is_found(path, dropped):
    lines = made(4)
    del lines[dropped]

    with pytest.raises(CorruptHistory):
        scanned(content_of(lines), path)


def test_damage_is_reported_with_file_and_line(path):
    first, second, third = made(3)
    damaged = second.content.replace(b'"n":1', b'"n":7')

    with pytest.raises(
        CorruptHistory, match=r"history.jsonl, line 3.*changed after it was written"
    ) as caught:
        scanned(first.content + damaged + third.content, path)
    assert (caught.value.line, caught.value.path) == (3, path)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"seq": 3}, "record 3 follows"),
        ({"revision": 4}, "revision 4 instead of 2"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_line_that_does_not_follow_is_refused(path, change, problem):
    first, second = made(2)
    other = json.dumps(json.loads(second.content) | change).encode() + b"\n"

    with pytest.raises(CorruptHistory, match=problem):
        scanned(first.content + other, path)


@pytest.mark.parametrize("content", [b"", b"{", b"\n", b"[]\n", b"{}\n"])
def test_a_journal_without_a_record_is_refused(path, content):
    with pytest.raises(CorruptHistory):
        scanned(content, path)


def test_a_journal_that_does_not_begin_with_its_creation_is_refused(path):
    line = line_after(origin("1a", "demo"), Draft("changed", "ann", {}, value=b"{}"))

    with pytest.raises(CorruptHistory, match="what was created"):
        scanned(line.content, path)


def test_the_journal_of_another_name_is_refused(path):
    with pytest.raises(NotOurs, match="a copy: its journal is that of 'demo', not of 'other'"):
        scan(content_of(made(2)), path, "other", 1)


def test_a_newer_record_is_refused_even_when_it_has_unknown_keys(path):
    newer = created(schema_version=2).content

    with pytest.raises(NewerSchema, match="version 2, but this program reads versions up to 1"):
        scanned(newer, path)
    with pytest.raises(NewerSchema):
        scanned(newer.replace(b'"seq"', b'"new":1,"seq"'), path)
    assert scanned(newer, path, known=2).head.seq == 1


def test_data_that_is_no_json_is_refused_before_anything_is_written():
    with pytest.raises(ValueError, match="serialize"):
        line_after(created().head, Draft("changed", "ann", {"what": object()}))


def test_an_append_is_on_disk_and_moves_the_head(journal, path):
    line = following(journal)

    journal.append(line)

    assert journal.head == line.head == scanned(path.read_bytes(), path).head


def test_short_writes_are_continued(journal, path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, content[:7]))

    journal.append(following(journal))

    assert scanned(path.read_bytes(), path).head == journal.head


def failing(error):
    def call(*_arguments):
        raise error

    return call


def test_a_failed_append_is_cut_off_and_the_next_succeeds(journal, path, monkeypatch):
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", failing_once(OSError(errno.ENOSPC, "full")))
        with pytest.raises(StorageError, match=r"cannot append to .*: the disk is full") as caught:
            journal.append(following(journal))

    assert not isinstance(caught.value, CommitUncertain)
    assert path.read_bytes() == before
    journal.append(following(journal, 2))
    assert scanned(path.read_bytes(), path).records[-1].value == {"n": 2}


def failing_once(error):
    errors = [error]

    def call(*_arguments):
        if errors:
            raise errors.pop()

    return call


@pytest.mark.parametrize("call", ["ftruncate", "fdatasync"])
def test_an_append_that_can_not_be_cut_off_is_uncertain_and_the_last(journal, monkeypatch, call):
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", failing(OSError(errno.EIO, "bad")))
        patch.setattr(os, call, failing(OSError(errno.EIO, "bad")))
        with pytest.raises(CommitUncertain) as caught:
            journal.append(following(journal))

    assert isinstance(caught.value.__cause__, OSError)
    with pytest.raises(CommitUncertain):
        journal.check()
    with pytest.raises(CommitUncertain):
        journal.append(following(journal))


def test_an_interrupted_append_is_cut_off(journal, path, monkeypatch):
    before = journal.head
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", failing_once(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            journal.append(following(journal))

    assert journal.head == before == scanned(path.read_bytes(), path).head
    journal.check()


def test_an_interruption_of_the_cutting_leaves_a_journal_that_refuses(journal, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, "ftruncate", failing(KeyboardInterrupt()))
        patch.setattr(os, "fdatasync", failing(OSError(errno.EIO, "bad")))
        with pytest.raises(KeyboardInterrupt):
            journal.append(following(journal))

    with pytest.raises(CommitUncertain):
        journal.check()


def test_a_journal_that_was_removed_or_replaced_is_noticed(journal, path):
    journal.check()
    path.rename(path.with_name("away"))
    with pytest.raises(LeaseLost, match="removed or replaced"):
        journal.check()

    path.write_bytes(path.with_name("away").read_bytes())
    with pytest.raises(LeaseLost, match="removed or replaced"):
        journal.check()


def test_a_change_of_the_journal_by_another_process_is_noticed(journal, path):
    path.write_bytes(path.read_bytes() + b"x")

    with pytest.raises(LeaseLost, match="another process"):
        journal.check()


def test_a_closed_journal_refuses_and_can_be_closed_again(journal):
    journal.close()
    journal.close()

    with pytest.raises(LeaseLost, match="closed"):
        journal.append(following(journal))


def test_a_journal_gives_its_descriptor_back_when_it_is_forgotten(path):
    path.parent.mkdir()
    path.write_bytes(created().content)
    before = set(Path("/proc/self/fd").iterdir())

    Journal(path, "demo", created().head)

    assert set(Path("/proc/self/fd").iterdir()) == before


def test_children_do_not_inherit_the_journal(journal):
    assert not os.get_inheritable(journal._descriptor)


def test_a_symbolic_link_is_no_journal(path, tmp_path):
    (tmp_path / "other").write_bytes(created().content)
    path.parent.mkdir()
    path.symlink_to(tmp_path / "other")

    with pytest.raises(StorageError):
        Journal(path, "demo", created().head)
