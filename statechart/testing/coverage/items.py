"""The states, transitions, guards and refusals of a chart, with the tests that covered each."""

from __future__ import annotations

import base64
import pickle
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from statechart.picture import Marks, Picture, compose
from statechart.testing.coverage.universe import remarks, universe
from statechart.testing.nested.edges import is_stepwise
from statechart.testing.nested.outline import Outline
from statechart.wording import counted

if TYPE_CHECKING:
    from statechart.graph import AnyChart

KINDS = ("states", "transitions", "pairs", "guards", "refused")
"""The counted kinds. Pairs are two consecutive transitions; guards count once for each answer; refused
are the cells of the state-event matrix without a transition.
"""

NESTED_KINDS = ("history", "timers", "configurations")
"""The kinds that charts with states within states have besides. History states count once from memory and
once by default, timers once fired and once cancelled; configurations are those in which the chart may rest.
"""

PRODUCTION = "production"
"""The kind of the transitions that journals have seen, counted if journals are given."""

REQUIRED = ("states", "transitions", "refused", "history", "timers")
"""The kinds that a threshold applies to, where a chart has them."""

KEPT = 50  # tests for each item: enough for a report, and workers send all of them


@dataclass(slots=True)
class Covered:
    """The coverage of a chart: the tests that covered each item, by kind and item.

    Attributes:
        reference: The chart, as `module:Chart`.
        drawn: The chart's picture, as text for another process.
        seen: How often production took each transition, or None without journals.
        undeclared: How often production took transitions that the chart no longer has.
        journals: The journals that were read, a line each, and those that could not be read.
        remarks: Remarks for readers of the numbers, a sentence each.
        outline: The chart's structure, as text for another process; empty for a flat chart.
    """

    reference: str
    items: dict[str, dict[str, list[str]]]
    drawn: str = ""
    seen: dict[str, int] | None = None
    undeclared: dict[str, int] = field(default_factory=dict)
    journals: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    outline: str = ""

    @classmethod
    def of(cls, chart: AnyChart) -> Covered:
        """Return the coverage of a chart before any test."""
        items: dict[str, dict[str, list[str]]] = {
            kind: {item: [] for item in found} for kind, found in universe(chart).items()
        }
        return cls(
            reference_of(chart),
            items,
            packed(compose(chart, Marks())),
            remarks=remarks(chart),
            outline=packed(Outline(chart)) if is_stepwise(chart) else "",
        )

    @property
    def kinds(self) -> tuple[str, ...]:
        """The counted kinds that have items."""
        return tuple(kind for kind, items in self.items.items() if items)

    def meet(self, kind: str, item: str, test: str) -> None:
        """Note that a test covered an item; unknown items are ignored."""
        tests = self.items[kind].get(item)
        if tests is not None and test not in tests and len(tests) < KEPT:
            tests.append(test)

    def meet_production(self, taken: Mapping[str, int], journals: Iterable[str]) -> None:
        """Add transitions that production took, with their numbers, and the journals that told them."""
        declared = self.comparable()
        seen, gone = Counter(self.seen or {}), Counter(self.undeclared)
        for item, times in taken.items():
            (seen if item in declared else gone)[item] += times
        self.seen = {item: seen[item] for item in declared if item in seen}
        self.undeclared = dict(sorted(gone.items()))
        self.journals += journals
        self.items[PRODUCTION] = {item: declared[item] for item in self.seen}

    def unseen(self) -> dict[str, list[str]]:
        """Return the transitions that tests took and production never did, with their tests."""
        seen = self.seen or {}
        return {item: tests for item, tests in self.comparable().items() if tests and item not in seen}

    def comparable(self) -> dict[str, list[str]]:
        """Return the items that histories tell: transitions, history states and timers."""
        kinds = ("transitions", "history", "timers")
        return {item: tests for kind in kinds for item, tests in self.items.get(kind, {}).items()}

    def differences(self) -> tuple[tuple[str, dict[str, str]], ...]:
        """Return the differences between production and tests: titles, with transitions and numbers."""
        seen = self.seen
        if seen is None:
            return ()
        untested = sorted(self.missing(PRODUCTION), key=lambda item: -seen[item])
        unseen = {item: tests_text(len(tests)) for item, tests in self.unseen().items()}
        gone = {item: counted(times, "time") for item, times in self.undeclared.items()}
        return (
            ("seen in production, never tested", {item: counted(seen[item], "time") for item in untested}),
            ("tested, never seen in production", unseen),
            ("seen in production, no longer declared", gone),
        )

    def texts(self) -> list[str]:
        """Return the texts of the states in the order of the picture, history states included."""
        return list(unpacked(self.outline).numbers) if self.outline else list(self.items["states"])

    def missing(self, kind: str) -> list[str]:
        """Return the items that no test covered."""
        return [item for item, tests in self.items[kind].items() if not tests]

    def count(self, kind: str) -> tuple[int, int]:
        """Return the number of covered items and of all items."""
        of = len(self.items[kind])
        return of - len(self.missing(kind)), of

    def percent(self, kinds: Iterable[str] = REQUIRED) -> float:
        """Return the smallest covered share of some kinds, in percent. Only complete coverage gives 100."""
        return min(percent(*self.count(kind)) for kind in kinds if kind in self.items)

    def picture(self) -> Picture:
        """Return the chart's picture."""
        picture: Picture = unpacked(self.drawn)
        return picture


def packed(found: object) -> str:
    """Return an object as text, for another process."""
    # Pickled, as the controller of pytest-xdist can't import charts that a test module declares.
    return base64.b64encode(pickle.dumps(found)).decode()


def unpacked(text: str) -> Any:  # Any: what was packed
    """Return the object that another process packed."""
    return pickle.loads(base64.b64decode(text))  # made by this run, so it can be trusted


def reference_of(chart: type) -> str:
    """Return the reference `module:Chart` of a chart."""
    return f"{chart.__module__}:{chart.__qualname__}"


def percent(met: int, of: int) -> float:
    """Return a share in percent, rounded down to a tenth."""
    return 100.0 if met == of else met * 1000 // of / 10


def tests_text(tests: int) -> str:
    """Return a number of tests in words."""
    return counted(tests, "test") if tests else "no test"
