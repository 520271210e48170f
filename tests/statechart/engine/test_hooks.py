"""The commit: after any failure at any place, model, commit and log agree."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any

import pytest
from loguru import logger

from statechart import Chart, Event, InvalidTransition, State, Transition
from statechart.engine.hooks import FiredEvent, watching

NAMED_BEFORE = (
    "prepare_event",
    "before_transition",
    "before_serve",
    "on_exit_state",
    "on_exit_waiting",
    "on_transition",
    "on_serve",
    "on_enter_state",
    "on_enter_served",
)
NAMED_AFTER = ("after_serve", "after_transition")
INLINE_BEFORE = ("validator", "guard", "exit", "before", "on", "enter")
BEFORE = (
    *(f"inline {place}" for place in INLINE_BEFORE),
    *(f"{where} {place}" for where in ("chart", "listener") for place in NAMED_BEFORE),
)
AFTER = ("inline after", *(f"{where} {place}" for where in ("chart", "listener") for place in NAMED_AFTER))
INTERRUPTIONS = (KeyboardInterrupt, asyncio.CancelledError, SystemExit)


@dataclass
class Guest:
    name: str = "ann"
    state: str = "waiting"
    since: datetime | None = None
    failing: dict[str, BaseException] = field(default_factory=dict)
    reached: list[str] = field(default_factory=list)
    failing_at: int = 1

    def reach(self, place: str) -> bool:
        """Raise what was prepared for a place, when it is reached for the time that was asked for."""
        self.reached.append(place)
        if place in self.failing and self.reached.count(place) == self.failing_at:
            raise self.failing[place]
        return True


def hook(place: str) -> Callable[..., bool]:
    def reach(model: Guest) -> bool:
        return model.reach(place)

    return reach


def hooks(where: str) -> type:
    """A class with a hook of every name; each of them tells the guest that it was reached."""

    def method(name: str) -> Callable[..., dict[str, object]]:
        def reach(self: object, model: Guest) -> dict[str, object]:
            model.reach(f"{where} {name}")
            return {}

        return reach

    return type(f"{where.title()}Hooks", (), {name: method(name) for name in (*NAMED_BEFORE, *NAMED_AFTER)})


class Counter(hooks("chart"), Chart):  # type: ignore[misc]  # made by the line above
    listeners = [hooks("listener")]  # noqa: RUF012  # as a chart's author writes it

    waiting = State("waiting", initial=True, exit=hook("inline exit"))
    served = State("served", enter=hook("inline enter"))

    serve = Event(
        waiting.to(
            served,
            validators=hook("inline validator"),
            cond=hook("inline guard"),
            before=hook("inline before"),
            on=hook("inline on"),
            after=hook("inline after"),
        )
    )
    come_back = Event(served.to(waiting))


@dataclass
class Book:
    """A commit that records transitions, and can raise before or after it does."""

    first: BaseException | None = None
    then: BaseException | None = None
    written: list[Transition] = field(default_factory=list)

    @property
    def committed(self) -> bool:
        return bool(self.written)

    def __call__(self, transition: Transition) -> Mapping[str, object]:
        if self.first is not None:
            raise self.first
        self.written.append(transition)
        if self.then is not None:
            raise self.then
        return {"page": len(self.written)}


@pytest.fixture
def log() -> Iterator[list[Any]]:
    lines: list[Any] = []
    sink = logger.add(lambda message: lines.append(message.record), level="DEBUG", format="{message}")
    logger.enable("statechart")
    yield lines
    logger.disable("statechart")
    logger.remove(sink)


def committed(log: list[Any]) -> list[str]:
    """The transitions that the log tells of."""
    return [line["extra"]["to_state"] for line in log if line["level"].name == "INFO"]


def test_every_place_is_reached_and_in_this_order() -> None:
    guest = Guest()

    Counter(guest).fire(Counter.serve)

    once = [*dict.fromkeys(guest.reached)]
    assert sorted(once) == sorted((*BEFORE, *AFTER))
    chart = [place.removeprefix("chart ") for place in once if place.startswith("chart")]
    assert chart == [*NAMED_BEFORE, *NAMED_AFTER]


@pytest.mark.parametrize("kind", [RuntimeError, *INTERRUPTIONS])
@pytest.mark.parametrize("place", BEFORE)
def test_a_failure_before_the_commit_changes_no_state(
    place: str, kind: type[BaseException], log: list[Any]
) -> None:
    guest, book = Guest(failing={place: kind("lost")}), Book()
    counter = Counter(guest, commit=book)

    with pytest.raises(kind, match="lost"):
        counter.fire(Counter.serve)

    assert (guest.state, book.written, committed(log)) == ("waiting", [], [])
    guest.failing.clear()
    assert counter.fire(Counter.serve).to_state == "served"
    assert (guest.state, len(book.written), committed(log)) == ("served", 1, ["served"])


@pytest.mark.parametrize("place", AFTER)
def test_an_error_after_the_commit_is_logged_and_goes_no_further(place: str, log: list[Any]) -> None:
    guest, book = Guest(failing={place: RuntimeError("lost")}), Book()
    counter = Counter(guest, commit=book)

    transition = counter.fire(Counter.serve)

    assert (guest.state, book.written, committed(log)) == ("served", [transition], ["served"])
    (warning,) = [line for line in log if line["level"].name == "WARNING"]
    assert warning["message"] == "A hook failed after serve was committed"
    assert str(warning["exception"].value) == "lost"


@pytest.mark.parametrize("kind", INTERRUPTIONS)
@pytest.mark.parametrize("place", AFTER)
def test_an_interruption_after_the_commit_propagates_and_keeps_the_transition(
    place: str, kind: type[BaseException], log: list[Any]
) -> None:
    guest, book = Guest(failing={place: kind("lost")}), Book()
    counter = Counter(guest, commit=book)

    with pytest.raises(kind, match="lost"):
        counter.fire(Counter.serve)

    assert (guest.state, len(book.written), committed(log)) == ("served", 1, ["served"])
    assert counter.fire(Counter.come_back).to_state == "waiting"
    assert (guest.state, len(book.written), committed(log)) == ("waiting", 2, ["served", "waiting"])


@pytest.mark.parametrize("kind", [OSError, *INTERRUPTIONS])
def test_a_commit_that_fails_leaves_the_old_state_and_no_line(
    kind: type[BaseException], log: list[Any]
) -> None:
    guest, book = Guest(), Book(first=kind("disk full"))
    counter = Counter(guest, commit=book)

    with pytest.raises(kind, match="disk full"):
        counter.fire(Counter.serve)

    assert (guest.state, book.written, committed(log)) == ("waiting", [], [])
    book.first = None
    assert counter.fire(Counter.serve).to_state == "served"
    assert (guest.state, len(book.written), committed(log)) == ("served", 1, ["served"])


@pytest.mark.parametrize("kind", INTERRUPTIONS)
def test_a_commit_that_was_done_when_it_was_interrupted_stands_and_is_logged(
    kind: type[BaseException], log: list[Any]
) -> None:
    guest, book = Guest(), Book(then=kind("now"))
    counter = Counter(guest, commit=book)

    with pytest.raises(kind, match="now"):
        counter.fire(Counter.serve)

    assert (guest.state, len(book.written), committed(log)) == ("served", 1, ["served"])


def test_an_error_after_a_finished_commit_keeps_the_transition(log: list[Any]) -> None:
    guest, book = Guest(), Book(then=OSError("the projection is behind"))

    transition = Counter(guest, commit=book).fire(Counter.serve)

    assert (guest.state, book.written, committed(log)) == ("served", [transition], ["served"])
    assert [line["level"].name for line in log] == ["DEBUG", "INFO", "WARNING"]


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("time", [1, 2, 3])
def test_preparing_an_event_may_fail_each_time_that_it_is_done(
    time: int, kind: type[BaseException], log: list[Any]
) -> None:
    guest, book = Guest(failing={"chart prepare_event": kind("lost")}, failing_at=time), Book()

    with pytest.raises(kind, match="lost"):
        Counter(guest, commit=book).fire(Counter.serve)

    assert (guest.state, book.written, committed(log)) == ("waiting", [], [])


class Tap(Chart):
    shut = State("shut", initial=True)
    open_ = State("open")
    turn = Event(shut.to(open_))
    turn_back = Event(open_.to(shut))


def interrupted_at(line: int, fire: Callable[[], object]) -> bool:
    """Fire, and raise KeyboardInterrupt at the n-th line that the engine runs; False if it runs fewer.

    Left out are the lines of `fire` itself, where no signal can arrive between two calls, and what
    runs in finalisers, where Python drops exceptions.
    """
    left = line

    def trace(frame: FrameType, kind: str, _argument: object) -> Any:
        nonlocal left
        module = frame.f_globals.get("__name__", "")
        if module == "statemachine.invoke" or frame.f_code.co_name in (
            "fire",
            "_fire",
            "__del__",
            "<lambda>",
        ):
            return None
        if kind == "line" and module.startswith(("statechart", "statemachine")):
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    try:
        sys.settrace(trace)
        fire()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def test_an_interruption_at_any_line_of_the_engine_leaves_one_story() -> None:
    line, met = 1, set()
    while True:
        tap, book = Guest(state="shut"), Book()
        machine = Tap(tap, commit=book)
        if not interrupted_at(line, lambda: machine.fire(Tap.turn)):  # noqa: B023  # called at once
            break
        was_committed = book.committed
        assert (line, tap.state) == (line, "open_" if was_committed else "shut")
        machine.fire(Tap.turn_back if was_committed else Tap.turn)
        assert (line, len(book.written)) == (line, 2 if was_committed else 1)
        met.add(was_committed)
        line += 1

    assert line > 100
    assert met == {False, True}


@pytest.mark.parametrize("place", ["inline guard", "chart on_enter_served", "listener after_transition"])
def test_this_threads_machine_serves_the_next_model_after_an_interruption(place: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        Counter.bound(Guest(failing={place: KeyboardInterrupt()}), commit=Book()).fire(Counter.serve)
    book = Book()

    transition = Counter.bound(Guest("bob"), commit=book).fire(Counter.serve)

    assert (book.written, transition.subject) == ([transition], "bob")


def test_a_commit_is_logged_in_one_line_with_its_returned_fields(log: list[Any]) -> None:
    Counter(Guest(), commit=Book()).fire(Counter.serve)

    (line,) = [line for line in log if line["level"].name == "INFO"]
    duration = line["extra"].pop("duration_ms")
    assert line["message"] == "State transition"
    assert line["extra"] == {"event": "serve", "from_state": "waiting", "to_state": "served", "page": 1}
    assert 0 <= duration < 1000


def test_without_a_commit_the_line_tells_the_subject(log: list[Any]) -> None:
    Counter(Guest()).fire(Counter.serve)

    assert log[-1]["extra"]["subject"] == "ann"


def test_leaving_a_state_tells_how_long_it_lasted(log: list[Any]) -> None:
    since = datetime.now(UTC) - timedelta(minutes=2)

    Counter(Guest(since=since)).fire(Counter.serve)

    (line,) = [line for line in log if line["level"].name == "DEBUG"]
    lasted = line["extra"].pop("lasted_s")
    assert line["message"] == "Leaving state"
    assert line["extra"] == {"event": "serve", "state": "waiting"}
    assert 120 <= lasted < 180


def test_leaving_a_state_of_unknown_beginning_tells_no_duration(log: list[Any]) -> None:
    Counter(Guest()).fire(Counter.serve)

    (line,) = [line for line in log if line["level"].name == "DEBUG"]
    assert "lasted_s" not in line["extra"]


def test_a_refused_event_leaves_no_line_at_all(log: list[Any]) -> None:
    with pytest.raises(InvalidTransition):
        Counter(Guest(), commit=Book()).fire(Counter.come_back)

    assert log == []


def test_entering_the_initial_state_neither_commits_nor_logs(log: list[Any]) -> None:
    book = Book()

    counter = Counter(Guest(state=None), commit=book)  # type: ignore[arg-type]  # not begun

    assert (counter.model.state, book.written, log) == ("waiting", [], [])


@pytest.mark.parametrize("failing", [None, "chart after_serve"])
def test_a_failing_log_sink_does_not_break_an_event(failing: str | None, log: list[Any]) -> None:
    def fail(_message: object) -> None:
        raise OSError("no space left on device")

    sink = logger.add(fail, level="DEBUG", catch=False)
    guest, book = Guest(failing={failing: RuntimeError("lost")} if failing else {}), Book()
    try:
        transition = Counter(guest, commit=book).fire(Counter.serve)
    finally:
        logger.remove(sink)

    assert (guest.state, book.written) == ("served", [transition])


def test_the_engine_logs_nothing_until_it_is_enabled() -> None:
    script = """
