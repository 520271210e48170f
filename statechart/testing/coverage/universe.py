"""Items of a chart that tests can meet: states, transitions, refusals, and all else that is counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from statechart.engine.table import Kind
from statechart.graph import edges, events, states
from statechart.testing.coverage.texts import (
    cell_item,
    edge_item,
    guard_item,
    history_item,
    pair_item,
    timer_item,
)
from statechart.testing.nested.configurations import refusing, resting
from statechart.testing.nested.edges import (
    AnyChart,
    events_of,
    is_stepwise,
    table_of,
    text_of,
)
from statechart.testing.nested.following import following

if TYPE_CHECKING:
    from statechart.engine.table import Node, Table, Way
    from statechart.graph import Edge


def universe(chart: AnyChart) -> dict[str, Iterable[str]]:
    """Return the items of a chart that tests can meet, by kind."""
    return _of_macrosteps(chart) if is_stepwise(chart) else _of_flat(chart)


def remarks(chart: AnyChart) -> list[str]:
    """Return the numbers of a chart's report."""
    if not is_stepwise(chart):
        return []
    found = resting(chart)
    if found.is_whole:
        return []
    return [
        f"more than {len(found.masks):,} configurations: they are not counted, and refusals only of these"
    ]


def _of_flat(chart: AnyChart) -> dict[str, Iterable[str]]:
    all_edges = edges(chart)
    declared = {(edge.source, edge.name) for edge in all_edges}
    guards = dict.fromkeys(guard for edge in all_edges for guard in edge.guards)
    return {
        "states": states(chart),
        "transitions": dict.fromkeys(edge_item(e.source, e.name, e.target) for e in all_edges),
        "pairs": dict.fromkeys(
            pair_item(edge_item(a.source, a.name, a.target), b.name, b.target)
            for a in all_edges
            for b in all_edges
            if a.target == b.source
        ),
        "guards": [guard_item(guard, agrees) for guard in guards for agrees in (True, False)],
        "refused": [
            cell_item(state, event)
            for state in states(chart)
            for event in events(chart)
            if (state, event) not in declared
        ],
    }


def _of_macrosteps(chart: AnyChart) -> dict[str, Iterable[str]]:
    table, found = table_of(chart), resting(chart)
    all_edges = edges(chart)
    guards = dict.fromkeys(guard for edge in all_edges for guard in edge.guards)
    return {
        "states": [text_of(node) for node in table.nodes if not node.remembers],
        "transitions": dict.fromkeys(_item(edge) for edge in all_edges),
        "history": [
            history_item(text_of(node), remembered)
            for node in table.nodes
            if node.remembers and _is_target(table, node)
            for remembered in (True, False)
        ],
        "timers": list(_timers(chart, table)),
        "refused": [cell_item(*cell) for cell in refusing(chart)],
        "configurations": [chart._form.text(mask) for mask in found.masks] if found.is_whole else [],
        "pairs": [pair_item(edge_item(*one), *other[1:]) for one, other in following(chart)],
        "guards": [guard_item(guard, agrees) for guard in guards for agrees in (True, False)],
    }


def _item(edge: Edge) -> str:
    return edge_item(edge.source, edge.name, edge.target)


def _is_target(table: Table, memory: Node) -> bool:
    return any(memory.number in way.targets for node in table.nodes for way in node.ways)


def _timers(chart: AnyChart, table: Table) -> Iterator[str]:
    for alarm in chart._alarms.values():
        number = chart._form.number(alarm.state)
        yield timer_item(alarm.name, "fired")
        # The event may be one that the timer alone fires: then other transitions have to lead out.
        own = {alarm.event} if chart._declared[alarm.event].internal else set()
        leaving = (way for way in _ways(table) if _leaves(table, way, number))
        if any(way.transition.is_eventless or set(events_of(way)) - own for way in leaving):
            yield timer_item(alarm.name, "cancelled")


def _ways(table: Table) -> list[Way]:
    return [way for node in table.nodes if not node.remembers for way in node.ways]


def _leaves(table: Table, way: Way, number: int) -> bool:
    """Return whether a transition may leave a state."""
    owner = table.nodes[number]
    near = (number, *owner.ancestors)
    source = table.nodes[way.source]
    shared = next((each for each in (way.source, *source.ancestors) if each in near), None)
    # In two states of a compound one, the source and the state are never active together.
    apart = shared is None or (
        shared not in (way.source, number) and table.nodes[shared].kind is not Kind.PARALLEL
    )
    return not apart and bool(table.left(owner.bit, way, {}))
