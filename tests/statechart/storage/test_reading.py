"""Readers take the files as they are, and writers repair them."""

import json
import os
import shutil

import pytest
from pydantic import BaseModel

from statechart.errors import CorruptHistory, NewerSchema, NotFound, NotOurs, StorageError
from statechart.storage.lock import read_holder
from statechart.storage.repository import JsonFileRepository


class Counter(BaseModel, frozen=True, extra="forbid"):
    count: int = 0
    steps: int = 0


def stepped(counter, _record):
    return counter.model_copy(update={"steps": counter.steps + 1})


@pytest.fixture
def repository(tmp_path):
    """A repository with `demo`: three revisions, each followed by a step."""
    repository = JsonFileRepository(tmp_path / "data", Counter, fold=stepped)
    repository.create("demo", Counter())
    with repository.open("demo") as session:
        session.append("step", {})
        for number in (1, 2):
            session.commit("counted", Counter(count=number), expected=number)
            session.append("step", {})
    return repository


@pytest.fixture
def journal(repository):
    return repository.directory("demo") / "history.jsonl"


@pytest.fixture
def document(repository):
    return repository.directory("demo") / "state.json"


def opened(repository):
    with repository.open("demo") as session:
        return session.value, session.notes


def kept(journal):
    return [path.read_bytes() for path in sorted(journal.parent.glob("history.torn-*"))]


def refused(repository, error, match):
    """Assert that readers and writers are refused, and that no file changes."""
    directory = repository.directory("demo")
    before = {path: path.read_bytes() for path in directory.iterdir() if path.is_file()}
    for use in (repository.load, repository.open, repository.history):
        with pytest.raises(error, match=match):
            use("demo")
    assert {path: path.read_bytes() for path in directory.iterdir() if path.is_file()} == before
    assert read_holder(directory.parent / ".locks/demo.lock") is None


def test_a_torn_last_line_is_left_out_by_readers_and_cut_off_by_writers(repository, journal):
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"seq":7')

    loaded = repository.load("demo")
    assert (loaded.value.count, loaded.head.seq) == (2, 6)
    assert loaded.notes == ("the unfinished last line of history.jsonl (8 bytes) was left out",)
    assert journal.read_bytes() == whole + b'{"seq":7'

    value, notes = opened(repository)
    assert value == loaded.value
    assert "8 bytes) was cut off and kept as history.torn-" in notes[0]
    assert (journal.read_bytes(), kept(journal)) == (whole, [b'{"seq":7'])
    assert opened(repository) == (value, ())


def test_a_step_torn_at_any_byte_is_as_if_it_was_never_begun(repository, journal):
    whole = journal.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    start = len(whole) - len(last)
    for size in range(1, len(last), 7):
        journal.write_bytes(whole[: start + size])

        value, notes = opened(repository)

        assert (value, len(notes)) == (Counter(count=2, steps=0), 1)
        assert journal.read_bytes() == whole[:start]


def test_a_commit_torn_at_any_byte_is_the_revision_before(repository, journal, document):
    before = journal.read_bytes(), document.read_bytes()
    with repository.open("demo") as session:
        session.commit("counted", Counter(count=3), expected=3)
    line = journal.read_bytes()[len(before[0]) :]
    for size in range(1, len(line), 7):
        journal.write_bytes(before[0] + line[:size])
        document.write_bytes(before[1])

        assert repository.load("demo").value.count == 2
        assert opened(repository)[0].count == 2


def test_any_truncation_of_the_document_is_mended(repository, document):
    content = document.read_bytes()
    for size in range(0, len(content) - 1, 3):
        document.write_bytes(content[:size])

        assert repository.load("demo").value == Counter(count=2, steps=1)
        assert opened(repository)[0] == Counter(count=2, steps=1)
        assert document.read_bytes() == content


def test_any_truncation_of_the_journal_is_mended_or_refused(repository, journal):
    content = journal.read_bytes()
    covered = len(content) - len(content.splitlines(keepends=True)[-1])  # what the document has seen
    for size in range(0, len(content), 9):
        journal.write_bytes(content[:size])
        if size >= covered:
            assert repository.load("demo").value.count == 2
            continue
        with pytest.raises(CorruptHistory):
            repository.open("demo")
        assert journal.read_bytes() == content[:size]


