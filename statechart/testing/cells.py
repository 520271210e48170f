"""The matrix of a chart: every event in every state, allowed or refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from statechart.graph import allowed_events, events, states
from statechart.testing.driver import Driver
from statechart.testing.exploring import choices, showing_payloads
from statechart.testing.nested.configurations import trying
from statechart.testing.nested.edges import is_stepwise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from statechart.chart import Chart
    from statechart.testing.exploring import MakeModel, Payload, Payloads


@dataclass(frozen=True)
class Cell:
    """One event in one state.

    Attributes:
        state: The state; with states within states, the states that are active together.
        declared: Whether the chart declares such a transition, guards not asked.
        payload: The payload of the event.
        number: The number of the payload, if the event has several.
    """

    chart: type[Chart]
    state: str
    event: str
    declared: bool
    model: MakeModel | None = field(default=None, repr=False)
    payload: Payload = field(default_factory=dict, repr=False, hash=False)
    number: int | None = None

    def __str__(self) -> str:
        which = "" if self.number is None else f"-{self.number}"
        return f"{self.state}-{self.event}{which}"

    def driver(self) -> Driver:
        """Return a driver in the cell's state."""
        return Driver(self.chart, state=self.state, model=self.model() if self.model else None)

    @property
    def allowed(self) -> bool:
        """Whether the chart and its guards allow the event there, with a new model."""
        return self.event in self.driver().machine.enabled(**self.payload)

    def check(self) -> None:
        """Fire the event; require a transition where it is allowed, and a refusal elsewhere."""
        __tracebackhide__ = True
        driver = self.driver()
        fire = driver.fire if self.allowed else driver.refuses
        with showing_payloads():
            fire(self.event, **self.payload)


def matrix(
    chart: type[Chart], *, model: MakeModel | None = None, payloads: Payloads | None = None
) -> tuple[Cell, ...]:
    """Return the cells of a chart's matrix, state by state.

    With states within states, there is a cell for each event in each state without states within it; its
    `state` is a configuration that refuses the event, if there is one. At most 10,000 configurations are
    looked at, and their cells are returned.

    Args:
        model: Makes the model that guards and hooks see; by default the chart's own.
        payloads: The payload of each event, or several payloads: each has a cell of its own.

    Raises:
        UnknownEvent: `payloads` names an event that the chart does not have.
        TypeError: The payload of an event is no mapping.
    """
    known = choices(chart, payloads, model)
    return tuple(
        Cell(chart, state, event, declared, model, payload, number)
        for state, event, declared in (trying(chart) if is_stepwise(chart) else _every(chart))
        for number, payload in _numbered(known[event])
    )


def _every(chart: type[Chart]) -> Iterator[tuple[str, str, bool]]:
    for state in states(chart):
        for event in events(chart):
            yield state, event, event in allowed_events(chart, state)


def _numbered(payloads: Sequence[Payload]) -> Iterator[tuple[int | None, Payload]]:
    for number, payload in enumerate(payloads, 1):
        yield (number if len(payloads) > 1 else None), payload