from loguru import logger
from statechart import Chart, Event, State
class Quiet(Chart):
    off = State("off", initial=True)
    on = State("on", final=True)
    switch = Event(off.to(on))
Quiet().fire(Quiet.switch)
print("enabled", flush=True)
logger.enable("statechart")
Quiet().fire(Quiet.switch)
"""

    ended = subprocess.run(
        [sys.executable, "-c", script],
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )

    before, after = ended.stdout.split("enabled\n")
    assert before == ""
    assert after.count("State transition") == 1


class Lamp(Chart):
    off = State("off", initial=True)
    on = State("on", final=True)
    switch = Event(off.to(on))


def test_a_watcher_is_told_of_events_until_its_block_ends() -> None:
    outer: list[FiredEvent] = []
    inner: list[FiredEvent] = []

    with watching(outer.append):
        with watching(inner.append):
            Lamp().fire(Lamp.switch)
        Lamp().fire(Lamp.switch)
    Lamp().fire(Lamp.switch)

    assert [(event.event, event.to_state) for event in inner] == [("switch", "on")]
    assert len(outer) == 2


def test_a_watcher_is_told_of_no_more_events_after_an_error() -> None:
    told: list[FiredEvent] = []

    with pytest.raises(KeyError), watching(told.append):
        raise KeyError
    Lamp().fire(Lamp.switch)

    assert told == []