def test_any_changed_byte_of_the_journal_is_mended_or_refused(repository, journal):
    content = journal.read_bytes()
    last = len(content) - len(content.splitlines(keepends=True)[-1])
    for place in range(0, len(content), 11):
        changed = bytearray(content)
        changed[place] ^= 1
        journal.write_bytes(changed)
        try:
            value = repository.load("demo").value
        except StorageError:
            continue
        assert value.count == 2
        assert place >= last - 1  # no later line, and no document, vouches for the last step


@pytest.mark.parametrize("content", [None, b"", b"{\n  "])
def test_a_missing_or_torn_document_is_rewritten(repository, document, content):
    shown = document.read_bytes()
    document.unlink() if content is None else document.write_bytes(content)

    assert repository.load("demo").notes == (
        "state.json is missing or torn; history.jsonl was read instead",
    )
    value, notes = opened(repository)

    assert notes == ("state.json was missing or torn and was rewritten at revision 3",)
    assert (value, document.read_bytes()) == (Counter(count=2, steps=1), shown)


def test_a_document_that_is_behind_is_rolled_forward(repository, document):
    before = document.read_bytes()
    with repository.open("demo") as session:
        session.commit("counted", Counter(count=3), expected=3)
    after = document.read_bytes()
    document.write_bytes(before)

    assert repository.load("demo").value.count == 3
    value, notes = opened(repository)

    assert notes == ("state.json was at revision 3 and was rewritten at revision 4",)
    assert (value.count, document.read_bytes()) == (3, after)


def test_a_document_that_can_not_be_mended_does_not_keep_a_writer_out(repository, document, monkeypatch):
    document.unlink()

    def full(*_arguments, **_options):
        raise OSError(28, "full")

    monkeypatch.setattr(os, "rename", full)
    value, notes = opened(repository)

    assert value.count == 2
    assert "stays so until the next change: cannot replace" in notes[0]


def test_a_torn_line_that_can_not_be_kept_is_not_cut_off(repository, journal, monkeypatch):
    torn = journal.read_bytes() + b"{"
    journal.write_bytes(torn)

    def full(*_arguments, **_options):
        raise OSError(28, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"cannot keep the torn line in .*the disk is full"):
        repository.open("demo")

    assert journal.read_bytes() == torn
    assert repository.holder("demo") is None


def test_an_edited_document_is_refused_with_the_way_out(repository, document):
    document.write_text(document.read_text().replace('"count": 2', '"count": 5'))

    refused(repository, CorruptHistory, r"state.json\): it was edited: count differ.*remove this file")

    document.unlink()
    assert opened(repository)[0].count == 2


def test_a_document_ahead_of_the_journal_is_refused(repository, journal):
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:3]))

    refused(
        repository, CorruptHistory, "shows record 5, but the journal ends with record 3: records were lost"
    )


def test_a_torn_line_that_the_document_has_seen_is_damage(repository, journal):
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:4]) + lines[4][:20])

    refused(repository, CorruptHistory, "records were lost")


@pytest.mark.parametrize("key", ["head_hash", "journal_size"])
def test_a_document_of_another_history_is_refused(repository, document, key):
    changed = json.loads(document.read_text()) | {"head_hash": "0" * 64}
    document.write_text(json.dumps(changed))

    refused(repository, CorruptHistory, "its record 5 is not the record 5 of the journal")


@pytest.mark.parametrize("seq", [0, -1, 2])
def test_a_document_that_shows_no_value_is_refused(repository, document, seq):
    document.write_text(json.dumps(json.loads(document.read_text()) | {"seq": seq}))

    refused(repository, CorruptHistory, f"shows record {seq}, which has no value")


def test_a_changed_line_is_refused_with_its_number(repository, journal):
    journal.write_bytes(journal.read_bytes().replace(b'"count":1', b'"count":8'))

    refused(repository, CorruptHistory, "history.jsonl, line 4")


def test_an_empty_journal_is_refused(repository, journal):
    journal.write_bytes(b"")

    refused(repository, CorruptHistory, "history.jsonl.*it is empty")


