"""Explore a chart whose events are macrosteps: try every event, and let time pass."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from statechart.engine.nested.running import cancelled
from statechart.errors import InvalidValue
from statechart.graph import Edge
from statechart.testing.driver import Driver, is_fault
from statechart.testing.exploring import Exploration, Goal, MakeModel, Payload, Step
from statechart.testing.nested.edges import edges_by, is_stepwise, table_of, taken, text_of
from statechart.testing.nested.following import following

if TYPE_CHECKING:
    from statechart.chart import Chart


def exploration(
    chart: type[Chart],
    model: MakeModel | None,
    payloads: Mapping[str, Sequence[Payload]],
    without: Collection[str] = (),
    *,
    pairs: bool = False,
) -> Exploration:
    """Explore a chart, flat or not."""
    kind = MacrostepExploration if is_stepwise(chart) else Exploration
    return kind(chart, model, payloads, without, pairs=pairs)


class MacrostepExploration(Exploration):
    """An exploration in which an event may take several transitions, and time passes."""

    _without: frozenset[str] = frozenset()

    def follows(self, first: Edge, second: Edge) -> bool:
        """Return whether a transition may follow on another: perhaps after some in other regions."""
        return tuple((each.source, each.name, each.target) for each in (first, second)) in following(
            self.chart
        )

    def obstacle(self, edge: Edge) -> str:
        """Return the reason why no step takes a transition, in words."""
        told = super().obstacle(edge)
        if told:
            return told
        if edge.done:
            return f"{edge.name.removeprefix('done.state.')} is never finished"
        return "it is never taken there"

    def _explored_edges(self, without: Collection[str]) -> list[Edge]:
        self._without = frozenset(without)
        return [edge for edge in super()._explored_edges(()) if self._is_explored(edge)]

    def _is_explored(self, edge: Edge) -> bool:
        if edge.name not in self._without:
            return True
        alarms = self.chart._alarms.values()
        return any(alarm.event == edge.name and alarm.name not in self._without for alarm in alarms)

    def _other_goals(self) -> Iterator[Goal]:
        for timer in self._timers():
            yield (f"{timer} fired",)
        for node in table_of(self.chart).nodes:
            if node.remembers:
                yield (f"{text_of(node)} from memory",)

    def _timers(self) -> list[str]:
        return [name for name in self.chart._alarms if name not in self._without]

    def _is_reached(self, state: str) -> bool:
        return any(driver.machine.active(state) for driver in self._drivers.values())

    def _key(self, driver: Driver) -> str:
        # Deadlines differ with every way to a configuration: their order is what decides.
        state = driver.model.state
        history = dict(sorted(driver.history.items()))
        values = super()._key(driver).replace(repr(state), "")
        return f"{driver.state} {history} {list(driver.timers)} {values}"

    def _candidates(self, driver: Driver) -> dict[str, list[Edge]]:
        active = [edge for edge in self.edges if driver.machine.active(edge.source)]
        found: dict[str, list[Edge]] = {}
        for edge in active:
            if edge.name in self._payloads and edge.name not in self._without:
                found.setdefault(edge.name, []).append(edge)
        return found

    def _leaving(self, before: str) -> Iterator[tuple[Step, str]]:
        yield from super()._leaving(before)
        for timer in self._drivers[before].timers:
            if timer not in self._without:
                driver = self._elapsed(before, timer)
                if driver is not None:
                    yield from self._stepped(self._step(before, driver, timer, {}), driver)

    def _elapsed(self, before: str, timer: str) -> Driver | None:
        """Pass the time until a timer's deadline; return None if the model refuses what hooks leave."""
        driver = self._again(before)
        try:
            return driver.elapse(timer)
        except InvalidValue as refusal:
            if is_fault(refusal):
                raise
            return None

    def _step(self, before: str, driver: Driver, event: str, payload: Payload) -> Step:
        explored, known = set(self.edges), edges_by(self.chart)
        steps = [step for transition in driver.transitions for step in transition.steps]
        met = (known[told] for step in steps for told in taken(step) if told in known)
        edges = dict.fromkeys(edge for edge in met if edge in explored)
        others = [f"{memory} from memory" for step in steps for memory, kept in step.recalled if kept]
        others += [
            f"{transition.timer} {'lapsed' if transition.lapsed else 'fired'}"
            for transition in driver.transitions
            if transition.timer is not None
        ]
        for transition in driver.transitions:
            others += [f"{timer} cancelled" for timer in cancelled(self.chart._alarms, transition)]
        source = self._drivers[before].state
        return Step(
            before, event, tuple(edges), self._key(driver), payload, source, driver.state, tuple(others)
        )
