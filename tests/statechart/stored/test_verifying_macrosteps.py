"""Recorded macrosteps are verified: their configurations, steps, history values and timers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from statechart import Chart, ChartRepository, Event, JsonFileRepository, Record, State, Timer, fire_due
from statechart.storage.chain import LAPSED, TRANSITION
from tests.statechart.stored.trade import Job, JobChart, Order, OrderChart

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


def walked(place: Path | str, *events: str) -> ChartRepository[Order]:
    orders = ChartRepository(place, OrderChart)
    orders.create("A", Order())
    for event in events:
        orders.fire("A", event)
    return orders


def test_a_sound_history_of_macrosteps_is_intact(any_place: str) -> None:
    orders = walked(any_place, "place", "authorise", "pack", "pause", "resume", "capture", "ship")

    (report,) = orders.verify(chart=True)

    assert (report.problems, report.notes, report.transitions) == ((), (), 7)


def test_timers_that_fired_lapsed_and_began_again_are_intact(any_place: str) -> None:
    jobs = ChartRepository(any_place, JobChart)
    jobs.create("J", Job())
    for event in ("begin", "beat", "fail"):
        jobs.fire("J", event)
    with jobs.open("J") as held:
        fired = fire_due(held.session, JobChart, datetime.now(UTC) + timedelta(hours=3))

    assert [(each.timer, each.lapsed) for each in fired] == [
        ("backing_off.retry", True),
        ("backing_off.give_up", False),
    ]
    (report,) = jobs.verify(chart=True)
    assert report.problems == ()


Change = Callable[[dict[str, Any], dict[str, Any]], None]


def _steps(step: int, **fields: Any) -> Change:
    return lambda data, _state: data["steps"][step].update(fields)


def _data(**fields: Any) -> Change:
    return lambda data, _state: data.update(fields)


def _state(**fields: Any) -> Change:
    return lambda _data, state: state.update(fields)


def _left_out(data: dict[str, Any], _state: dict[str, Any]) -> None:
    data["steps"].pop()


def _jumps(data: dict[str, Any], state: dict[str, Any]) -> None:
    data["to_state"] = "authorised + packed"
    state |= {"active": ["authorised", "packed"], "timers": {}}


SHIP = ("place", "authorise", "capture", "pack")

FORGED: dict[str, tuple[tuple[str, ...], str, Change, str]] = {
    "another source": (
        ("place",),
        "pack",
        _data(from_state="draft"),
        "but the state before it was awaiting",
    ),
    "another target": (("place",), "pack", _data(to_state="paused"), "but the state after it is awaiting"),
    "two regions at once": (("place",), "pack", _jumps, "whose steps lead to awaiting + packed"),
    "an unknown event": (("place",), "pack", _data(event="wrap"), "wrap is no event of today's chart"),
    "an inner event": (
        ("place",),
        "pack",
        _data(event="done_state_open"),
        "can be raised by the chart only",
    ),
    "other steps": (("place",), "pack", _steps(0, entered=["shipped"]), "is no enabled transition"),
    "states that are no list": (("place",), "pack", _steps(0, entered=5), "entered 5) is no enabled"),
    "states that are a mapping": (("place",), "pack", _steps(0, entered={"packed": 1}), "no enabled"),
    "no states": (("place",), "pack", _steps(0, entered=None), "no enabled transition"),
    "a deadline of no timer": (
        ("place",),
        "expire",
        _data(due="2030-01-01T12:00:00Z"),
        "at the deadline of a timer, which it does not name",
    ),
    "a step of another event": (("place",), "pack", _steps(0, event="unpack"), "no enabled transition"),
    "no done event": (SHIP, "ship", _left_out, "leaves out done.state.open"),
    "a done event of nothing": (
        SHIP,
        "ship",
        _steps(1, event="done.state.x"),
        "done.state.x nothing raised",
    ),
    "another memory": (
        ("place",),
        "pause",
        _state(history={"where_it_was": ["paid", "packing"]}),
        "after which where_it_was remembers paid, packing, where its steps lead to awaiting, packing",
    ),
    "no memory": (("place",), "pause", _state(history={}), "after which where_it_was remembers nothing"),
    "no timer": (("place",), "pause", _state(timers={}), "timer paused.expire does not run, although"),
    "a timer that should have ended": (
        ("place", "pause"),
        "resume",
        _state(timers={}),
        "timer awaiting.expire does not run, although its state was entered",
    ),
    "a timer of the past": (
        ("place",),
        "pause",
        _state(timers={"paused.expire": "2020-01-01T00:00:00Z"}),
        "is due at 2020-01-01 00:00:00+00:00, before it began",
    ),
    "another deadline": (
        ("place",),
        "pack",
        _state(timers={"awaiting.expire": "2040-01-01T00:00:00Z"}),
        "the deadline of the timer awaiting.expire is 2040-01-01",
    ),
    "a timer from nowhere": (
        ("place",),
        "expire",
        _data(timer="paused.expire", due="2030-01-01T12:00:00Z"),
        "by the timer paused.expire, which did not run",
    ),
    "a timer of another chart": (
        ("place",),
        "expire",
        _data(timer="open.expire"),
        "today's chart does not",
    ),
    "a timer of another event": (("place",), "pack", _data(timer="awaiting.expire"), "which fires expire"),
    "another due": (
        ("place",),
        "expire",
        _data(timer="awaiting.expire", due="2030-01-01T12:00:00Z"),
        "by the timer awaiting.expire, whose deadline was",
    ),
    "an illegal configuration": (
        ("place",),
        "pack",
        _state(active=["awaiting"]),
        "OrderChart can't be in awaiting: open is active without its shipment",
    ),
    "an unknown state": (
        ("place",),
        "pack",
        _state(active=["waiting", "packed"]),
        "has no state 'waiting'",
    ),
    "an unknown timer": (("place",), "pack", _state(timers={"x.y": "2030-01-01T12:00:00Z"}), "timer 'x.y'"),
    "an unknown history": (("place",), "pack", _state(history={"was": ["paid"]}), "the history 'was'"),
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Path, Record]]:
    """Returns a store after some events, and the record of another event that may follow."""

    @cache
    def record(before: tuple[str, ...], event: str) -> tuple[Path, Record]:
        place = tmp_path_factory.mktemp("recorded")
        orders = walked(place / "orders", *before)
        shutil.copytree(place / "orders", place / "twin")
        twin = ChartRepository(place / "twin", OrderChart)
        twin.fire("A", event)
        return Path(orders.files.root), twin.history("A")[-1]

    return record


def forged(tmp_path: Path, found: tuple[Path, Record], change: Change) -> ChartRepository[Order]:
    """Return a copy of a store with another record, which is changed."""
    place, record = found
    shutil.copytree(place, tmp_path / "orders")
    data, value = deepcopy(dict(record.data)), deepcopy(dict(record.value or {}))
    change(data, value["state"])
    with JsonFileRepository(tmp_path / "orders", Order).open("A") as session:
        session.commit(
            TRANSITION, Order.model_validate(value), expected=session.head.revision, data=data, at=record.at
        )
    return ChartRepository(tmp_path / "orders", OrderChart)


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_record_is_found_and_named(tmp_path: Path, recorded: Any, name: str) -> None:
    before, event, change, told = FORGED[name]

    (report,) = forged(tmp_path, recorded(before, event), change).verify()

    assert [problem.record for problem in report.problems] == [len(before) + 2]
    assert told in str(report.problems[0])


def test_a_record_as_it_was_is_not_found(tmp_path: Path, recorded: Any) -> None:
    for before, event in {(before, event) for before, event, _, _ in FORGED.values()}:
        found = recorded(before, event)
        (report,) = forged(tmp_path / event, found, lambda _data, _state: None).verify()

        assert report.problems == ()


def test_a_timer_that_fired_early_or_lapsed_without_reason_is_found(tmp_path: Path) -> None:
    orders = walked(tmp_path / "orders", "place")
    state = orders.load("A").state
    assert state is not None
    ((timer, deadline),) = state.timers.items()
    told = {
        "event": "expire",
        "from_state": "awaiting + packing",
        "to_state": "awaiting + packing",
        "timer": timer,
        "due": deadline.isoformat(),
    }
    for at in (deadline - timedelta(seconds=1), deadline):
        with orders.open("A") as held:
            held.session.commit(LAPSED, Order(state=state), expected=held.revision, data=told, at=at)

    (report,) = orders.verify()

    assert "before its deadline" in str(report.problems[0])
    assert "although today's chart takes it, without a guard" in str(report.problems[1])


def test_a_value_that_changes_its_timers_without_an_event_is_found(tmp_path: Path) -> None:
    orders = walked(tmp_path / "orders", "place")
    state = orders.load("A").state
    assert state is not None
    with orders.open("A") as held:
        held.session.commit(
            "amended", Order(state=state.model_copy(update={"timers": {}})), expected=held.revision
        )

    (report,) = orders.verify()

    assert "(in its history or timers) without an event" in str(report.problems[0])


class Stricter(Chart[Job]):
    """The chart of another day: a job fails once, and is not tried again."""

    waiting = State(initial=True)

    class working(State.Compound):
        running = State(initial=True)
        backing_off = State()
        fail = running.to(backing_off)
        retry = backing_off.to(running, cond="never")

    done = State(final=True)
    failed = State(final=True)

    begin = waiting.to(working, cond="is_early") | waiting.to(working.backing_off)
    beat = working.running.to.itself()
    finish = working.running.to(done)
    give_up = Event(working.backing_off.to(failed))

    timers = (
        Timer(working.running, after=timedelta(minutes=5), event="fail"),
        Timer(working.backing_off, after=timedelta(minutes=5), event="retry"),
        Timer(working.backing_off, after=timedelta(hours=1), event="give_up"),
    )

    def never(self) -> bool:
        """A job is tried once."""
        return False

    def is_early(self, hour: int = 20) -> bool:
        """It is too late."""
        return hour < 12


def test_todays_guards_are_asked_about_the_event_of_a_macrostep(tmp_path: Path) -> None:
    jobs = ChartRepository(tmp_path / "jobs", JobChart)
    jobs.create("J", Job())
    for event in ("begin", "fail", "retry"):
        jobs.fire("J", event)

    (report,) = ChartRepository(tmp_path / "jobs", Stricter).verify(chart=True)

    assert [str(problem).partition(": ")[2] for problem in report.problems] == [
        "begin: waiting → running, which today's guards lead to begin (left waiting; entered working, "
        "backing_off)",
        "retry: backing_off → running, which today's chart refuses: a job is tried once",
    ]