def test_a_missing_journal_is_refused(repository, journal):
    journal.unlink()

    refused(repository, CorruptHistory, "history.jsonl.*it is missing")


def test_a_value_that_does_not_fit_the_model_is_refused(repository, tmp_path):
    class Other(BaseModel, frozen=True, extra="forbid"):
        count: str

    other = JsonFileRepository(tmp_path / "data", Other)

    for use in (other.load, other.open):
        with pytest.raises(
            CorruptHistory, match=r"line 5\): its value is not a valid Other \(count: Input should be"
        ):
            use("demo")


def test_a_record_of_a_newer_program_is_refused(repository, tmp_path):
    newer = JsonFileRepository(tmp_path / "data", Counter, schema_version=2)
    with newer.open("demo") as session:
        session.commit("counted", Counter(count=3), expected=3)

    refused(
        repository,
        NewerSchema,
        "schema version 2, but this program reads versions up to 1: update the program",
    )
    assert newer.load("demo").value.count == 3


def test_a_copy_of_a_directory_is_refused(repository):
    shutil.copytree(repository.directory("demo"), repository.directory("copy"))

    for use in (repository.load, repository.open):
        with pytest.raises(NotOurs, match="copy is a copy: its journal is that of 'demo'"):
            use("copy")
    assert opened(repository)[0].count == 2


def test_a_directory_that_is_not_ours_is_refused(repository):
    repository.directory("photos").mkdir()

    for use in (repository.load, repository.open, lambda name: repository.create(name, Counter())):
        with pytest.raises(NotOurs, match=r"photos holds neither history.jsonl nor state.json"):
            use("photos")


def test_a_file_in_place_of_a_directory_is_refused(repository):
    repository.directory("file").touch()

    for use in (repository.load, repository.open, lambda name: repository.create(name, Counter())):
        with pytest.raises(NotOurs, match="file is not a directory"):
            use("file")


def test_a_link_in_place_of_a_directory_is_refused(repository, tmp_path):
    shutil.move(repository.directory("demo"), tmp_path / "demo")
    repository.directory("demo").symlink_to(tmp_path / "demo")

    refused(repository, NotOurs, "demo is a symbolic link, where a directory belongs")


@pytest.mark.parametrize("file", ["history.jsonl", "state.json"])
def test_a_link_in_place_of_a_file_is_refused(repository, tmp_path, file):
    path = repository.directory("demo") / file
    path.rename(tmp_path / file)
    path.symlink_to(tmp_path / file)

    refused(repository, NotOurs, f"{file} is a symbolic link, where a file belongs")


def test_a_dangling_link_is_not_taken_for_a_missing_document(repository, document):
    document.unlink()
    document.symlink_to("nowhere")

    refused(repository, NotOurs, "symbolic link")


def test_a_link_in_place_of_the_locks_is_refused(repository, tmp_path):
    locks = repository.directory("demo").parent / ".locks"
    shutil.rmtree(locks)
    locks.symlink_to(tmp_path)

    with pytest.raises(NotOurs, match="symbolic link"):
        repository.open("demo")


def test_a_reader_during_a_purge_reports_not_found(repository, monkeypatch):
    head = repository.load("demo").head
    opening = os.open

    def purged(path, *arguments, **options):
        if str(path).endswith("state.json"):
            monkeypatch.setattr(os, "open", opening)
            repository.delete("demo", expected=head)
        return opening(path, *arguments, **options)

    monkeypatch.setattr(os, "open", purged)
    with pytest.raises(NotFound):
        repository.load("demo")


def test_a_reader_that_meets_a_purge_and_a_create_finds_the_new_one(repository, monkeypatch):
    head = repository.load("demo").head
    opening = os.open

    def replaced(path, *arguments, **options):
        if str(path).endswith("history.jsonl"):
            monkeypatch.setattr(os, "open", opening)
            repository.delete("demo", expected=head)
            repository.create("demo", Counter(count=40))
        return opening(path, *arguments, **options)

    monkeypatch.setattr(os, "open", replaced)
    assert repository.load("demo").value == Counter(count=40)
