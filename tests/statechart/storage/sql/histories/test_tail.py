"""A history in a database is read as it grows: each record once, through purges and new histories."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel

from statechart.errors import CorruptHistory
from statechart.holder import Holder
from statechart.storage.segments.size import Segment
from statechart.storage.sql.histories.tail import SqlTail
from statechart.storage.sql.repository import JsonSqlRepository


class Counter(BaseModel, frozen=True, extra="forbid"):
    count: int = 0


Repository = JsonSqlRepository[Counter]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "values.db"


@pytest.fixture
def repository(file: Path) -> Repository:
    made: Repository = JsonSqlRepository(f"sqlite:///{file}", Counter, segment=Segment(records=4))
    made.create("demo", Counter())
    return made


@pytest.fixture
def count(repository: Repository) -> Callable[[int, int], None]:
    def count(first: int, last: int) -> None:
        with repository.open("demo") as session:
            for number in range(first, last + 1):
                session.commit("counted", Counter(count=number), expected=number)

    return count


@pytest.fixture
def tail(repository: Repository) -> SqlTail:
    return repository.tail("demo")


def read(tail: SqlTail) -> list[int]:
    return [record.seq for record in tail.read()]


def purge(repository: Repository) -> None:
    repository.delete("demo", expected=repository.load("demo").head)


def tampered(file: Path, statement: str) -> None:
    with sqlite3.connect(file) as connection:
        for (trigger,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute(statement)
    connection.close()


def test_each_record_is_read_once(
    tail: SqlTail, count: Callable[[int, int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("statechart.storage.sql.histories.tail._BLOCK", 3)
    assert read(tail) == [1]
    assert read(tail) == []

    count(1, 7)  # three segments: two checkpoints are among the records

    assert read(tail) == list(range(2, 11))
    assert read(tail) == []
    tail.close()
    assert read(tail) == list(range(1, 11))


def test_a_name_that_is_gone_has_no_records_and_may_come_again(
    repository: Repository, tail: SqlTail, count: Callable[[int, int], None]
) -> None:
    count(1, 1)
    assert read(tail) == [1, 2]
    before = tail.lineage

    purge(repository)
    assert read(tail) == []
    repository.create("demo", Counter(count=7))

    assert read(tail) == [1]
    assert tail.begun
    assert tail.lineage not in ("", before)


def test_segments_that_were_told_are_left_out(
    repository: Repository, tail: SqlTail, count: Callable[[int, int], None]
) -> None:
    count(1, 7)
    lineage = repository.load("demo").head.lineage

    tail.resume(lineage[:8], 6)
    assert read(tail) == [5, 6, 7, 8, 9, 10]
    tail.close()
    tail.resume("another", 6)
    assert read(tail) == list(range(1, 11))
    tail.close()
    tail.resume(lineage[:8], 99)
    assert read(tail)[-1] == 10
    tail.close()
    tail.resume("", 0)
    tail.begin_at(repository.history("demo")[-1].at)
    assert read(tail)[-1] == 10


def test_a_history_that_is_begun_anew_is_read_from_its_first_record(
    repository: Repository, file: Path, tail: SqlTail, count: Callable[[int, int], None]
) -> None:
    count(1, 2)
    assert read(tail) == [1, 2, 3]
    tampered(file, "UPDATE envchart_record SET line = CAST('x' AS BLOB) WHERE seq = 3")
    evidence = repository.survey("demo")

    repository.rebase(evidence, evidence.candidates[0], reason="by hand", holder=Holder.current("rebase"))

    assert read(tail) == [1]
    assert tail.begun


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM envchart_record WHERE seq = 3", "record 4 follows record 2"),
        (
            "DELETE FROM envchart_record WHERE seq > 3",
            r"ends with record 3, and records up to 5 were written",
        ),
        ("DELETE FROM envchart_record", "record 1 is missing"),
        ("UPDATE envchart_record SET line = CAST('x' AS BLOB) WHERE seq = 2", "line 2.: it is not JSON"),
    ],
    ids=["hole", "cut", "all", "changed"],
)
def test_damage_is_told_with_its_place(
    file: Path, tail: SqlTail, count: Callable[[int, int], None], statement: str, problem: str
) -> None:
    count(1, 3)
    tampered(file, statement)

    with pytest.raises(CorruptHistory, match=problem) as raised:
        list(tail.read())

    assert str(raised.value.where).endswith("values.db#demo")


def test_records_that_were_lost_behind_those_that_were_read_are_told(
    file: Path, tail: SqlTail, count: Callable[[int, int], None]
) -> None:
    count(1, 2)
    assert read(tail) == [1, 2, 3]
    count(3, 3)
    tampered(file, "DELETE FROM envchart_record WHERE seq > 3")

    with pytest.raises(CorruptHistory, match="ends with record 3"):
        list(tail.read())
