"""The desk: everything that the pages of a chart's values work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from statechart.answers.spelling import Spelling
from statechart.graph import shortest_paths
from statechart.wording import state_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statechart.chart import Chart
    from statechart.dashboard.charts.rows import ValueRow
    from statechart.dashboard.site import Board
    from statechart.stored.repository import ChartRepository

_MOST = 1000
"""The most configurations whose place on the way is told."""


@dataclass(frozen=True, slots=True)
class Desk:
    """A repository with its board; each module of pages makes its routes from it.

    Attributes:
        repository: The values, which are read only.
        board: The index, the templates and the open pages.
        spelling: Spells commands with their chart and their store.
    """

    repository: ChartRepository[Any]
    board: Board[ValueRow]
    spelling: Spelling

    def spell(self, words: str, name: str | None = None) -> str:
        """Return a command ready to be typed, with `NAME` replaced by a name."""
        return self.spelling.spell(words, name)


def stations(chart: type[Chart]) -> tuple[Mapping[str, int], int]:
    """Return the place of each state on the shortest way to it, from 1, and the number of places."""
    initial = next(state.value for state in chart.states if state.initial)
    ways = shortest_paths(chart, initial, limit=_MOST)
    places = {state: len(way) + 1 for state, way in ways.items()}
    places.setdefault(state_text(initial), 1)
    return places, max(places.values())
