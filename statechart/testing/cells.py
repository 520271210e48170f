"""The matrix of a chart: every event in every state, allowed or refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from statechart.graph import allowed_events, events, states
from statechart.testing.driver import Driver

if TYPE_CHECKING:
    from statechart.chart import Chart
    from statechart.testing.covering import MakeModel


@dataclass(frozen=True)
class Cell:
    """One event in one state.

    Attributes:
        declared: Whether the chart declares such a transition, guards not asked.
    """

    chart: type[Chart]
    state: str
    event: str
    declared: bool
    model: MakeModel | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.state}-{self.event}"

    def driver(self) -> Driver:
        """Return a driver in the cell's state."""
        return Driver(self.chart, state=self.state, model=self.model() if self.model else None)

    @property
    def allowed(self) -> bool:
        """Whether the chart and its guards allow the event there, with a new model."""
        return self.event in self.driver().allowed

    def check(self) -> None:
        """Fire the event; require a transition where it is allowed, and a refusal elsewhere."""
        __tracebackhide__ = True
        driver = self.driver()
        if self.allowed:
            driver.fire(self.event)
        else:
            driver.refuses(self.event)


def matrix(chart: type[Chart], *, model: MakeModel | None = None) -> tuple[Cell, ...]:
    """Return the cells of a chart's matrix, state by state."""
    return tuple(
        Cell(chart, state, event, event in allowed_events(chart, state), model)
        for state in states(chart)
        for event in events(chart)
    )
