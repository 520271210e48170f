"""The active states of a value as a tree, and the active states that take each event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statechart.configuration import Configuration, active_in
from statechart.wording import state_text

if TYPE_CHECKING:
    from statemachine import State

    from statechart.chart import Chart


@dataclass(frozen=True, slots=True)
class Active:
    """An active state.

    Attributes:
        within: The active states within it: several, side by side, if it is parallel.
        is_parallel: Whether its states are regions side by side.
    """

    name: str
    within: tuple[Active, ...]
    is_parallel: bool = False


def active_tree(chart: type[Chart], text: str) -> tuple[Active, ...]:
    """Return the active states at the top of a chart, by the text of a state."""
    return tuple(_among(chart.states, active_in(chart, text)))


def _among(states: Iterable[State], active: frozenset[str]) -> Iterator[Active]:
    for state in states:
        if (name := state_text(state.value)) in active:
            yield Active(name, tuple(_among(state.states, active)), bool(state.parallel))


def takers(chart: type[Chart], state: object, events: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Return the active states that have a transition for each event, innermost first in each region.

    Empty for a chart with one state at a time.
    """
    if not isinstance(state, Configuration):
        return {}
    table, form = chart._table, chart._form
    active = form.read(state).active
    found = {}
    for event in events:
        ways = [way for chain in table.candidates(active, event) for way in chain]
        names = (name for way in ways for name in form.texts(1 << way.source))
        found[event] = tuple(dict.fromkeys(names))
    return found
