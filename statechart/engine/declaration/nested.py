"""Declarations beyond flat states: states within states, timers, events that a chart raises itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import TYPE_CHECKING, Any

from statemachine import Event, State
from statemachine.state import HistoryState

from statechart.engine.attributes import called, codes
from statechart.engine.declaration import raised
from statechart.engine.declaration.naming import all_specs
from statechart.engine.declaration.timers import Alarm, Timer, delay_problem, function_problem
from statechart.tree import every_state, is_nested, within
from statechart.wording import JOINED, nearest, plain, state_text

if TYPE_CHECKING:
    from statemachine import StateChart
    from statemachine.transition import Transition

    AnyChart = type[StateChart[Any]]

_RAISED = ("done.", "done_state_", "done_invoke_")


@dataclass(frozen=True, slots=True)
class Shape:
    """How the events of a chart are fired.

    Attributes:
        stepwise: Whether an event may take several microsteps.
        holds: Whether the state of a value is a configuration.
        alarms: The timers by name.
        problems: The mistakes in the declaration of these, a sentence each.
    """

    stepwise: bool
    holds: bool
    alarms: Mapping[str, Alarm]
    problems: tuple[str, ...]


def shape_of(chart: AnyChart, attrs: Mapping[str, object]) -> Shape:
    """Return how the events of a chart are fired.

    Args:
        chart: The class, with its states and events.
        attrs: The attributes of the class as they were in its body.
    """
    alarms, problems = _alarms(chart, attrs)
    holds = is_nested(chart) or bool(alarms)
    stepwise = (
        holds
        or any(event.internal for event in chart._events)
        or any(_is_special(way) for state in every_state(chart) for way in state.transitions)
        or _raises(chart)
    )
    found = [*problems, *raised.problems(chart), *(_problems(chart, alarms) if stepwise else ())]
    return Shape(stepwise, holds, alarms, tuple(found))


def is_special(chart: AnyChart) -> bool:
    """Return whether the engine's checks of what can be reached, by one target each, do not fit a chart."""
    return any(
        state.is_history
        or state.states
        or state.parallel
        or any(_is_special(way) for way in state.transitions)
        for state in chart.states
    )


def lost_histories(chart: AnyChart) -> Iterator[str]:
    """Yield the history states that are in no other state, a sentence each."""
    for state in chart.states:
        if isinstance(state, HistoryState):
            yield (
                f"history state {state.id!r} is in no other state: put it into the state whose past it "
                "remembers"
            )


def is_inner(event: Event) -> bool:
    """Return whether an event is raised by the chart itself only, and can't be fired from outside."""
    return event.internal or event.id.startswith(_RAISED)


def _is_special(way: Transition) -> bool:
    return not way.initial and (way.is_eventless or len(way.targets) != 1)


def _raises(chart: AnyChart) -> bool:
    """Return whether a guard or hook of a chart, of its mixins or listeners may raise an event."""
    listeners = (each if isinstance(each, type) else type(each) for each in chart._class_listeners)
    owners = [*chart.__mro__, *(base for listener in listeners for base in listener.__mro__)]
    members = (
        value
        for owner in owners
        if owner.__module__.partition(".")[0] not in ("statechart", "statemachine", "typing", "builtins")
        for value in vars(owner).values()
    )
    given = (spec.func for spec in all_specs(chart))
    return any("raise_" in called(code) for value in chain(members, given) for code in codes(value))


def _alarms(chart: AnyChart, attrs: Mapping[str, object]) -> tuple[dict[str, Alarm], list[str]]:
    declared = getattr(chart, "timers", ())
    if isinstance(declared, (str, Mapping)) or not isinstance(declared, Iterable):
        return {}, [
            f"timers is a {type(declared).__name__}: give a tuple of Timer(state, after=..., event=...)"
        ]
    found: dict[str, Alarm] = {}
    problems: list[str] = []
    for timer in declared:
        if not isinstance(timer, Timer):
            problems.append(f"timers has {timer!r}: give Timer(state, after=..., event=...)")
            continue
        problem, name = _timer_problem(chart, timer, attrs)
        if problem is not None:
            problems.append(problem)
            continue
        alarm = Alarm(f"{state_text(timer.state.value)}.{name}", timer.state, name, timer.after)
        if alarm.name in found:
            problems.append(f"two timers are called {alarm.name!r}: let one fire another event")
        found[alarm.name] = alarm
    listed = list(declared)
    for name, value in attrs.items():
        others = value if isinstance(value, (tuple, list)) else (value,)
        if any(isinstance(each, Timer) and not any(each is it for it in listed) for each in others):
            problems.append(f"{name} has a timer that is not in timers: write timers = ({name}, ...)")
    return found, problems


