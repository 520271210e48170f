"""Damaged rows: told, surveyed, and continued with a sound value; what was there is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest
import sqlalchemy as sa

from statechart.errors import (
    CorruptHistory,
    Locked,
    MissingSegment,
    NotDamaged,
    NotFound,
    StorageError,
    UnusableSegment,
)
from statechart.storage.segments.size import Segment
from statechart.storage.sql.errors import HistoryProtected
from statechart.storage.sql.repository import JsonSqlRepository
from statechart.storage.sql.tables import NAMES, RECORDS
from statechart.testing.repository_contract import ANN, Counter

Repository: TypeAlias = JsonSqlRepository[Counter]
Damage: TypeAlias = Callable[..., None]


@pytest.fixture
def repository(any_sql_url: str) -> Repository:
    made = JsonSqlRepository(any_sql_url, Counter, segment=Segment(records=4))
    made.create("demo", Counter())
    with made.open("demo") as session:
        for number in range(1, 6):
            session.commit("counted", Counter(count=number), expected=number)
    return made


@pytest.fixture
def damage(repository: Repository) -> Damage:
    """Change rows as an administrator could who turns the protection off."""
    is_sqlite = repository.database.file is not None

    def changed(*statements: sa.Executable) -> None:
        with repository.database.writing() as connection:
            if not is_sqlite:
                connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
                for statement in statements:
                    connection.execute(statement)
                return
            triggers = sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            made = connection.execute(triggers).all()
            for name, _ in made:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
            for statement in statements:
                connection.execute(statement)
            for _, again in made:
                connection.exec_driver_sql(again)

    return changed


def record(seq: int) -> sa.ColumnElement[bool]:
    return RECORDS.c.seq == seq


EDITED = sa.update(RECORDS).values(line=sa.cast(b'{"seq": 7}\n', sa.LargeBinary))
DAMAGES: dict[str, tuple[sa.Executable, str]] = {
    "a record was edited": (EDITED.where(record(6)), "not a record"),
    "the last record was removed": (sa.delete(RECORDS).where(record(7)), "some were lost"),
    "a record was removed": (sa.delete(RECORDS).where(record(6)), "record 7 follows record 5"),
    "all records were removed": (sa.delete(RECORDS), "empty"),
    "the value was edited": (
        sa.update(NAMES).values(value='{"state": "counting", "count": 99}'),
        "was edited",
    ),
    "the head was edited": (sa.update(NAMES).values(hash="0" * 64), "does not show its last record"),
    "the deadline was edited": (sa.update(NAMES).values(due=7), "the deadline in envchart_name was edited"),
    "another lineage": (sa.update(NAMES).values(lineage="x" * 32), "empty"),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_damage_is_told_and_nothing_is_written(repository: Repository, damage: Damage, what: str) -> None:
    statement, told = DAMAGES[what]
    damage(statement)

    for read in (repository.load, repository.open, repository.history):
        with pytest.raises(CorruptHistory, match=told) as found:
            read("demo")
        assert str(found.value.where) == f"{repository.where}#demo"
    assert repository.holder("demo") is None
    assert repository.names() == ["demo"]


@pytest.mark.parametrize("what", [what for what in DAMAGES if what != "another lineage"])
def test_a_damaged_history_is_begun_anew(repository: Repository, damage: Damage, what: str) -> None:
    damage(DAMAGES[what][0])
    evidence = repository.survey("demo")

    begun = repository.rebase(evidence, evidence.candidates[0], reason="it was damaged", holder=ANN)

    assert begun.head.revision > evidence.revision
    assert repository.load("demo").value == begun.value
    first, *later = repository.history("demo")
    assert (first.type, first.data["reason"], later) == ("rebased", "it was damaged", [])
    with repository.database.reading() as reader:
        kept = sa.select(sa.func.count()).where(RECORDS.c.lineage == first.data["damaged"])
        assert reader.execute(kept).scalar_one() == {"all records were removed": 0}.get(what, 6) + (
            "edited" in what
        )
    with repository.open("demo") as session:
        session.commit("counted", Counter(count=1000), expected=begun.head.revision)
    repository.delete("demo", expected=repository.load("demo").head)
    with repository.database.reading() as reader:
        assert reader.execute(sa.select(sa.func.count()).select_from(RECORDS)).scalar_one() == 0


def test_candidates_are_the_sound_values_the_latest_first(repository: Repository, damage: Damage) -> None:
    damage(EDITED.where(record(6)))

    evidence = repository.survey("demo")

    assert [(each.seq, each.value.count) for each in evidence.candidates] == [(7, 5), (7, 5), (5, 3)]
    assert evidence.sound == 1


def test_what_changed_since_the_survey_is_surveyed_again(repository: Repository, damage: Damage) -> None:
    damage(EDITED.where(record(6)))
    evidence = repository.survey("demo")
    damage(EDITED.where(record(7)))

    with pytest.raises(StorageError, match="changed since"):
        repository.rebase(evidence, evidence.candidates[0], reason="", holder=ANN)
    assert repository.holder("demo") is None


def test_a_sound_history_is_not_begun_anew(repository: Repository) -> None:
    with pytest.raises(NotDamaged):
        repository.survey("demo")
    with pytest.raises(NotFound):
        repository.survey("nobody")


def test_a_held_history_is_not_begun_anew(repository: Repository, damage: Damage) -> None:
    with repository.open("demo"):
        damage(EDITED.where(record(6)))
        evidence = repository.survey("demo")
        with pytest.raises(Locked):
            repository.rebase(evidence, evidence.candidates[0], reason="", holder=ANN)


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        (sa.delete(RECORDS).where(RECORDS.c.segment == 1), MissingSegment),
        (sa.delete(RECORDS).where(record(3)), UnusableSegment),
        (EDITED.where(record(2)), UnusableSegment),
    ],
)
def test_a_damaged_segment_leaves_later_records_readable(
    repository: Repository, damage: Damage, statement: sa.Executable, error: type[StorageError]
) -> None:
    damage(statement)

    assert repository.load("demo").value.count == 5
    with pytest.raises(error, match="later records are not affected"):
        repository.history("demo")
    ended, present = repository.segments("demo")
    assert (type(ended.problem), present.problem) == (error, None)
    assert [each.seq for each in repository.records("demo", enough=lambda _: True)] == [5, 6, 7]
    with repository.open("demo") as session:
        session.commit("counted", Counter(count=6), expected=6)


@pytest.mark.parametrize(
    "statement", [sa.delete(RECORDS), sa.update(RECORDS).values(seq=RECORDS.c.seq + 9)]
)
def test_the_database_protects_records(repository: Repository, statement: sa.Executable) -> None:
    with pytest.raises(HistoryProtected), repository.database.writing() as connection:
        connection.execute(statement)

    assert len(repository.history("demo")) == 7
