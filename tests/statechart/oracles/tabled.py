"""A machine for nested charts on the table: what a later `Chart` will do with the table that it has now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from statemachine import State, StateChart
from statemachine.transition import Transition

from statechart.engine.table import ROOT, Kind, Node, Plan, Table, Way, _Entry, bits
from tests.statechart.oracles.built import Built
from tests.statechart.oracles.declared import CHART, Declared, Step
from tests.statechart.oracles.naive import LIMIT, Interpreter


class Tabled:
    """Takes the transitions that the table selects, and does what its plans say.

    Attributes:
        trace: The states exited (`-`) and entered (`+`), in order, with the event of the microstep.
    """

    def __init__(self, chart: type[StateChart[Any]]) -> None:
        self.table = Table(chart)
        self.configuration = 0
        self.history: dict[int, int] = {}
        self.trace: list[tuple[str, str, str | None]] = []
        self.running = True
        self._queue: list[str] = []
        self._refuses: frozenset[str] = frozenset()

    def start(self, step: Step) -> str:
        self._refuses = step.refuses
        first = self.table.initial
        way = Way(-1, first, (first,), Transition(State(), self.table.nodes[first].state))
        entry = _Entry(self.table, {})
        entry.add(way, ROOT)
        entries = tuple((self.table.nodes[number], way) for number in sorted(entry.states))
        self._take(Plan((), entries, sum(node.bit for node, _ in entries), {}), step.event)
        return self._settled()

    def fire(self, step: Step) -> str:
        self._refuses = step.refuses
        ways = self._select(self.table.candidates(self.configuration, step.event))
        if not ways or not self.running:
            return "refused"
        self._take(self.table.plan(self.configuration, ways, self.history), step.event)
        return self._settled()

    def _settled(self) -> str:
        for _ in range(LIMIT):
            if not self.running:
                return "done"
            event = None
            ways = self._select(self._eventless())
            while not ways:
                if not self._queue:
                    return "done"
                event = self._queue.pop(0)
                ways = self._select(self.table.candidates(self.configuration, event))
            self._take(self.table.plan(self.configuration, ways, self.history), event)
        return "endless"

    def _select(self, chains: Iterable[tuple[Way, ...]]) -> tuple[Way, ...]:
        chosen = [next((way for way in chain if self._agrees(way)), None) for chain in chains]
        found = [way for way in chosen if way is not None]
        return self.table.without_conflicts(self.configuration, found, self.history)

    def _eventless(self) -> Iterable[tuple[Way, ...]]:
        for node in self.table.nodes:
            if self.configuration & node.bit and node.kind in (Kind.ATOMIC, Kind.FINAL):
                around = [self.table.nodes[number] for number in (node.number, *node.ancestors)]
                yield tuple(way for each in around for way in each.ways if way.transition.is_eventless)

    def _agrees(self, way: Way) -> bool:
        for guard in way.transition.cond:
            name = guard.attr_name.removeprefix("not (").removesuffix(")")
            agrees = f"{CHART}.{name}" not in self._refuses
            wanted = (guard.expected_value is not False) == (name == guard.attr_name)
            if agrees != wanted:
                return False
        return True

    def _take(self, plan: Plan, event: str | None) -> None:
        self.trace += [("-", node.state.id, event) for node, _ in plan.exits]
        self.configuration = plan.configuration
        self.history = {**self.history, **plan.remembered}
        for node, _ in plan.entries:
            self.trace.append(("+", node.state.id, event))
            if node.kind is Kind.FINAL:
                self._finish(node)

    def _finish(self, node: Node) -> None:
        if not node.ancestors:
            self.running = False
            return
        around = [self.table.nodes[number] for number in node.ancestors]
        self._queue.append(f"done.state.{around[0].state.id}")
        if len(around) > 1 and around[1].kind is Kind.PARALLEL and self._is_done(around[1]):
            self._queue.append(f"done.state.{around[1].state.id}")

    def _is_done(self, node: Node) -> bool:
        children = [self.table.nodes[number] for number in node.children]
        if node.kind is Kind.PARALLEL:
            return all(map(self._is_done, children))
        return any(child.kind is Kind.FINAL and self.configuration & child.bit for child in children)

    @property
    def leaves(self) -> tuple[str, ...]:
        """The active states without children, in document order."""
        active = [self.table.nodes[number] for number in bits(self.configuration)]
        return tuple(node.state.id for node in active if node.kind in (Kind.ATOMIC, Kind.FINAL))


def compare(chart: Declared, steps: list[Step], counted: Counter[str] | None = None) -> None:
    """Run a nested chart by the naive interpreter and on the table, and compare each event."""
    counted = Counter() if counted is None else counted
    tabled = Tabled(class_of(chart))
    counted["charts"] += 1
    for step, (kind, trace, leaves) in zip(steps, expected(chart, steps), strict=False):
        tabled.trace.clear()
        found = tabled.start(step) if step.event == "__initial__" else tabled.fire(step)
        assert found == kind, (step, kind, found)
        if kind == "endless":
            return
        assert tabled.trace == trace, (step, trace, tabled.trace)
        assert tabled.leaves == leaves, (step, leaves, tabled.leaves)
        counted["macrosteps"] += 1
        counted["with history"] += bool(tabled.history)
        counted["with done events"] += any(str(event).startswith("done") for *_, event in trace)


@lru_cache(200)
def class_of(chart: Declared) -> type[StateChart[Any]]:
    made: type[StateChart[Any]] = Built(chart, StateChart).cls
    return made


Expected = list[tuple[str, list[tuple[str, str, str | None]], tuple[str, ...]]]
_expected: dict[int, tuple[list[Step], Expected]] = {}


def expected(chart: Declared, steps: list[Step]) -> Expected:
    """Return outcome, trace and leaves of each event, as the naive interpreter finds them."""
    # Kept with the steps, so that no other list gets their identity.
    if id(steps) not in _expected:
        naive = Interpreter(chart)
        found: Expected = []
        for step in steps:
            naive.trace.clear()
            outcome = naive.start(step) if step.event == "__initial__" else naive.fire(step)
            found.append((outcome.kind, list(naive.trace), naive.leaves))
        _expected[id(steps)] = steps, found
    return _expected[id(steps)][1]