def _timer_problem(chart: AnyChart, timer: Timer, attrs: Mapping[str, object]) -> tuple[str | None, str]:
    """Return the problem of a timer, or None, and the name of its event."""
    state = timer.state
    if isinstance(state, str):
        return f"a timer is on the string {state!r}: give the state itself", ""
    if not isinstance(state, State) or not any(each is state for each in every_state(chart)):
        return f"a timer is on {state!r}, which is no state of the chart: give the state itself", ""
    name = _event_name(timer.event, attrs)
    about = f"the timer on {state_text(state.value)!r}"
    events = [event.id for event in chart._events]
    if isinstance(state, HistoryState) or state.final:
        kind = "history" if isinstance(state, HistoryState) else "final"
        return f"{about} would never fire, as it is a {kind} state: give it to a state that waits", name
    if name not in events:
        like = nearest(name, events)
        hint = f"did you mean {like!r}?" if like else "give an event of the chart, or its name"
        return f"{about} fires {name!r}, which is no event of the chart: {hint}", name
    if name.startswith(_RAISED):
        hint = "give an event of the same transition"
        return f"{about} fires {name!r}, which the chart raises itself when states end: {hint}", name
    problem = function_problem(timer.after) if callable(timer.after) else delay_problem(timer.after)
    if problem is not None:
        return f"{about} {problem}", name
    sources = [way.source for each in every_state(chart) for way in each.transitions if way.match(name)]
    inside = list(within(state))
    if not any(any(each is source for each in inside) or _is_around(source, state) for source in sources):
        hint = f"declare a transition of {name!r} from it"
        return f"{about} fires {name!r}, which {state_text(state.value)!r} does not take: {hint}", name
    return None, name


def _is_around(outer: State, inner: State) -> bool:
    return any(each is outer for each in inner.ancestors())


def _event_name(event: object, attrs: Mapping[str, object]) -> str:
    # In the body of a class, an event is still the list of its transitions, and has no name.
    for name, value in attrs.items():
        if value is event and not isinstance(event, str):
            return name
    if isinstance(event, Event):
        return next((name for name, value in attrs.items() if value is event), event.id)
    return str(event)


def _problems(chart: AnyChart, alarms: Mapping[str, Alarm]) -> Iterator[str]:
    """Yield the mistakes in states within states, a sentence each."""
    yield from _names(chart)
    if is_nested(chart) or alarms:
        yield from _values(chart, is_flat=not is_nested(chart))
    for state in every_state(chart):
        if isinstance(state, HistoryState):
            yield from _history(state)
        else:
            yield from _state(chart, state)
        for way in state.transitions:
            yield from _transition(chart, state, way)


def _names(chart: AnyChart) -> Iterator[str]:
    counts = Counter(state.id for state in every_state(chart))
    for name, count in counts.items():
        if count > 1:
            yield f"{count} states are called {name!r}: rename all but one, as records name states"
    for event in chart._events:
        if event.id in counts:
            yield f"event {event.id!r} has the name of a state; rename it"


def _values(chart: AnyChart, *, is_flat: bool) -> Iterator[str]:
    for state in every_state(chart):
        value = plain(state.value)
        about = f"state {state.id!r} has the value {value!r}"
        if not isinstance(value, str):
            if not is_flat:
                yield f"{about}, but configurations name states by strings: give a string, or no value"
        elif JOINED in value or (not is_flat and not value.strip()):
            yield f"{about}, which can't be told apart in a configuration such as 'a{JOINED}b': rename it"


