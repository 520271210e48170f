"""The states, events and transitions of a chart, as declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from inspect import getattr_static
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from statechart.engine.declaration.nested import is_inner
from statechart.engine.nested.program import ALWAYS
from statechart.tree import every_state
from statechart.wording import JOINED, refusal_of, state_text

if TYPE_CHECKING:
    from statemachine import Event, State, StateChart
    from statemachine.transition import Transition

    AnyChart = type[StateChart[Any]]
else:
    AnyChart = type


_THE_TARGET: Final[tuple[str, ...]] = ("",)


@dataclass(frozen=True, slots=True)
class Edge:
    """A transition: an event that leads from a state to a state if the guards agree.

    On a path through a chart with states within states, source and target are texts of configurations.

    Attributes:
        event: The event, or None for a transition that is taken without one.
        target: The target. Several are joined by ` + `; without any, it is the source.
        guards: The guards.
        targets: The targets, which may be history states; none if the state is neither left nor entered.
        internal: Whether the source is not left.
        inner: Whether nothing from outside fires the event: it is raised by the chart, or there is none.
    """

    event: str | None
    source: str
    target: str
    guards: tuple[str, ...] = ()
    targets: tuple[str, ...] = _THE_TARGET
    internal: bool = False
    inner: bool = False

    def __post_init__(self) -> None:
        if self.targets is _THE_TARGET:
            object.__setattr__(self, "targets", (self.target,))

    @property
    def name(self) -> str:
        """The event, or `always` if there is none."""
        return ALWAYS if self.event is None else self.event

    @property
    def done(self) -> bool:
        """Whether the event is raised when the states within a state have ended."""
        return self.event is not None and self.event.startswith("done.")


def states(chart: AnyChart) -> tuple[str, ...]:
    """Return the chart's states in document order, without history states."""
    return tuple(state_text(state.value) for state in every_state(chart) if not state.is_history)


def events(chart: AnyChart) -> tuple[str, ...]:
    """Return the events that can be fired from outside, as declared."""
    return tuple(event.id for event in chart._events if not is_inner(event))


def edges(chart: AnyChart) -> tuple[Edge, ...]:
    """Return the chart's transitions, by source in document order, as declared.

    Neither the entry of initial states nor the defaults of history states are among them.
    """
    found = _edges.get(chart)
    if found is None:
        found = _edges[chart] = tuple(_read(chart))
    return found


_edges: WeakKeyDictionary[AnyChart, tuple[Edge, ...]] = WeakKeyDictionary()
"""Transitions by chart: a chart does not change after its declaration."""


def _read(chart: AnyChart) -> Iterator[Edge]:
    for state in every_state(chart):
        for way in state.transitions:
            if not way.initial and not state.is_history:
                yield from (_edge(state, way, event) for event in events_of(chart, way))


def events_of(chart: AnyChart, way: Transition) -> Iterator[Event | None]:
    """Yield the events of a transition, None if it needs none; a done event by its dotted name only."""
    if way.is_eventless:
        yield None
    known = {event.id: event for event in chart._events}
    dotted = {event.id for event in way.events if "." in event.id}
    for event in way.events:
        if event.id in known and not (
            event.id.startswith("done_") and event.id.replace("_", ".", 2) in dotted
        ):
            yield known[event.id]


def _edge(state: State, way: Transition, event: Event | None) -> Edge:
    source = state_text(state.value)
    targets = tuple(state_text(target.value) for target in way.targets)
    return Edge(
        None if event is None else event.id,
        source,
        JOINED.join(targets) if targets else source,
        tuple(str(guard) for guard in way.cond),
        targets,
        internal=way.internal or not targets,
        inner=event is None or is_inner(event),
    )


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
        specs = (spec for state in every_state(chart) for way in state.transitions for spec in way.cond)
        found = next((spec.func for spec in specs if spec.attr_name == name), None)
    return found
