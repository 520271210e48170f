"""Lists of many values in a database ask a few questions, however many values there are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import BaseModel

from statechart import Chart, ChartRepository, DamagedNames, State, effect
from statechart.storage.sql.repository import JsonSqlRepository
from statechart.stored.reading.listing import Summary


class Order(BaseModel, frozen=True):
    state: str = "draft"


class OrderChart(Chart[Order]):
    draft = State(initial=True)
    paid = State(final=True)
    touch = draft.to(draft)
    pay = draft.to(paid)

    @effect(pay)
    def receipt(self) -> None:
        """Send a receipt."""


@pytest.fixture(params=["sqlite", "postgres"])
def orders(request: pytest.FixtureRequest, tmp_path: Path) -> ChartRepository[Order]:
    if request.param == "sqlite":
        return ChartRepository(f"sqlite:///{tmp_path}/orders.db", OrderChart)
    return ChartRepository(request.getfixturevalue("postgres_url"), OrderChart)


@contextmanager
def asked(orders: ChartRepository[Order]) -> Iterator[list[str]]:
    """Collect the statements that select something."""
    assert isinstance(orders.store, JsonSqlRepository)
    engine, found = orders.store.database.engine, list[str]()

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "envchart_name" in statement:
            found.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def test_values_are_listed_by_one_statement_and_those_with_effects_by_another(
    orders: ChartRepository[Order],
) -> None:
    for number in range(12):
        orders.create(f"A-{number:02}", Order())
        orders.fire(f"A-{number:02}", "pay")
    orders.create("B-1", Order())

    with asked(orders) as statements:
        listed = list(orders.summaries())
    assert len(statements) == 1
    assert [each.name for each in listed] == orders.names()

    orders.run_effects()  # the last record now says nothing of the state
    with asked(orders) as statements:
        assert list(orders.summaries()) == listed
    assert len(statements) == 2

    with asked(orders) as statements:
        assert orders.find("draft") == ["B-1"]
    assert len(statements) == 1


def test_a_state_that_was_entered_long_ago_is_found(orders: ChartRepository[Order]) -> None:
    orders.create("A-1", Order())
    for _ in range(60):
        orders.fire("A-1", "touch")

    (summary,) = orders.summaries()

    created, *_, last = orders.history("A-1")
    assert isinstance(summary, Summary)
    assert (summary.revision, summary.since, summary.at) == (61, created.at, last.at)
    assert orders.summary("A-1") == summary


def test_what_is_settled_is_not_asked_about_again(orders: ChartRepository[Order]) -> None:
    for name in ("A-1", "A-2"):
        orders.create(name, Order())
    orders.fire("A-1", "pay")
    assert [each.name for each in orders.run_effects()] == ["A-1"]
    assert orders.run_effects() == []

    with asked(orders) as statements:
        assert orders.run_effects() == []
    assert len(statements) == 1  # for those that have changed

    orders.fire("A-2", "pay")
    assert [each.name for each in orders.run_effects()] == ["A-2"]


def test_charts_of_one_database_are_apart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    orders = ChartRepository(f"{url}?collection=orders", OrderChart)
    offers = ChartRepository(f"{url}?collection=offers", OrderChart)

    orders.create("A-1", Order())
    offers.create("A-1", Order())
    orders.fire("A-1", "pay")

    assert (orders.find("paid"), offers.find("paid")) == (["A-1"], [])
    assert [each.name for each in offers.due_effects()] == []
    assert [change.event for change in offers.changes()] == [None]
    assert [each.state for each in offers.summaries() if isinstance(each, Summary)] == ["draft"]
    assert ChartRepository(url, OrderChart).names() == []
    offers.delete("A-1")
    assert orders.exists("A-1")


def test_a_value_that_can_not_be_read_hides_no_other(tmp_path: Path) -> None:
    file = tmp_path / "orders.db"
    orders = ChartRepository(f"sqlite:///{file}", OrderChart)
    for name in ("A-1", "A-2"):
        orders.create(name, Order())
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE envchart_name SET value = '{' WHERE name = 'A-1'")
    connection.close()

    with pytest.raises(DamagedNames, match=r"can't be read: A-1") as raised:
        orders.find("draft")

    assert raised.value.found == ("A-2",)
    (report, sound) = orders.verify()
    assert sound.intact
    assert [str(problem.file) for problem in report.problems] == [f"sqlite:///{file}#A-1"]