def _state(chart: AnyChart, state: State) -> Iterator[str]:
    name = state.id
    initial = [child.id for child in state.states if child._initial]
    if state.states and not state.parallel and len(initial) > 1:
        yield f"state {name!r} has {len(initial)} initial states ({', '.join(initial)}): leave one"
    ways = [way for way in state.transitions if way.initial]
    first = " and ".join(repr(target.id) for way in ways for target in way.targets)
    if not state.parallel and len(ways) > 1 and not getattr(chart, "_is_loaded", False):
        yield f"state {name!r} begins in {first}: mark one by initial=True, instead of a transition"
    for way in ways:
        yield from _silent(f"the initial transition of the state {name!r}", way)
    if state.parallel and not state.states:
        yield f"state {name!r} is parallel and has no regions: put states into it"
    if state.history and not state.states:
        yield f"state {name!r} has a history state and no others to remember: put states into it"
    if state.final and state.states:
        yield f"state {name!r} is final and has states within it: put a final state into it instead"
    if state.final and state.parent is not None and state.parent.parallel:
        yield f"state {name!r} is final and a region of {state.parent.id!r}: put it into a compound state"
    if state.final and list(state.transitions):
        yield f"state {name!r} is final and has transitions: take them from the state around it"


def _history(state: HistoryState) -> Iterator[str]:
    name = state.id
    ways = [way for way in state.transitions if not way.initial]
    if len(ways) > 1:
        yield f"history state {name!r} has {len(ways)} transitions: leave one, to where it leads at first"
    for way in ways:
        if list(way.events) or list(way.cond):
            yield (
                f"the transition of the history state {name!r} has an event or a guard: write "
                f"{name}.to(...) by itself, without a name and a guard"
            )
        yield from _silent(f"the transition of the history state {name!r}", way)
        parent = state.parent
        if parent is not None and any(not _is_around(parent, target) for target in way.targets):
            yield f"history state {name!r} leads out of {parent.id!r}: give it a target within"
        if any(target is state for target in way.targets):
            yield f"history state {name!r} leads to itself, and so nowhere at first: give it another target"


def _silent(about: str, way: Transition) -> Iterator[str]:
    """Yield the hooks of a transition by default that would not run."""
    for group in ("before", "after", "validators"):
        if any(not spec.is_convention for spec in getattr(way, group)):
            yield f"{about} has {group!r}, which would not run: give it by on=..."


def _transition(chart: AnyChart, state: State, way: Transition) -> Iterator[str]:
    about = f"a transition from {state.id!r}"
    known = list(every_state(chart))
    for target in way.targets:
        if not any(target is each for each in known):
            yield f"{about} leads to {target.id or target.name!r}, which is no state of the chart"
    for one, other in _apart(way.targets):
        yield (
            f"{about} leads to {one.id!r} and {other.id!r}, which can't be active together: lead to states "
            "in different regions of a State.Parallel"
        )
    if isinstance(state, HistoryState) or way.initial:
        return
    if way.internal and not state.states and way.targets:
        yield (
            f"{about} is internal, and {state.id!r} has no states within it: leave the target away, so "
            "that the state is neither left nor entered"
        )
    if way.is_eventless and not list(way.cond) and not list(way.validators) and _stays(state, way):
        yield f"{about} has no event and no guard and leads back to it, without an end: give it a guard"
    for event in way.events:
        if "*" in event.id:
            yield (
                f"event {event.id!r} is a pattern, so the allowed events could not be listed: name the "
                "events, joined by |"
            )


def _stays(state: State, way: Transition) -> bool:
    return all(target is state for target in way.targets)


def _apart(targets: Sequence[State]) -> Iterator[tuple[State, State]]:
    """Yield the pairs of targets that can't be active together."""
    for one, other in combinations(targets, 2):
        around = [one, *one.ancestors()]
        shared = next(
            (each for each in [other, *other.ancestors()] if any(each is it for it in around)), None
        )
        is_within = shared is one or shared is other
        if not is_within and (shared is None or not shared.parallel):
            yield one, other
