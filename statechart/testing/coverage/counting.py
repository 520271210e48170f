"""Count the events that tests fire, and the steps that they run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from statechart.testing.coverage.items import KEPT, Covered, reference_of
from statechart.testing.coverage.macrosteps import meet
from statechart.testing.coverage.texts import cell_item, edge_item, guard_item, pair_item
from statechart.testing.nested.edges import is_stepwise

if TYPE_CHECKING:
    from statechart.engine.hooks import FiredEvent
    from statechart.graph import AnyChart

OUTCOMES = ("done", "failed", "interrupted")
"""The outcomes of a step."""


@dataclass(slots=True)
class Coverage:
    """The coverage of all charts that the tests used.

    Attributes:
        untouched: The charts that were imported, and touched by no test.
        test: The running test. Nothing is counted while this is None.
        only: The charts to count, as patterns of `module:Chart`; all if there are none.
        steps: The tests that covered each outcome of each step.
    """

    charts: dict[str, Covered] = field(default_factory=dict)
    untouched: dict[str, Covered] = field(default_factory=dict)
    steps: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    test: str | None = None
    only: Sequence[str] = ()
    _last: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    _entered: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    def begin(self, test: str | None) -> None:
        """Set the running test."""
        self.test = test
        self._last.clear()
        self._entered.clear()

    def watch(self, attempt: FiredEvent) -> None:
        """Count a fired event."""
        if self.test is None:
            return
        reference = reference_of(attempt.chart)
        covered = self.charts.get(reference)
        if covered is None:
            if not self._counts(reference):
                return
            covered = self.charts[reference] = Covered.of(attempt.chart)
        if is_stepwise(attempt.chart):
            entered = self._entered.setdefault((reference, attempt.about), {})
            meet(covered, attempt, self.test, entered)
            return
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

    def _counts(self, reference: str) -> bool:
        # Those that are left out later are not begun: thousands of configurations take seconds to find.
        return not self.only or any(fnmatchcase(reference, pattern) for pattern in self.only)

    def add(self, charts: Iterable[AnyChart]) -> None:
        """Add the charts that no test touched."""
        for chart in charts:
            reference = reference_of(chart)
            if reference not in self.charts and self._counts(reference):
                self.untouched.setdefault(reference, Covered.of(chart))

    def count_untouched(self, references: Iterable[str]) -> None:
        """Count some of the charts that no test touched as others, with nothing covered."""
        for reference in list(references):
            if reference in self.untouched:
                self.charts[reference] = self.untouched.pop(reference)

    def step(self, name: str, outcome: str) -> None:
        """Count the outcome of a step."""
        if self.test is None:
            return
        tests = self.steps.setdefault(name, {each: [] for each in OUTCOMES})[outcome]
        if self.test not in tests and len(tests) < KEPT:
            tests.append(self.test)

    def dump(self) -> str:
        """Return the coverage as text, for another process."""
        charts, untouched = (
            [asdict(covered) for covered in found.values()] for found in (self.charts, self.untouched)
        )
        return json.dumps({"charts": charts, "untouched": untouched, "steps": self.steps})

    def merge(self, dumped: str) -> None:
        """Add the coverage of another process."""
        said = json.loads(dumped)
        for chart in said["charts"]:
            known = self.charts.setdefault(chart["reference"], Covered(**chart))
            _merge(known.items, chart["items"])
        for chart in said["untouched"]:
            self.untouched.setdefault(chart["reference"], Covered(**chart))
        for reference in self.charts.keys() & self.untouched.keys():
            del self.untouched[reference]
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
            mine[item] = sorted({*mine.get(item, []), *tests})[:KEPT]
