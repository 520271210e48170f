"""A journal in segments: the values, the records and the bytes are as if there were one file."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from statechart.errors import CommitUncertain, CorruptHistory, NewerSchema, StorageError
from statechart.holder import Holder
from statechart.storage.reading import Found
from statechart.storage.record import Record
from statechart.storage.repository import JsonFileRepository
from statechart.storage.segments import whole
from statechart.storage.segments.size import Segment
from statechart.storage.session import Session


class Counter(BaseModel, frozen=True, extra="forbid"):
    count: int = 0
    steps: int = 0


def stepped(counter: Counter, _record: Record) -> Counter:
    return counter.model_copy(update={"steps": counter.steps + 1})


def store(root: Path, **segment: int) -> JsonFileRepository[Counter]:
    return JsonFileRepository(
        root, Counter, fold=stepped, segment=Segment(**segment) if segment else Segment(records=4)
    )


@pytest.fixture
def repository(tmp_path: Path) -> JsonFileRepository[Counter]:
    repository = store(tmp_path / "data")
    repository.create("demo", Counter())
    return repository


def count(session: Session[Counter], times: int = 1) -> None:
    for _ in range(times):
        session.append("step", {})
        value = session.value.model_copy(update={"count": session.value.count + 1})
        session.commit("counted", value, expected=session.head.revision)


def files(repository: JsonFileRepository[Counter]) -> list[str]:
    return sorted(path.name for path in repository.directory("demo").iterdir())


def first_of(path: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(path.read_bytes().splitlines()[0])
    return found


def test_a_full_segment_ends_and_the_next_begins_with_a_checkpoint(
    repository: JsonFileRepository[Counter],
) -> None:
    with repository.open("demo") as session:
        count(session, 2)
        assert session.value == repository.load("demo").value == Counter(count=2, steps=2)
        assert session.head.revision == 3

    directory = repository.directory("demo")
    ended = directory / "history.00000001-00000004.jsonl"
    assert files(repository) == [ended.name, "history.jsonl", "state.json"]
    checkpoint = first_of(directory / "history.jsonl")
    assert (checkpoint["type"], checkpoint["seq"], checkpoint["revision"]) == ("checkpoint", 5, 2)
    assert checkpoint["value"] == {"count": 1, "steps": 2}
    assert checkpoint["prev"] == sha256(ended.read_bytes().splitlines(keepends=True)[-1]).hexdigest()
    lineage = repository.load("demo").head.lineage
    created, *later = repository.history("demo")
    changed = next(record for record in later if record.revision == 2)
    assert checkpoint["data"] == {
        "entered_at": created.at.isoformat().replace("+00:00", "Z"),
        "changed_at": changed.at.isoformat().replace("+00:00", "Z"),
        "lineage": lineage,
        "name": "demo",
        "ended": {
            "file": ended.name,
            "records": 4,
            "bytes": ended.stat().st_size,
            "first_seq": 1,
            "last_seq": 4,
            "sha256": sha256(ended.read_bytes()).hexdigest(),
        },
    }


@pytest.mark.parametrize("sessions", [1, 9])
def test_all_records_are_read_as_from_one_file(
    repository: JsonFileRepository[Counter], sessions: int
) -> None:
    for _ in range(sessions):
        with repository.open("demo") as session:
            count(session, 9 // sessions)

    records = repository.history("demo")
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert [
        record.value["count"] for record in records if record.value and record.type == "counted"
    ] == list(range(1, 10))
    assert repository.load("demo").value == Counter(count=9, steps=9)
    latest = list(repository.records("demo", enough=lambda opening: opening.revision <= 8))
    assert latest[0].type == "checkpoint"
    assert latest == records[-len(latest) :]


def test_a_short_history_has_the_bytes_of_one_without_segments(tmp_path: Path) -> None:
    directory = tmp_path / "data" / "demo"
    repository = store(tmp_path / "data", records=200)
    repository.create("demo", Counter(), lineage="1")
    with repository.open("demo") as session:
        count(session, 3)

    assert sorted(path.name for path in directory.iterdir()) == ["history.jsonl", "state.json"]
    assert b'"type":"checkpoint"' not in (directory / "history.jsonl").read_bytes()


def test_a_long_history_of_one_file_goes_on_in_segments(tmp_path: Path) -> None:
    whole = store(tmp_path / "data", records=1000)
    whole.create("demo", Counter())
    with whole.open("demo") as session:
        count(session, 20)
    before = (whole.directory("demo") / "history.jsonl").read_bytes()

    repository = store(tmp_path / "data")
    repository.open("demo").close()

    assert files(repository)[0] == "history.00000001-00000041.jsonl"
    assert (repository.directory("demo") / files(repository)[0]).read_bytes() == before
    assert repository.load("demo").value == Counter(count=20, steps=20)
    repository.open("demo").close()
    assert len(files(repository)) == 3  # a checkpoint alone does not fill a segment


def test_a_value_larger_than_a_segment_does_not_begin_one_with_each_record(tmp_path: Path) -> None:
    repository = store(tmp_path / "data", bytes=1)
    repository.create("demo", Counter())
    with repository.open("demo") as session:
        count(session, 8)

    assert len(repository.segments("demo")) == 3


@pytest.mark.parametrize("size", [{"records": 1}, {"records": -1}, {"bytes": 0}])
def test_a_size_that_no_segment_can_have_is_refused(size: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least two records and one byte"):
        Segment(**size)


def test_a_program_that_knows_no_checkpoints_finds_a_newer_file_and_no_damage(
    repository: JsonFileRepository[Counter],
) -> None:
    with repository.open("demo") as session:
        count(session, 2)

    # What such a program compares with the version that it knows, before anything else of the record.
    assert first_of(repository.directory("demo") / "history.jsonl")["schema_version"] == 1_000_001


def test_a_checkpoint_of_a_newer_schema_is_refused_as_newer(
    repository: JsonFileRepository[Counter],
) -> None:
    newer = JsonFileRepository(
        repository.root, Counter, fold=stepped, schema_version=2, segment=Segment(records=4)
    )
    with newer.open("demo") as session:
        count(session, 2)

    with pytest.raises(NewerSchema, match="has schema version 2, but this program reads versions up to 1"):
        repository.load("demo")


def test_the_value_of_a_checkpoint_is_migrated(repository: JsonFileRepository[Counter]) -> None:
    with repository.open("demo") as session:
        count(session, 2)

    def doubled(record: Record) -> Record:
        value = record.value and {**record.value, "count": int(str(record.value["count"])) * 2}
        return record.model_copy(update={"value": value})

    newer = JsonFileRepository(
        repository.root, Counter, fold=stepped, schema_version=2, migrations={1: doubled}
    )
    assert newer.load("demo").value == Counter(count=4, steps=2)
    assert newer.history("demo")[4].value == {"count": 2, "steps": 2}


def test_a_record_of_the_users_own_may_be_called_checkpoint(
    repository: JsonFileRepository[Counter],
) -> None:
    with repository.open("demo") as session:
        session.commit("checkpoint", Counter(count=1), expected=1)
        session.commit("checkpoint", Counter(count=2), expected=2)

    assert [(record.type, record.revision) for record in repository.history("demo")] == [
        ("created", 1),
        ("checkpoint", 2),
        ("checkpoint", 3),
    ]


@pytest.mark.parametrize(
    ("call", "code"), [("link", errno.EIO), ("rename", errno.ENOSPC), ("fsync", errno.EIO)]
)
def test_a_segment_that_can_not_end_goes_on(
    repository: JsonFileRepository[Counter], monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    real: Callable[..., object] = getattr(os, call)

    def fails(*arguments: object, **options: object) -> object:
        if call == "rename" and arguments[0] != ".history.jsonl.tmp":
            return real(*arguments, **options)
        if call == "link":
            monkeypatch.setattr("statechart.storage.disk.files.create_file", fails)
        raise OSError(code, "bad")

    with monkeypatch.context() as patch, repository.open("demo") as session:
        count(session, 1)
        patch.setattr(os, call, fails)
        count(session, 3)
        assert session.value == Counter(count=4, steps=4)

    assert files(repository) == ["history.jsonl", "state.json"]
    assert repository.load("demo").value == Counter(count=4, steps=4)
    repository.open("demo").close()
    assert len(repository.segments("demo")) == 2


def test_a_name_that_could_not_be_made_durable_is_made_so_before_the_next_record(
    repository: JsonFileRepository[Counter], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, synced = os.fsync, []

    def fails(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) > 2:  # the new file, and the name of the ended one
            raise OSError(errno.EIO, "bad")
        real(descriptor)

    with repository.open("demo") as session:
        count(session)
        head = session.head
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fails)
            session.append("step", {"full": True})
            assert session.head.seq == head.seq + 2
            with pytest.raises(StorageError, match="make durable"):
                session.append("step", {})
        count(session)

    assert repository.load("demo").value == Counter(count=2, steps=3)


def test_an_interruption_leaves_a_session_that_goes_on(
    repository: JsonFileRepository[Counter], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.rename

    def interrupted(*arguments: object, **options: object) -> None:
        real(*arguments, **options)  # type: ignore[arg-type]
        if arguments[0] == ".history.jsonl.tmp":
            raise KeyboardInterrupt

    with repository.open("demo") as session:
        count(session)
        with monkeypatch.context() as patch:
            patch.setattr(os, "rename", interrupted)
            with pytest.raises(KeyboardInterrupt):
                session.append("step", {})
        assert (session.head.seq, session.value.steps) == (5, 2)
        count(session)

    assert repository.load("demo").value == Counter(count=2, steps=3)


def test_what_a_dead_writer_left_is_swept_by_the_next(repository: JsonFileRepository[Counter]) -> None:
    directory = repository.directory("demo")
    (directory / ".history.jsonl.tmp").write_bytes(b'{"half')
    os.link(directory / "history.jsonl", directory / "history.00000001-00000001.jsonl")
    assert [each.place for each in repository.segments("demo")] == ["current"]

    repository.open("demo").close()
    assert "history.00000001-00000001.jsonl" not in files(repository)
    shutil.copy(directory / "history.jsonl", directory / "history.00000001-00000001.jsonl")
    with repository.open("demo") as session:
        count(session, 2)

    assert [each.place for each in repository.segments("demo")] == ["plain", "current"]
    assert ".history.jsonl.tmp" not in files(repository)


def test_the_next_segment_has_the_permissions_of_the_journal(
    repository: JsonFileRepository[Counter],
) -> None:
    journal = repository.directory("demo") / "history.jsonl"
    journal.chmod(0o640)

    with repository.open("demo") as session:
        count(session, 2)

    assert len(repository.segments("demo")) == 2
    assert journal.stat().st_mode & 0o777 == 0o640


def test_a_segment_that_ends_meanwhile_is_no_stray(
    repository: JsonFileRepository[Counter], monkeypatch: pytest.MonkeyPatch
) -> None:
    settled = whole.find_settled

    def ended_meanwhile(*arguments: Any) -> tuple[Found, tuple[str, ...]]:
        found = settled(*arguments)
        with repository.open("demo") as session:
            count(session, 4)
        return found

    monkeypatch.setattr(whole, "find_settled", ended_meanwhile)
    for _ in range(3):
        assert {each.place for each in repository.segments("demo")} <= {"plain", "current"}


def test_opening_alone_records_nothing(repository: JsonFileRepository[Counter]) -> None:
    with repository.open("demo", holder=Holder.current("first")) as session:
        count(session)
        session.append("step", {})
    small = store(repository.root, records=3)

    small.open("demo", holder=Holder.current("second")).close()

    assert len(small.segments("demo")) == 2
    with small.open("demo") as session:
        assert session.released_by is not None
        assert session.released_by.command == "first"


def test_a_new_history_after_damage_keeps_the_segments_before_it(
    repository: JsonFileRepository[Counter],
) -> None:
    with repository.open("demo") as session:
        count(session, 2)
    journal = repository.directory("demo") / "history.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"counted"', b'"cOunted"').replace(b"step", b"stEp"))
    with pytest.raises(CorruptHistory):
        repository.load("demo")

    evidence = repository.survey("demo")
    assert (evidence.lineage, evidence.revision) == (repository.survey("demo").lineage, 3)
    repository.rebase(evidence, evidence.candidates[0], reason="test", holder=Holder.current())
    assert [each.place for each in repository.segments("demo")] == ["stray", "current"]
    with repository.open("demo") as session:
        session.append("step", {})
        session.append("step", {})
        session.append("step", {})

    assert [each.path.name for each in repository.segments("demo") if each.place == "plain"] == [
        "history.00000001-00000004.2.jsonl"
    ]


def test_a_checkpoint_that_names_no_segment_is_damage(repository: JsonFileRepository[Counter]) -> None:
    with repository.open("demo") as session:
        count(session, 2)
    journal = repository.directory("demo") / "history.jsonl"
    sound = journal.read_bytes()

    for old, new in (
        (b'"file":"history.', b'"file":"../history.'),
        (b'"last_seq":4', b'"last_seq":3'),
        (b'"lineage"', b'"linEage"'),
    ):
        journal.write_bytes(sound.replace(old, new, 1))
        with pytest.raises(CorruptHistory, match="the first record does not say"):
            repository.load("demo")
    journal.write_bytes(sound.replace(b'"name":"demo"', b'"name":"other"', 1))
    with pytest.raises(StorageError, match="is a copy"):
        repository.open("demo")


def test_segments_that_were_joined_are_told(repository: JsonFileRepository[Counter]) -> None:
    with repository.open("demo") as session:
        count(session, 2)
    journal = repository.directory("demo") / "history.jsonl"
    ended = repository.segments("demo")[0].path
    journal.write_bytes(ended.read_bytes() + journal.read_bytes())

    with pytest.raises(CorruptHistory, match=r"line 5.*another segment begins here"):
        repository.load("demo")


def test_a_closed_session_ends_no_segment(repository: JsonFileRepository[Counter]) -> None:
    session = repository.open("demo")
    session.close()

    with pytest.raises((StorageError, CommitUncertain)):
        session.append("step", {})
    assert files(repository) == ["history.jsonl", "state.json"]
