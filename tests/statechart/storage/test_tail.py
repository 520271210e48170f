"""A journal is read as it grows: each record once, through crashes, purges and new histories."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel

from statechart.errors import CorruptHistory, NotOurs
from statechart.holder import Holder
from statechart.storage.repository import JsonFileRepository
from statechart.storage.tail import Tail


class Counter(BaseModel, frozen=True, extra="forbid"):
    count: int = 0


Repository = JsonFileRepository[Counter]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = JsonFileRepository(tmp_path / "data", Counter)
    repository.create("demo", Counter())
    return repository


@pytest.fixture
def count(repository: Repository) -> Callable[[int], None]:
    def count(number: int) -> None:
        with repository.open("demo") as session:
            session.commit("counted", Counter(count=number), expected=number)

    return count


@pytest.fixture(params=[True, False], ids=["held", "opened-anew"])
def tail(repository: Repository, request: pytest.FixtureRequest) -> Tail:
    return repository.tail("demo", hold=request.param)


def read(tail: Tail) -> list[int]:
    return [record.seq for record in tail.read()]


def purge(repository: Repository) -> None:
    repository.delete("demo", expected=repository.load("demo").head)


def test_each_record_is_read_once(tail: Tail, count: Callable[[int], None]) -> None:
    assert read(tail) == [1]
    assert read(tail) == []

    count(1)
    count(2)
    assert read(tail) == [2, 3]
    assert read(tail) == []


def test_an_unfinished_line_waits_until_it_is_finished_or_cut_off(
    repository: Repository, tail: Tail, count: Callable[[int], None]
) -> None:
    journal = repository.directory("demo") / "history.jsonl"
    read(tail)
    whole = journal.read_bytes()
    count(1)
    line = journal.read_bytes()[len(whole) :]

    journal.write_bytes(whole + line[:40])
    assert read(tail) == []
    journal.write_bytes(whole + line)
    assert read(tail) == [2]

    with journal.open("ab") as file:
        file.write(b'{"seq": 3,')
    assert read(tail) == []
    count(2)
    assert read(tail) == [3]


def test_a_purged_and_recreated_name_is_read_from_its_first_record(
    repository: Repository, tail: Tail, count: Callable[[int], None]
) -> None:
    count(1)
    assert read(tail) == [1, 2]
    before = tail.lineage

    purge(repository)
    assert read(tail) == []
    repository.create("demo", Counter())
    count(1)
    assert read(tail) == [1, 2]
    assert tail.lineage != before


def test_a_held_journal_is_read_to_its_end_after_the_purge(
    repository: Repository, count: Callable[[int], None]
) -> None:
    tail = repository.tail("demo")
    assert read(tail) == [1]

    count(1)
    purge(repository)
    repository.create("demo", Counter())

    assert read(tail) == [2, 1]


def test_a_history_that_was_begun_anew_is_read_from_its_first_record(
    repository: Repository, tail: Tail, count: Callable[[int], None]
) -> None:
    count(1)
    count(2)
    read(tail)
    journal = repository.directory("demo") / "history.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join((lines[0], lines[1].replace(b"counted", b"counter"), lines[2])))
    evidence = repository.survey("demo")
    repository.rebase(evidence, evidence.candidates[-1], reason="a test", holder=Holder.current("rebase"))

    assert [record.type for record in tail.read()] == ["rebased"]


def test_a_replaced_line_is_noticed_and_everything_is_read_again(
    repository: Repository, tail: Tail, count: Callable[[int], None], tmp_path: Path
) -> None:
    directory = repository.directory("demo")
    shutil.copytree(directory, tmp_path / "before")
    count(1)
    assert read(tail) == [1, 2]

    # As an append that was cut off again, and another one in its place; the file is the same.
    for file in ("history.jsonl", "state.json"):
        (directory / file).write_bytes((tmp_path / "before" / file).read_bytes())
    count(1)
    count(2)

    assert read(tail) == [1, 2, 3]


def test_damage_is_raised_and_read_again_once_it_is_mended(repository: Repository, tail: Tail) -> None:
    journal = repository.directory("demo") / "history.jsonl"
    sound = journal.read_bytes()
    journal.write_bytes(b"nonsense\n" + sound)

    with pytest.raises(CorruptHistory):
        read(tail)
    journal.write_bytes(sound)
    assert read(tail) == [1]


def test_a_directory_of_something_else_is_refused(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "data" / "other").mkdir()
    (tmp_path / "data" / "linked").symlink_to(repository.directory("demo"))

    for name in ("other", "linked"):
        with pytest.raises(NotOurs):
            read(repository.tail(name))
    assert read(repository.tail("missing")) == []


def test_only_a_held_journal_keeps_a_descriptor(repository: Repository, tail: Tail) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    read(tail)
    held = len(list(Path("/proc/self/fd").iterdir())) - before
    tail.close()

    assert held == tail._hold
    assert len(list(Path("/proc/self/fd").iterdir())) == before
