"""The states, transitions, guards and refusals of a chart, with the tests that covered each."""

from __future__ import annotations

import base64
import pickle
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from statechart.graph import edges, events, states
from statechart.picture import Marks, Picture, compose
from statechart.wording import counted

if TYPE_CHECKING:
    from statechart.graph import AnyChart

KINDS = ("states", "transitions", "pairs", "guards", "refused")
"""The counted kinds. Pairs are two consecutive transitions; guards count once for each answer; refused
are the cells of the state-event matrix without a transition.
"""

PRODUCTION = "production"
"""The kind of the transitions that journals have seen, counted if journals are given."""

REQUIRED = ("states", "transitions", "refused")
"""The kinds that a threshold applies to."""

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
    """

    reference: str
    items: dict[str, dict[str, list[str]]]
    drawn: str = ""
    seen: dict[str, int] | None = None
    undeclared: dict[str, int] = field(default_factory=dict)
    journals: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, chart: AnyChart) -> Covered:
        """Return the coverage of a chart before any test."""
        items: dict[str, dict[str, list[str]]] = {
            kind: {item: [] for item in found} for kind, found in _universe(chart).items()
        }
        # Pickled, as the controller of pytest-xdist can't import charts that a test module declares.
        picture = base64.b64encode(pickle.dumps(compose(chart, Marks()))).decode()
        return cls(reference_of(chart), items, picture)

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
        declared = self.items["transitions"]
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
        return {
            item: tests for item, tests in self.items["transitions"].items() if tests and item not in seen
        }

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


def reference_of(chart: type) -> str:
    """Return the reference `module:Chart` of a chart."""
    return f"{chart.__module__}:{chart.__qualname__}"


def percent(met: int, of: int) -> float:
    """Return a share in percent, rounded down to a tenth."""
    return 100.0 if met == of else met * 1000 // of / 10


def tests_text(tests: int) -> str:
    """Return a number of tests in words."""
    return counted(tests, "test") if tests else "no test"


def _universe(chart: AnyChart) -> dict[str, Iterable[str]]:
    all_edges = edges(chart)
    declared = {(edge.source, edge.name) for edge in all_edges}
    guards = dict.fromkeys(guard for edge in all_edges for guard in edge.guards)
    return {
        "states": states(chart),
        "transitions": dict.fromkeys(edge_item(e.source, e.name, e.target) for e in all_edges),
        "pairs": dict.fromkeys(
            pair_item(edge_item(a.source, a.name, a.target), b.name, b.target)
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
    """Return the item of a guard's answer; with `unless`, the guard has given the opposite answer."""
    # Of `to(a, cond="ok") | to(b, unless="ok")`, the second is asked only if it agrees.
    if guard.startswith("!") and guard[1:].isidentifier():
        guard, agrees = guard[1:], not agrees
    return f"{guard} {'agrees' if agrees else 'refuses'}"


def cell_item(state: str, event: str) -> str:
    """Return the item of a refusal."""
    return f"{event} in {state}"
