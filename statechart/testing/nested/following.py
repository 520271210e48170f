"""The transitions that may follow on each other in a chart whose events are macrosteps."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from statechart.testing.nested.edges import AnyChart, Told, events_of, table_of, told_of

if TYPE_CHECKING:
    from statechart.engine.table import Table, Way

_Pairs = dict[tuple[Told, Told], None]


def following(chart: AnyChart) -> _Pairs:
    """Return the pairs of transitions of which one may follow on the other.

    The second leads from a state that the first entered, perhaps after others in other regions; or it is
    taken by the event of a state that the first finished.
    """
    found = _known.get(chart)
    if found is None:
        found = _known[chart] = dict.fromkeys(_pairs(table_of(chart)))
    return found


_known: WeakKeyDictionary[type, _Pairs] = WeakKeyDictionary()


def _pairs(table: Table) -> Iterator[tuple[Told, Told]]:
    ways = [way for node in table.nodes if not node.remembers for way in node.ways]
    edges = {way.number: [told_of(table, way, event) for event in events_of(way)] for way in ways}
    for first in ways:
        entered, done = _effect(table, first)
        for second in ways:
            for one, other in product(edges[first.number], edges[second.number]):
                if second.source in entered or other[1] in done:
                    yield one, other


def _effect(table: Table, way: Way) -> tuple[set[int], set[str]]:
    """Return the states that a transition may enter, and the events that may follow from them."""
    active = table.entered([way.source])
    plan = table.plan(active, [way], {})
    entered = {node.number for node, _ in plan.entries}
    for target in way.targets:  # what is remembered may be any state
        if table.nodes[target].remembers:
            around = table.nodes[table.nodes[target].ancestors[0]]
            entered |= {node.number for node in table.nodes if around.below & node.bit}
    # With every state active, all regions are finished.
    finished = (table.done_events(table.nodes[number], -1) for number in entered)
    return entered, {event for events in finished for event in events}
