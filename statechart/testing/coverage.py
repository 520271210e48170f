"""Count the states, transitions, guards and refusals of charts that tests cover."""

from __future__ import annotations

import base64
import json
import pickle
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from statechart.graph import edges, events, states
from statechart.picture import Marks, Picture, compose

if TYPE_CHECKING:
    from statechart.engine.hooks import FiredEvent
    from statechart.graph import AnyChart

KINDS = ("states", "transitions", "pairs", "guards", "refused")
"""The counted kinds. Pairs are two consecutive transitions; guards count once for each answer; refused
are the cells of the state-event matrix without a transition.
"""

REQUIRED = ("states", "transitions", "refused")
"""The kinds that a threshold applies to."""

OUTCOMES = ("done", "failed", "interrupted")
"""The outcomes of a step."""

_KEPT = 50  # tests for each item: enough for a report, and workers send all of them


@dataclass(slots=True)
class Covered:
    """The coverage of a chart: the tests that covered each item, by kind and item.

    Attributes:
        reference: The chart, as `module:Chart`.
        drawn: The chart's picture, as text for another process.
    """

    reference: str
    items: dict[str, dict[str, list[str]]]
    drawn: str = ""

    @classmethod
    def of(cls, chart: AnyChart) -> Covered:
        """Return the coverage of a chart before any test."""
        items: dict[str, dict[str, list[str]]] = {
            kind: {item: [] for item in found} for kind, found in _universe(chart).items()
        }
        # Pickled, as the controller of pytest-xdist can't import charts that a test module declares.
        picture = base64.b64encode(pickle.dumps(compose(chart, Marks()))).decode()
        return cls(f"{chart.__module__}:{chart.__qualname__}", items, picture)

    def meet(self, kind: str, item: str, test: str) -> None:
        """Note that a test covered an item; unknown items are ignored."""
        tests = self.items[kind].get(item)
        if tests is not None and test not in tests and len(tests) < _KEPT:
            tests.append(test)

    def missing(self, kind: str) -> list[str]:
        """Return the items that no test covered."""
        return [item for item, tests in self.items[kind].items() if not tests]

    def count(self, kind: str) -> tuple[int, int]:
        """Return the number of covered items and of all items."""
        of = len(self.items[kind])
        return of - len(self.missing(kind)), of

    def percent(self, kinds: Iterable[str] = REQUIRED) -> float:
        """Return the smallest covered share of some kinds, in percent. Only complete coverage gives 100."""
        return min(percent(*self.count(kind)) for kind in kinds)

    def picture(self) -> Picture:
        """Return the chart's picture."""
        picture: Picture = pickle.loads(
            base64.b64decode(self.drawn)
        )  # made by this run, so it can be trusted
        return picture


def percent(met: int, of: int) -> float:
    """Return a share in percent, rounded down to a tenth."""
    return 100.0 if met == of else met * 1000 // of / 10


def _universe(chart: AnyChart) -> dict[str, Iterable[str]]:
    all_edges = edges(chart)
    declared = {(edge.source, edge.event) for edge in all_edges}
    guards = dict.fromkeys(guard for edge in all_edges for guard in edge.guards)
    return {
        "states": states(chart),
        "transitions": dict.fromkeys(edge_item(e.source, e.event, e.target) for e in all_edges),
        "pairs": dict.fromkeys(
            pair_item(edge_item(a.source, a.event, a.target), b.event, b.target)
            for a in all_edges
            for b in all_edges
            if a.target == b.source
        ),
        "guards": [guard_item(guard, agrees) for guard in guards for agrees in (True, False)],
        "refused": [
            cell_item(state, event)
            for state in states(chart)
            for event in events(chart)
            if (state, event) not in declared
        ],
    }


def edge_item(source: str, event: str, target: str) -> str:
    """Return the item of a transition."""
    return f"{source} --{event}--> {target}"


def pair_item(first: str, event: str, target: str) -> str:
    """Return the item of a transition after another transition."""
    return f"{first} --{event}--> {target}"


def guard_item(guard: str, agrees: bool) -> str:  # both are counted
    """Return the item of a guard's answer."""
    return f"{guard} {'agrees' if agrees else 'refuses'}"


def cell_item(state: str, event: str) -> str:
    """Return the item of a refusal."""
    return f"{event} in {state}"


@dataclass(slots=True)
class Coverage:
    """The coverage of all charts that the tests used.

    Attributes:
        test: The running test. Nothing is counted while this is None.
        steps: The tests that covered each outcome of each step.
    """

    charts: dict[str, Covered] = field(default_factory=dict)
    steps: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    test: str | None = None
    _last: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def begin(self, test: str | None) -> None:
        """Set the running test."""
        self.test = test
        self._last.clear()

    def watch(self, attempt: FiredEvent) -> None:
        """Count a fired event."""
        if self.test is None:
            return
        reference = f"{attempt.chart.__module__}:{attempt.chart.__qualname__}"
        covered = self.charts.get(reference)
        if covered is None:
            covered = self.charts[reference] = Covered.of(attempt.chart)
        covered.meet("states", attempt.from_state, self.test)
        for guard, agrees in attempt.guards.items():
            covered.meet("guards", guard_item(guard, agrees), self.test)
        if attempt.to_state is None:
            covered.meet("refused", cell_item(attempt.from_state, attempt.event), self.test)
            return
        covered.meet("states", attempt.to_state, self.test)
        item = edge_item(attempt.from_state, attempt.event, attempt.to_state)
        covered.meet("transitions", item, self.test)
        # Two transitions are a pair only if the same machine took them in a row.
        before, state = self._last.get((reference, attempt.about), ("", ""))
        if state == attempt.from_state:
            covered.meet("pairs", pair_item(before, attempt.event, attempt.to_state), self.test)
        self._last[reference, attempt.about] = item, attempt.to_state

    def step(self, name: str, outcome: str) -> None:
        """Count the outcome of a step."""
        if self.test is None:
            return
        tests = self.steps.setdefault(name, {each: [] for each in OUTCOMES})[outcome]
        if self.test not in tests and len(tests) < _KEPT:
            tests.append(self.test)

    def dump(self) -> str:
        """Return the coverage as text, for another process."""
        charts = [asdict(covered) for covered in self.charts.values()]
        return json.dumps({"charts": charts, "steps": self.steps})

    def merge(self, dumped: str) -> None:
        """Add the coverage of another process."""
        said = json.loads(dumped)
        for chart in said["charts"]:
            known = self.charts.setdefault(chart["reference"], Covered(**chart))
            _merge(known.items, chart["items"])
        _merge(self.steps, said["steps"])

    def counted_steps(self) -> Iterator[tuple[str, int, int]]:
        """Yield each outcome, the number of steps that had it, and the number of all steps."""
        for outcome in OUTCOMES:
            met = sum(bool(outcomes[outcome]) for outcomes in self.steps.values())
            yield outcome, met, len(self.steps)


def _merge(known: dict[str, dict[str, list[str]]], said: dict[str, dict[str, list[str]]]) -> None:
    for kind, items in said.items():
        mine = known.setdefault(kind, {})
        for item, tests in items.items():
            mine[item] = sorted({*mine.get(item, []), *tests})[:_KEPT]
