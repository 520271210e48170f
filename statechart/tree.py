"""The states of a chart as a tree: all of them, in document order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from statemachine import State, StateChart


def every_state(chart: type[StateChart[Any]]) -> Iterator[State]:
    """Yield all states of a chart in document order: each before those within it, histories first."""
    yield from _below(chart.states)


def _below(states: Iterable[State]) -> Iterator[State]:
    for state in states:
        yield state
        yield from state.history
        yield from _below(state.states)


def within(state: State) -> Iterator[State]:
    """Yield a state and those within it, in document order."""
    yield from _below((state,))


def is_nested(chart: type[StateChart[Any]]) -> bool:
    """Return whether a chart has states within states."""
    return any(state.states or state.parallel or state.history for state in chart.states)
