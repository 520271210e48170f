"""Compare the transitions of a machine with those that its chart declares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from statechart.graph import Edge, edges
from statechart.testing.driver import Driver, require
from statechart.testing.models import state_value
from statechart.testing.nested.edges import AnyChart, edges_by, is_stepwise, table_of, taken

if TYPE_CHECKING:
    from statechart.engine.hooks import Transition
    from statechart.engine.nested.form import Form


class Declared(ABC):
    """The events of a chart as they are declared, guards not asked."""

    @abstractmethod
    def is_declared(self, driver: Driver, event: str) -> bool:
        """Return whether a transition of an event leads from the current state."""

    @abstractmethod
    def is_sure(self, driver: Driver, event: str) -> bool:
        """Return whether no guard can refuse an event in the current state."""

    @abstractmethod
    def check(self, transition: Transition) -> None:
        """Require that a transition is declared."""


def declared(chart: AnyChart) -> Declared:
    """Return the declarations of a chart."""
    return _Macrosteps(chart) if is_stepwise(chart) else _Transitions(chart)


class _Transitions(Declared):
    def __init__(self, chart: AnyChart) -> None:
        # Every rule asks for them before every step.
        self._known: dict[tuple[str, str], dict[str, Edge]] = {}
        for edge in edges(chart):
            self._known.setdefault((edge.name, edge.source), {})[edge.target] = edge

    def is_declared(self, driver: Driver, event: str) -> bool:
        return (event, driver.state) in self._known

    def is_sure(self, driver: Driver, event: str) -> bool:
        ways = self._known.get((event, driver.state), {})
        return bool(ways) and not any(edge.guards for edge in ways.values())

    def check(self, transition: Transition) -> None:
        __tracebackhide__ = True
        event, before, after = transition.event, transition.from_state, transition.to_state
        known = after in self._known.get((event, before), {})
        require(known, f"{event} led from {before} to {after}, which the chart does not declare")


class _Macrosteps(Declared):
    def __init__(self, chart: AnyChart) -> None:
        self._chart = chart
        self._table = table_of(chart)
        self._edges = edges_by(chart)
        self._form: Form = chart._form

    def is_declared(self, driver: Driver, event: str) -> bool:
        return bool(self._table.candidates(self._active(driver.model.state), event))

    def is_sure(self, driver: Driver, event: str) -> bool:
        chains = self._table.candidates(self._active(driver.model.state), event)
        ways = (way.transition for chain in chains for way in chain)
        return any(not list(way.cond) and not list(way.validators) for way in ways)

    def check(self, transition: Transition) -> None:
        __tracebackhide__ = True
        before = transition.before or state_value(self._chart, transition.from_state)
        active = self._active(before)
        for step in transition.steps:
            shown = set(self._form.texts(active))
            for told in taken(step):
                way = "{} --{}--> {}".format(*told)
                require(told in self._edges, f"{way} was taken, which the chart does not declare")
                require(told[0] in shown, f"{way} was taken, and {told[0]} was not active")
            active = self._mask(shown - set(step.exited) | set(step.entered))
        # Raises for states that can't be active together, and for timers and history that can't be.
        after = self._active(transition.to_value)
        led = f"the steps of {transition.event} lead to {self._form.text(active)}"
        require(after == active, f"{led}, not to {transition.to_state}")

    def _active(self, state: Any) -> int:  # Any: a configuration, or the value of a state
        return self._form.read(state).active

    def _mask(self, texts: set[str]) -> int:
        return sum(1 << self._form.number(text) for text in texts)
