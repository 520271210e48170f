"""Declarations that can't be committed once per event are refused when the class is created."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from statechart import Chart, ChartDefinitionError, Event, State


async def later() -> None: ...


def yielding() -> Iterator[None]:
    yield


class AsyncWatch:
    async def after_transition(self) -> None: ...


class Watch:
    def after_transition(self) -> None: ...


def two_states(name: str, *, off: State | None = None, **attributes: object) -> type[Chart]:
    """Declare a chart of two states, with extra attributes."""
    on, off = State("on", initial=True), off or State("off")
    declared = {"on": on, "off": off, "stop": Event(on.to(off)), "start": Event(off.to(on)), **attributes}
    return type(Chart)(name, (Chart,), declared)


def two_named(name: str, first: str, event: str = "switch") -> type[Chart]:
    """Declare a chart of two states, the first with the given name, and an event between them."""
    one, two = State(first, initial=True), State("two", final=True)
    return type(Chart)(name, (Chart,), {first: one, "two": two, event: Event(one.to(two))})


def with_transition(name: str, **callbacks: object) -> type[Chart]:
    on, off = State("on", initial=True), State("off", final=True)
    return type(Chart)(name, (Chart,), {"on": on, "off": off, "stop": Event(on.to(off, **callbacks))})


def extended() -> type[Chart]:
    class Extended(two_states("Whole")):  # type: ignore[misc]  # the mistake
        pass

    return Extended


REFUSED: dict[str, tuple[Callable[[], type[Chart]], str]] = {
    "invoke": (
        lambda: two_states("Invoking", off=State("off", invoke=print)),
        "state 'off' invokes work; do the work outside of the chart, then fire; for a timeout, give the "
        "chart a ",
    ),
    "a hook that invokes": (
        lambda: two_states("Invoker", on_invoke_off=print),
        "callback 'on_invoke_off' invokes work",
    ),
    "an async hook": (
        lambda: two_states("AsyncNamed", on_enter_off=later),
        "callback 'on_enter_off' is async; do asynchronous work in a command, then fire",
    ),
    "an event that hides the events": (
        lambda: two_named("HidingEvents", "one", "events"),
        "event 'events' hides an attribute of Chart",
    ),
    "a generator": (
        lambda: two_states("Yielding", on_enter_off=yielding),
        "callback 'on_enter_off' is a generator, whose body would not run; write it without `yield`",
    ),
    "an async callback of a state": (
        lambda: two_states("AsyncState", off=State("off", enter=later)),
        "callback 'later' is async",
    ),
    "an async callback of a transition": (
        lambda: with_transition("AsyncInline", on=later),
        "callback 'later' is async",
    ),
    "an async guard by name": (
        lambda: two_states("AsyncGuard", off=State("off", exit="wait"), wait=later),
        "callback 'wait' is async",
    ),
    "an async class listener": (
        lambda: two_states("AsyncListened", listeners=[AsyncWatch]),
        "callback 'after_transition' is async",
    ),
    "an async listener that is an object": (
        lambda: two_states("AsyncListening", listeners=[AsyncWatch()]),
        "callback 'after_transition' is async",
    ),
    "a delayed event": (
        lambda: two_states("Delayed", off=(off := State("off")), wait=Event(off.to.itself(), delay=10)),
        "event 'wait' is delayed, in memory only: give the chart a timer, such as timers = (Timer(state, ",
    ),
    "an event named like a state": (
        lambda: two_named("Eclipsed", "one", "two"),
        "a transition uses a state (two) that the chart lost: does an event have the same name?",
    ),
    "an event that hides an attribute": (
        lambda: two_named("HidingEvent", "one", "fire"),
        "event 'fire' hides an attribute of Chart",
    ),
    "a state that hides an attribute": (
        lambda: two_named("HidingState", "enabled"),
        "state 'enabled' hides an attribute of Chart",
    ),
    "a state that hides what a machine has": (
        lambda: two_named("HidingModel", "model"),
        "state 'model' hides an attribute of Chart",
    ),
    "an event that hides what a machine has": (
        lambda: two_named("HidingCommit", "one", "commit"),
        "event 'commit' hides an attribute of Chart",
    ),
    "a chart that extends a chart": (extended, "Extended extends the chart Whole, whose states would be"),
    "a state that can't be reached": (
        lambda: two_states(
            "Unreached",
            validate_disconnected_states=False,
            far=(far := State("far")),
            away=Event(far.to.itself()),
        ),
        "state 'far' can't be reached from the initial state",
    ),
    "a state without a way out": (
        lambda: type(Chart)(
            "Stuck",
            (Chart,),
            {
                "validate_trap_states": False,
                "on": (on := State("on", initial=True)),
                "off": (off := State("off")),
                "stop": Event(on.to(off)),
            },
        ),
        "state 'off' has no way out and is not final",
    ),
    "no initial state": (lambda: type(Chart)("Unbegun", (Chart,), {"on": State("on")}), "chart Unbegun: "),
}


@pytest.mark.parametrize("mistake", REFUSED)
def test_a_chart_with_this_mistake_is_refused(mistake: str) -> None:
    declare, reason = REFUSED[mistake]

    with pytest.raises(ChartDefinitionError) as caught:
        declare()

    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("allow_event_without_transition", True),
        ("catch_errors_as_events", True),
        ("atomic_configuration_update", False),
        ("enable_self_transition_entries", False),
    ],
)
@pytest.mark.parametrize("inherited", [False, True])
def test_the_switches_stay_as_they_are(flag: str, value: bool, inherited: bool) -> None:
    def declare() -> None:
        if inherited:
            base = type(Chart)("Loose", (Chart,), {flag: value})
            one, two = State("one", initial=True), State("two", final=True)
            type(Chart)("Tight", (base,), {"one": one, "two": two, "go": Event(one.to(two))})
        else:
            two_states("Loosened", **{flag: value})

    with pytest.raises(ChartDefinitionError, match=f"{flag} must stay {not value}"):
        declare()


def test_all_mistakes_are_reported_at_once() -> None:
    with pytest.raises(ChartDefinitionError) as caught:
        two_states("Doubly", catch_errors_as_events=True, on_enter_off=later)

    assert str(caught.value) == (
        "chart Doubly: catch_errors_as_events must stay False; "
        "callback 'on_enter_off' is async; do asynchronous work in a command, then fire"
    )


@pytest.mark.parametrize("hook", [partial(later), later])
def test_an_async_callback_is_seen_through_a_partial(hook: Callable[[], object]) -> None:
    with pytest.raises(ChartDefinitionError, match="is async"):
        two_states("Partial", off=State("off", enter=hook))


def test_a_base_without_states_may_be_shared() -> None:
    class Shouting(Chart):
        log_message = "STATE TRANSITION"

    one, two = State("one", initial=True), State("two", final=True)
    chart = type(Chart)("Shouter", (Shouting,), {"one": one, "two": two, "go": Event(one.to(two))})

    assert chart().fire(chart.go).to_state == "two"


@pytest.mark.parametrize("listener", [Watch, Watch()])
def test_a_listener_of_the_class_is_welcome(listener: object) -> None:
    chart = two_states("Listened", listeners=[listener])

    assert chart().fire(chart.stop).to_state == "off"
