"""Read the graph of a chart from its class, without building a machine."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from inspect import getattr_static
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from statechart.errors import UnknownState
from statechart.wording import refusal_of, state_text

if TYPE_CHECKING:
    from statemachine import StateChart

    AnyChart = type[StateChart[Any]]


NodeT = TypeVar("NodeT", bound=Hashable)
StepT = TypeVar("StepT")


@dataclass(frozen=True, slots=True)
class Edge:
    """A transition: an event that leads from a state to a state if the guards agree."""

    event: str
    source: str
    target: str
    guards: tuple[str, ...] = ()


def states(chart: AnyChart) -> tuple[str, ...]:
    """Return the chart's states, as declared."""
    return tuple(state_text(state.value) for state in chart.states)


def events(chart: AnyChart) -> tuple[str, ...]:
    """Return the chart's events, as declared."""
    return tuple(event.id for event in chart._events)


def edges(chart: AnyChart) -> tuple[Edge, ...]:
    """Return the chart's transitions, by source, as declared."""
    found = _edges.get(chart)
    if found is None:
        found = _edges[chart] = tuple(
            Edge(
                event.id,
                state_text(state.value),
                state_text(target.value),
                tuple(str(guard) for guard in transition.cond),
            )
            for state in chart.states
            for transition in state.transitions
            for event in transition.events
            for target in transition.targets
        )
    return found


_edges: WeakKeyDictionary[AnyChart, tuple[Edge, ...]] = WeakKeyDictionary()
"""Transitions by chart: a chart does not change after its declaration."""


def phases(chart: AnyChart) -> dict[str, tuple[str, ...]]:
    """Return the states of each phase that the chart declares, as declared."""
    declared = getattr(chart, "phases", {})
    return {str(name): _named(members) for name, members in declared.items()}


def failures(chart: AnyChart) -> tuple[str, ...]:
    """Return the states that the chart declares as failures."""
    return _named(getattr(chart, "failures", ()))


def _named(members: Iterable[Any]) -> tuple[str, ...]:  # Any: State objects, or the values of some
    return tuple(state_text(getattr(member, "value", member)) for member in members)


def guard_reason(chart: AnyChart, guard: str) -> str:
    """Return the reason of a guard's refusal: the first sentence of its docstring, as a clause."""
    return refusal_of(guard, guard_attribute(chart, guard.lstrip("!")))


def guard_attribute(chart: AnyChart, name: str) -> object | None:
    """Return the attribute of the chart's class that a guard's name means, or None."""
    found: object | None = getattr_static(chart, name, None)
    if found is None:  # a function that is given itself instead of its name
        specs = (spec for state in chart.states for way in state.transitions for spec in way.cond)
        found = next((spec.func for spec in specs if spec.attr_name == name), None)
    return found


def allowed_events(chart: AnyChart, state: str) -> tuple[str, ...]:
    """Return the events with a transition from a state, without asking the guards.

    Raises:
        UnknownState: The chart has no such state.
    """
    source = _known(chart, state)
    leaving = {edge.event for edge in edges(chart) if edge.source == source}
    return tuple(event for event in events(chart) if event in leaving)


def reachable(chart: AnyChart, state: str) -> frozenset[str]:
    """Return the states that some sequence of events leads to, with the state itself.

    Raises:
        UnknownState: The chart has no such state.
    """
    return frozenset(shortest_paths(chart, state))


def shortest_path(chart: AnyChart, source: str, target: str) -> tuple[Edge, ...] | None:
    """Return the fewest transitions that lead from one state to another, or None.

    Guards are not asked. The path from a state to itself is empty.

    Raises:
        UnknownState: The chart has no such state.
    """
    return shortest_paths(chart, source).get(_known(chart, target))


def shortest_paths(chart: AnyChart, source: object) -> dict[str, tuple[Edge, ...]]:
    """Return the fewest transitions that lead to each state that is reachable from a state.

    The path to the state itself is empty, and guards are not asked.

    Raises:
        UnknownState: The chart has no such state.
    """

    def leaving(state: str) -> Iterator[tuple[Edge, str]]:
        return ((edge, edge.target) for edge in edges(chart) if edge.source == state)

    return dict(breadth_first(_known(chart, source), leaving))


def breadth_first(
    start: NodeT, leaving: Callable[[NodeT], Iterable[tuple[StepT, NodeT]]]
) -> Iterator[tuple[NodeT, tuple[StepT, ...]]]:
    """Yield each reachable node with the fewest steps that lead there, the nearest first.

    Args:
        start: The first node.
        leaving: Returns the steps from a node, each with its target. Called once for each node, after
            the node was yielded.
    """
    paths: dict[NodeT, tuple[StepT, ...]] = {start: ()}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        yield here, paths[here]
        for step, there in leaving(here):
            if there not in paths:
                paths[there] = (*paths[here], step)
                queue.append(there)


def lints(chart: AnyChart) -> tuple[str, ...]:
    """Return the likely mistakes in a chart, a sentence each."""
    if getattr(chart, "_is_stepwise", False) or getattr(chart, "_is_loaded", False):
        return ()
    return tuple(_lints(chart))


def _lints(chart: AnyChart) -> Iterator[str]:
    known = set(states(chart))
    # An event declared with a state's name replaces the state on the class, and its transitions stay.
    lost = {
        target.name or "without a name"
        for state in chart.states
        for transition in state.transitions
        for target in (transition.source, *transition.targets)
        if target not in list(chart.states)
    }
    for name in sorted(lost):
        yield f"a transition uses a state ({name}) that the chart lost: does an event have the same name?"
    for event in events(chart):
        if event in known:
            yield f"event {event!r} has the name of a state; rename it"
    initial = chart.initial_state
    found = shortest_paths(chart, initial.value) if initial is not None else {}
    for name in states(chart):
        if name not in found:
            yield f"state {name!r} can't be reached from the initial state"
    yield from _lints_of_phases(chart)
    leaving = {edge.source for edge in edges(chart)}
    for state in chart.states:
        if not state.final and state_text(state.value) not in leaving:
            yield f"state {state_text(state.value)!r} has no way out and is not final"


def _lints_of_phases(chart: AnyChart) -> Iterator[str]:
    known = states(chart)
    seen: dict[str, str] = {}
    for phase, members in phases(chart).items():
        for name in members:
            if name not in known:
                yield f"phase {phase!r} has {name!r}, which is not a state of the chart"
            elif name in seen:
                yield f"state {name!r} is in the phases {seen[name]!r} and {phase!r}; leave it in one"
            seen[name] = phase
    for name in failures(chart):
        if name not in known:
            yield f"failures has {name!r}, which is not a state of the chart"


def _known(chart: AnyChart, state: object) -> str:
    """Return the text of a state, which may be given as its value."""
    text = state_text(state)
    if text not in states(chart):
        raise UnknownState(chart.__name__, text, states(chart))
    return text
