"""Names that stay held between the sessions of one piece of work."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from statechart.errors import LeaseLost, Locked
from statechart.storage.sql.repository import JsonSqlRepository
from statechart.storage.sql.tables import NAMES
from statechart.testing.repository_contract import ANN, BEN, Counter

LONG = 600.0


@pytest.fixture
def keeping(any_sql_url: str) -> JsonSqlRepository[Counter]:
    made = JsonSqlRepository(any_sql_url, Counter, ttl=LONG, keeps=True)
    made.create("demo", Counter())
    return made


@pytest.fixture
def other(any_sql_url: str) -> JsonSqlRepository[Counter]:
    return JsonSqlRepository(any_sql_url, Counter, ttl=LONG)


def count(repository: JsonSqlRepository[Counter], number: int) -> None:
    with repository.open("demo", holder=ANN) as session:
        session.commit("counted", Counter(count=number), expected=number)


def test_a_kept_name_is_not_free_between_two_sessions(
    keeping: JsonSqlRepository[Counter], other: JsonSqlRepository[Counter]
) -> None:
    count(keeping, 1)
    with pytest.raises(Locked):
        other.open("demo")
    count(keeping, 2)

    keeping.let_go()

    count(other, 3)
    assert other.load("demo").value == Counter(count=3)


def test_a_session_after_another_sees_its_value_and_its_holder(keeping: JsonSqlRepository[Counter]) -> None:
    count(keeping, 1)

    with keeping.open("demo", holder=BEN) as session:
        assert (session.value, session.holder) == (Counter(count=1), BEN)
        assert (session.released_by, session.crashed) == (ANN, None)
    keeping.let_go()


def test_a_closed_session_of_a_kept_name_changes_nothing(keeping: JsonSqlRepository[Counter]) -> None:
    closed = keeping.open("demo")
    closed.close()

    with keeping.open("demo"), pytest.raises(LeaseLost):
        closed.commit("counted", Counter(count=1), expected=1)
    keeping.let_go()


def test_who_recorded_last_is_the_one_that_let_go(
    keeping: JsonSqlRepository[Counter], other: JsonSqlRepository[Counter]
) -> None:
    count(keeping, 1)
    keeping.open("demo", holder=BEN).close()  # records nothing
    keeping.let_go()

    with other.open("demo") as session:
        assert session.released_by == ANN


def test_sessions_that_record_nothing_leave_the_last_holder(
    keeping: JsonSqlRepository[Counter], other: JsonSqlRepository[Counter]
) -> None:
    count(other, 1)
    for _ in range(2):
        keeping.open("demo", holder=BEN).close()
    keeping.let_go()

    with other.open("demo") as session:
        assert session.released_by == ANN


def test_a_kept_name_that_was_taken_over_is_refused(keeping: JsonSqlRepository[Counter]) -> None:
    count(keeping, 1)
    with keeping.database.writing() as connection:
        connection.execute(sa.update(NAMES).values(fence=NAMES.c.fence + 1, holder=BEN.model_dump_json()))

    with keeping.open("demo") as session, pytest.raises(LeaseLost):
        session.commit("counted", Counter(count=2), expected=2)
    keeping.let_go()


def test_a_name_whose_lease_is_over_is_taken_anew(any_sql_url: str) -> None:
    keeping = JsonSqlRepository(any_sql_url, Counter, ttl=LONG, keeps=True)
    keeping.create("demo", Counter())
    count(keeping, 1)
    (held,) = keeping.database.leases._held
    held.until = 0.0

    count(keeping, 2)

    assert keeping.load("demo").value == Counter(count=2)
    keeping.let_go()


def test_a_session_that_is_closed_after_all_were_let_go_lets_its_name_go_as_well(
    keeping: JsonSqlRepository[Counter], other: JsonSqlRepository[Counter]
) -> None:
    with keeping.open("demo", holder=ANN) as session:
        keeping.let_go()
        session.commit("counted", Counter(count=1), expected=1)

    with other.open("demo") as following:
        assert (following.value, following.released_by) == (Counter(count=1), ANN)
