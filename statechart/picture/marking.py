"""Marks of a chart: a state, a path, or a history with its times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from statechart.configuration import Configuration, states_in
from statechart.errors import NoSuchPath, UnknownEvent
from statechart.graph import allowed_events, edges, events, failures, states
from statechart.picture.values import Marks, Visit
from statechart.picture.walking import visits_of
from statechart.wording import state_text

if TYPE_CHECKING:
    from statechart.graph import AnyChart


def path(chart: AnyChart, names: Sequence[str]) -> Marks:
    """Return the marks of a path: events that lead from the initial state, in order.

    Guards are not asked. In a chart whose events are macrosteps, a transition without an event is a part of
    the path if it has no guard.

    Raises:
        UnknownEvent: The chart has no such event.
        NoSuchPath: An event does not leave the state that the earlier events lead to.
    """
    if getattr(chart, "_is_stepwise", False):
        taken, rest = visits_of(chart, names)
        return Marks(current=rest, failed=is_failed(chart, rest), visits=taken)
    known = {(edge.source, edge.event): edge for edge in edges(chart)}
    here = next(state_text(state.value) for state in chart.states if state.initial)
    visits = []
    for number, name in enumerate(names, 1):
        if name not in events(chart):
            raise UnknownEvent(chart.__name__, name, events(chart))
        edge = known.get((here, name))
        if edge is None:
            raise NoSuchPath(chart.__name__, name, here, allowed_events(chart, here))
        visits.append(Visit(here, name, edge.target, f"{number}"))
        here = edge.target
    return Marks(current=here, failed=here in failures(chart), visits=visits)


def chosen(chart: AnyChart, state: str | None = None, events: str | None = None) -> Marks:
    """Return the marks of a state, or of a path given as events with commas between them.

    Raises:
        ValueError: Both are given.
        StatechartError: The chart has no such state, event or path.
    """
    if state is not None and events is not None:
        raise ValueError("a state or a path can be marked, not both")
    if events is None:
        if state is not None:
            _require_together(chart, state)
        return Marks(current=state, failed=state is not None and is_failed(chart, state))
    return path(chart, [event.strip() for event in events.split(",") if event.strip()])


def _require_together(chart: AnyChart, state: str) -> None:
    parts = states_of(chart, state)
    if len(parts) > 1 and getattr(chart, "_holds_configuration", False):
        Configuration.of(chart, *parts)  # of states that contradict each other, it raises


def is_failed(chart: AnyChart, state: str) -> bool:
    """Return whether a state is a failure, or one of those in the text of a configuration."""
    return any(name in failures(chart) for name in states_of(chart, state))


def states_of(chart: AnyChart, state: str) -> tuple[str, ...]:
    """Return the states in the text of a configuration; none if the chart lacks one of them."""
    return states_in(state, states(chart))


def timed(taken: Iterable[tuple[datetime, str, str, str]]) -> list[Visit]:
    """Return the visits of a history: moments with source, event and target, oldest first.

    The date is left out if all of them are on the same day.
    """
    listed = list(taken)
    is_one_day = len({at.date() for at, *_ in listed}) < 2
    whole, short = ("%H:%M:%S", "%H:%M:%SZ") if is_one_day else ("%m-%d %H:%M:%S", "%m-%d %H:%M")
    return [
        Visit(source, event, target, f"{number} at {at:{whole}}Z", f"{at:{short}}")
        for number, (at, source, event, target) in enumerate(listed, 1)
    ]
