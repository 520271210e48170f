"""The transitions that an event may take, and the states that it may leave and enter on their way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from statechart.engine.table import Kind, Table, Way, bits
from statechart.wording import JOINED

if TYPE_CHECKING:
    from statemachine import State, StateChart
    from statemachine.transition import Transition


@dataclass(frozen=True, slots=True)
class Visited:
    """The effects of an event: transitions, and the states that they leave and enter, whatever guards say.

    Attributes:
        ways: The transitions of the event itself.
        left: The states that these leave.
        entered: The states that these enter.
        following: The states that are entered by these, or by what the chart takes by itself afterwards.
    """

    ways: tuple[Transition, ...]
    left: tuple[State, ...]
    entered: tuple[State, ...]
    following: tuple[State, ...]


def visited(chart: type[StateChart[Any]], event: str, state: str | None) -> Visited:
    """Return the transitions that an event may take, and their states. The chart has a table.

    Args:
        chart: The chart.
        event: The name of the event.
        state: The text of the configuration, or of a state; by default any.
    """
    shape: Any = chart
    table: Table = shape._table
    form = shape._form
    whole = sum(node.bit for node in table.nodes)
    parts = (state,) if form.is_plain or state is None else state.split(JOINED)
    active = whole if state is None else form.around(form.number(part) for part in parts)
    ways = [way for way in _leaving(table, active) if way.transition.match(event)]
    left = entered = 0
    for way in ways:
        beside = _beside(table, way.source) if state is None else active
        left |= table.left(beside, way, {})
        entered |= _entered(table, way)
    following = entered
    while True:
        known = following
        raised = {each for n in bits(known) for each in table.done_events(table.nodes[n], whole)}
        here = form.around(bits(known)) | (0 if state is None else active)
        for way in _leaving(table, here):
            if way.transition.is_eventless or any(map(way.transition.match, raised)):
                following |= _entered(table, way)
        if following == known:
            break
    return Visited(
        tuple(way.transition for way in ways),
        *(_states(table, mask) for mask in (left, entered, following)),
    )


def _leaving(table: Table, active: int) -> Iterable[Way]:
    return (way for number in bits(active) for way in table.nodes[number].ways)


def _beside(table: Table, source: int) -> int:
    """Return the states that may be active while a state is."""
    node = table.nodes[source]
    found = node.bit | node.below
    for number in node.ancestors:
        around = table.nodes[number]
        found |= around.bit | (around.below if around.kind is Kind.PARALLEL else 0)
    return found


def _entered(table: Table, way: Way) -> int:
    targets = tuple(table.effective(way.targets, {}))
    if not targets:
        return 0
    found = table.entered(targets)
    for target in way.targets:
        node = table.nodes[target]
        if node.remembers:
            found |= table.nodes[node.ancestors[0]].below
    domain = table.left(sum(node.bit for node in table.nodes), way, {})
    memories = sum(node.bit for node in table.nodes if node.remembers)
    return found & domain & ~memories


def _states(table: Table, mask: int) -> tuple[State, ...]:
    return tuple(table.nodes[number].state for number in bits(mask))
