"""Values in configurations: found by any active state, listed, followed, moved and kept beyond segments."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel

from statechart import (
    Chart,
    ChartRepository,
    ChartWarning,
    Configuration,
    HistoryState,
    Segment,
    State,
    Timer,
    UnknownState,
)
from statechart.holder import Holder
from statechart.stored.damage import Damaged
from statechart.stored.reading.listing import Summary, selecting

LATER = timedelta(days=30)


class Order(BaseModel, frozen=True):
    state: Configuration | None = None
    note: str = ""


class OrderChart(Chart[Order]):
    draft = State(initial=True)

    class open(State.Parallel):
        class payment(State.Compound):
            awaiting = State(initial=True)
            paid = State(final=True)
            pay = awaiting.to(paid)

        class shipment(State.Compound):
            packing = State(initial=True)
            shipped = State(final=True)
            ship = packing.to(shipped)

        where_it_was = HistoryState(type="deep")

    paused = State()
    expired = State(final=True)
    done = State(final=True)

    place = draft.to(open)
    pause = open.to(paused)
    resume = paused.to(open.where_it_was)
    expire = open.payment.awaiting.to(expired)
    done_state_open = open.to(done)
    edit = open.to(open, internal=True, on="write")

    timers = (
        Timer(open.payment.awaiting, after=timedelta(minutes=30), event=expire),
        Timer(paused, after=timedelta(days=7), event=resume),
    )

    def write(self, model: Order) -> None:
        model.note = "edited"


@pytest.fixture
def orders(any_place: str) -> ChartRepository[Order]:
    repository = ChartRepository(any_place, OrderChart)
    events = {
        "draft": (),
        "open": ("place",),
        "paid": ("place", "pay"),
        "paused": ("place", "pay", "pause"),
    }
    for name, fired in events.items():
        repository.create(name, Order())
        for event in fired:
            repository.fire(name, event)
    return repository


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("draft", ["draft"]),
        ("open", ["open", "paid"]),
        (OrderChart.open, ["open", "paid"]),
        ("payment", ["open", "paid"]),
        (OrderChart.open.payment.paid, ["paid"]),
        ("awaiting", ["open"]),
        ("awaiting + packing", ["open"]),
        (["awaiting + packing", "paused"], ["open", "paused"]),
        (("draft", OrderChart.paused), ["draft", "paused"]),
        ("done", []),
    ],
)
def test_values_are_found_by_any_active_state(
    orders: ChartRepository[Order], wanted: object, found: list[str]
) -> None:
    assert orders.find(wanted) == found  # type: ignore[arg-type]


@pytest.mark.parametrize("wanted", ["opne", "awaiting + packd", "where_it_was"])
def test_a_state_that_there_is_not_is_refused(orders: ChartRepository[Order], wanted: str) -> None:
    with pytest.raises(UnknownState):
        orders.find(wanted)


def test_lists_have_the_text_of_the_configuration(orders: ChartRepository[Order]) -> None:
    found = {each.name: each.state for each in orders.summaries() if isinstance(each, Summary)}

    assert found == {
        "draft": "draft",
        "open": "awaiting + packing",
        "paid": "paid + packing",
        "paused": "paused",
    }
    assert orders.summary("paid").state == "paid + packing"


def test_a_listed_configuration_is_not_loaded(
    orders: ChartRepository[Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders.store, "load", None)

    assert len(orders.find("open")) + len(list(orders.summaries())) == 6


def test_an_event_that_changes_no_state_enters_none(orders: ChartRepository[Order]) -> None:
    since = orders.summary("open").since

    orders.fire("open", "edit")

    assert (orders.summary("open").since, orders.load("open").note) == (since, "edited")


def test_changes_tell_configurations(orders: ChartRepository[Order]) -> None:
    told = [
        (each.event, each.from_state, each.to_state) for each in orders.changes() if each.name == "paused"
    ]

    assert told == [
        (None, None, "draft"),
        ("place", "draft", "awaiting + packing"),
        ("pay", "awaiting + packing", "paid + packing"),
        ("pause", "paid + packing", "paused"),
    ]


def test_an_illegal_configuration_is_listed_as_damaged(tmp_path: Path) -> None:
    repository = ChartRepository(tmp_path, OrderChart)
    repository.create("a", Order())
    for file in ("history.jsonl", "state.json"):
        path = tmp_path / "a" / file
        path.write_bytes(path.read_bytes().replace(b'"draft"', b'"open"').replace(b"open", b"gone"))

    (found,) = repository.summaries()

    assert isinstance(found, Damaged)


def test_history_and_timers_move_byte_for_byte(orders: ChartRepository[Order], tmp_path: Path) -> None:
    there = ChartRepository(tmp_path / "there", OrderChart)
    before = orders.load("paused"), orders.history("paused")
    deadlines = [due for name, due in orders.due(datetime.now(UTC) + LATER) if name == "paused"]

    orders.move("paused", there)

    assert (there.load("paused"), there.history("paused")) == before
    assert [due for _, due in there.due(datetime.now(UTC) + LATER)] == deadlines
    there.fire_due("paused", datetime.now(UTC) + LATER)
    assert str(there.load("paused").state) == "paid + packing"


def test_a_segment_begins_with_the_times_of_a_state_that_a_lapsed_timer_did_not_enter(
    any_place: str,
) -> None:
    repository = ChartRepository(any_place, Lapsing, segment=Segment(records=2))
    repository.create("a", Order())
    created = repository.history("a")[0].at
    lapsed_at = datetime.now(UTC) + LATER

    repository.fire_due("a", lapsed_at)

    assert [record.type for record in repository.history("a")] == ["created", "lapsed", "checkpoint"]
    summary = repository.summary("a")
    assert (summary.revision, summary.since, summary.at) == (2, created, lapsed_at)
    assert summary in list(repository.summaries())
    assert repository.verify("a")[0].intact


def test_a_history_that_ends_with_a_lapsed_timer_is_begun_anew_with_it(tmp_path: Path) -> None:
    repository = ChartRepository(tmp_path, Lapsing)
    repository.create("a", Order())
    repository.fire_due("a", datetime.now(UTC) + LATER)
    value = repository.load("a")
    journal = tmp_path / "a" / "history.jsonl"
    first, lapsed = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(first.replace(b"a", b"b", 1) + lapsed)

    evidence = repository.store.survey("a")
    repository.store.rebase(evidence, evidence.candidates[0], reason="edited", holder=Holder.current())

    assert repository.load("a") == value
    assert list(repository.due(datetime.now(UTC) + 2 * LATER)) == []
    assert repository.verify("a")[0].intact


with warnings.catch_warnings():
    warnings.simplefilter("ignore", ChartWarning)  # the timer lapses, as it should

    class Lapsing(Chart[Order]):
        class busy(State.Compound):
            first = State(initial=True)
            second = State(final=True)
            go = first.to(second)

        gone = State(final=True)

        leave = busy.to(gone, cond="may_leave")
        finish = busy.to(gone)

        timers = (Timer(busy, after=timedelta(minutes=1), event=leave),)

        def may_leave(self) -> bool:
            """It may not."""
            return False


def test_the_states_of_a_flat_chart_are_compared_as_they_are() -> None:
    class Flat(Chart):
        on = State(initial=True, value="on + off")
        off = State(final=True)
        end = on.to(off)

    assert [selecting(Flat, "on + off")(text) for text in ("on + off", "off")] == [True, False]
