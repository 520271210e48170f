"""Values of a chart that move to another store."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import BaseModel

from statechart import Chart, ChartRepository, Event, Locked, MovedAway, State, StorageError, effect
from statechart.holder import Holder
from statechart.storage.segments.size import Segment


class Order(BaseModel):
    state: str = "draft"
    notes: int = 0


class OrderChart(Chart[Order]):
    draft = State(initial=True)
    paid = State(final=True)

    note = Event(draft.to(draft))
    pay = Event(draft.to(paid))

    def on_note(self, model: Order) -> None:
        model.notes += 1

    @effect(pay)
    def invoice(self, name: str, repository: ChartRepository[Order], key: str) -> None:
        TRIED.append(key)
        if REFUSES:
            repository.move(name, REFUSES[0])


TRIED: list[str] = []
REFUSES: list[str] = []


@pytest.fixture
def orders(tmp_path: Path) -> ChartRepository[Order]:
    repository = ChartRepository(tmp_path / "orders", OrderChart, segment=Segment(records=3))
    repository.create("A-1", Order())
    for _ in range(7):
        repository.fire("A-1", OrderChart.note)
    TRIED.clear()
    REFUSES.clear()
    return repository


def test_a_value_goes_on_where_it_was_moved_and_comes_back(
    orders: ChartRepository[Order], any_blank_url: str, tmp_path: Path
) -> None:
    before = orders.history("A-1")
    there = ChartRepository(any_blank_url, OrderChart)

    moved = orders.move("A-1", any_blank_url)
    there.fire("A-1", OrderChart.note)
    there.move("A-1", orders)

    assert (moved.outcome, moved.records) == ("moved", len(before))
    assert orders.load("A-1").notes == 8
    assert orders.history("A-1")[: len(before)] == before
    with pytest.raises(MovedAway):
        there.load("A-1")
    there.store.database.close()  # type: ignore[attr-defined]


def test_effects_that_are_due_are_run_where_the_value_is(
    orders: ChartRepository[Order], tmp_path: Path
) -> None:
    orders.fire("A-1", OrderChart.pay)
    due = orders.due_effects()
    there = ChartRepository(f"sqlite:///{tmp_path}/shop.db", OrderChart)

    orders.move("A-1", there)

    assert orders.run_effects() == []
    assert [each.status for each in there.run_effects()] == ["done"]
    assert [due[0].key] == TRIED
    there.move("A-1", orders)
    assert orders.due_effects() == []


def test_a_value_stays_as_long_as_its_effects_are_run(
    orders: ChartRepository[Order], tmp_path: Path
) -> None:
    orders.fire("A-1", OrderChart.pay)
    REFUSES.append(f"sqlite:///{tmp_path}/shop.db")

    (outcome,) = orders.run_effects()

    assert outcome.status == "failed"
    assert Locked.__name__ in (outcome.error or "")
    assert outcome.recorded
    assert orders.exists("A-1")


def test_a_value_stays_whose_effects_begin_to_be_run_while_a_move_waits_for_it(
    orders: ChartRepository[Order], tmp_path: Path
) -> None:
    patient = ChartRepository(tmp_path / "orders", OrderChart, timeout=60)
    move = patient.moving(f"sqlite:///{tmp_path}/shop.db")
    move.require_other()
    with ThreadPoolExecutor(1) as thread:
        with orders.open("A-1") as session:
            moved = thread.submit(move.carry_out, "A-1")
            time.sleep(0.3)  # whether it looks before or after the event
            session.fire(OrderChart.pay)
            running = orders._opened.outbox.lock("A-1")
            running.acquire(Holder.current("effects"))
        with pytest.raises(Locked):
            moved.result()
        running.release()

    assert [each.status for each in orders.run_effects()] == ["done"]


def test_a_move_to_the_same_store_is_refused(orders: ChartRepository[Order], tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is the store that the values are in already"):
        orders.move("A-1", tmp_path / "orders")

    assert orders.exists("A-1")


def test_a_value_is_not_moved_between_collections_of_a_database(
    orders: ChartRepository[Order], any_blank_url: str
) -> None:
    mark = "&" if "?" in any_blank_url else "?"
    one, other = (ChartRepository(f"{any_blank_url}{mark}collection={each}", OrderChart) for each in "ab")
    orders.move("A-1", one)

    with pytest.raises(StorageError, match="can't be moved between collections"):
        one.move("A-1", other)
    one.move("A-1", orders, keep=False)
    with pytest.raises(StorageError, match=r"the collection 'a' of .* and can return there only"):
        orders.move("A-1", other)

    assert orders.load("A-1").notes == 7
    orders.move("A-1", one)
    one.store.database.close()  # type: ignore[attr-defined]
