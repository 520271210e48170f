"""The transitions of a chart whose events are macrosteps, and those that a microstep took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from statechart.configuration import JOINED
from statechart.engine.nested.program import ALWAYS
from statechart.graph import Edge, edges
from statechart.wording import state_text

if TYPE_CHECKING:
    from statechart.engine.hooks import Microstep
    from statechart.engine.table import Node, Table, Way

AnyChart = Any
"""The class of a chart, with its compiled program."""

Told = tuple[str, str, str]
"""A transition by the texts of its source, its event and its target."""

ALIAS = "done_state_"
"""How the second name of the event of a finished state begins."""


def is_stepwise(chart: AnyChart) -> bool:
    """Return whether the events of a chart are macrosteps."""
    return bool(getattr(chart, "_is_stepwise", False))


def table_of(chart: AnyChart) -> Table:
    """Return the table of a chart whose events are macrosteps."""
    found: Table = chart._table
    return found


def edges_by(chart: AnyChart) -> Mapping[Told, Edge]:
    """Return the transitions of a chart by their texts; of several alike, the first."""
    return {(edge.source, edge.name, edge.target): edge for edge in reversed(edges(chart))}


def told_of(table: Table, way: Way, event: str | None) -> Told:
    """Return a way of a table by the texts of its source, its event and its target."""
    source = text_of(table.nodes[way.source])
    return (
        source,
        event or ALWAYS,
        _target(source, tuple(text_of(table.nodes[each]) for each in way.targets)),
    )


def events_of(way: Way) -> tuple[str | None, ...]:
    """Return the events of a transition: None if it needs none, a done event by its dotted name only."""
    if way.transition.is_eventless:
        return (None,)
    return tuple(event.id for event in way.transition.events if not event.id.startswith(ALIAS))


def text_of(node: Node) -> str:
    """Return the text of a state."""
    return state_text(node.state.value)


def taken(step: Microstep) -> Iterator[Told]:
    """Yield the transitions that a microstep took."""
    for source, targets in step.taken:
        yield source, step.event or ALWAYS, _target(source, targets)


def _target(source: str, targets: tuple[str, ...]) -> str:
    return JOINED.join(targets) or source
