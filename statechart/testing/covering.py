"""Paths: event sequences that cover a chart, found by trying: guards and hooks decide where they lead."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from statechart.errors import InvalidTransition, UnknownEvent
from statechart.graph import Edge, edges, events
from statechart.testing.driver import Driver
from statechart.wording import listed

if TYPE_CHECKING:
    from statechart.chart import Chart

Cover: TypeAlias = Literal["edges", "edge-pairs", "shortest"]
COVERS: tuple[str, ...] = get_args(Cover)

MakeModel: TypeAlias = Callable[[], object]
Payloads: TypeAlias = Mapping[str, Mapping[str, Any]]  # Any: whatever the chart's hooks take

LIMIT = 2_000
"""How many configurations (a state and what the model holds) are looked at, at most."""


class Uncoverable(ValueError):
    """Some transitions can't be taken, whatever comes before them.

    Attributes:
        missing: These transitions.
    """

    def __init__(self, chart: str, missing: Sequence[Edge], reasons: Sequence[str]) -> None:
        self.missing: tuple[Edge, ...] = tuple(missing)
        told = "; ".join(
            f"{edge.event} from {edge.source}" + (f" ({reason})" if reason else "")
            for edge, reason in zip(missing, reasons, strict=True)
        )
        names = ", ".join(repr(name) for name in dict.fromkeys(edge.event for edge in missing))
        super().__init__(
            f"no path of {chart} takes {told}: give a model or payloads with which the guards agree, "
            f"or leave them out with without=[{names}]"
        )


@dataclass(frozen=True)
class Path:
    """Events that lead from the initial state through `states`, the initial one included."""

    chart: type[Chart]
    events: tuple[str, ...]
    states: tuple[str, ...]
    model: MakeModel | None = field(default=None, repr=False)
    payloads: Payloads = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return ">".join(self.events)

    def driver(self) -> Driver:
        """Return a driver at the beginning of the path."""
        return Driver(self.chart, model=self.model() if self.model else None)

    def drive(self, driver: Driver | None = None) -> Driver:
        """Fire all its events, and demand that each leads where the path says."""
        __tracebackhide__ = True
        driver = driver or self.driver()
        for event, state in zip(self.events, self.states[1:], strict=True):
            driver.fire(event, **self.payloads.get(event, {})).expect(state)
        return driver


@dataclass(frozen=True, slots=True)
class _Step:
    """One transition between two configurations, which are numbered as they were found."""

    before: int
    edge: Edge
    after: int


@dataclass(slots=True)
class _Explored:
    """What was found out: the transitions that can be taken, and why others were refused."""

    steps: list[_Step] = field(default_factory=list)
    refused: dict[tuple[str, str], str] = field(default_factory=dict)


def paths(
    chart: type[Chart],
    cover: Cover = "edges",
    *,
    model: MakeModel | None = None,
    payloads: Payloads | None = None,
    without: Collection[str] = (),
) -> tuple[Path, ...]:
    """Return few paths that cover a chart.

    `edges` takes every transition, `edge-pairs` every two that can follow on each other, `shortest`
    has one shortest path to every state. The chart is tried out, without a commit: its guards and
    hooks run.

    Args:
        model: Makes what the guards and hooks are given; by default the chart's own model.
        payloads: What each event is fired with.
        without: Events that are left out.

    Raises:
        Uncoverable: Guards keep some transitions from being taken.
        UnknownEvent: `without` or `payloads` name no event of the chart.
        ValueError: There is no such cover.
    """
    if cover not in COVERS:
        raise ValueError(f"there is no cover {cover!r}: use {listed(COVERS)}")
    payloads = payloads or {}
    for name in (*without, *payloads):
        if name not in events(chart):
            raise UnknownEvent(chart.__name__, name, events(chart))
    explored = _Explored()
    _explore(chart, model, payloads, without, explored)
    if cover != "shortest":
        _require_all(chart, explored, without)
    ways = _ways(explored.steps, cover)
    return tuple(
        Path(
            chart,
            tuple(step.edge.event for step in way),
            (way[0].edge.source, *(step.edge.target for step in way)),
            model,
            payloads,
        )
        for way in (ways if cover == "shortest" else _few(ways, 2 if cover == "edge-pairs" else 1))
    )


def _ways(found: Sequence[_Step], cover: Cover) -> list[tuple[_Step, ...]]:
    """Return the shortest way to each goal of a cover."""
    goals: dict[object, tuple[_Step, ...]] = {}
    for step in found:
        if cover == "shortest":
            goals.setdefault(step.edge.target, (step,))
        else:
            goals.setdefault(step.edge, (step,))
    if cover == "edge-pairs":
        goals |= {pair: steps for pair, steps in _pairs(found).items()}  # noqa: C416  # wider keys
    return [_way(found, goal) for goal in goals.values()]


def _explore(
    chart: type[Chart],
    model: MakeModel | None,
    payloads: Payloads,
    without: Collection[str],
    explored: _Explored,
) -> None:
    """Take all transitions between the configurations that can be reached, the nearest first."""
    start = Driver(chart, model=model() if model else None).model
    numbers = {_frozen(start): 0}
    queue = deque([start])
    by_state: dict[str, list[Edge]] = {}
    for edge in edges(chart):
        by_state.setdefault(edge.source, []).append(edge)
    number = -1
    while queue:
        here, number = queue.popleft(), number + 1
        for event in dict.fromkeys(edge.event for edge in by_state.get(str(here.state), ())):
            if event in without:
                continue
            driver = Driver(chart, model=deepcopy(here))
            try:
                driver.fire(event, **payloads.get(event, {}))
            except InvalidTransition as refusal:
                explored.refused.setdefault((str(here.state), event), refusal.reason or "")
                continue
            target = driver.state
            edge = next(e for e in by_state[str(here.state)] if e.event == event and e.target == target)
            key = _frozen(driver.model)
            if key not in numbers and len(numbers) < LIMIT:
                numbers[key] = len(numbers)
                queue.append(driver.model)
            if key in numbers:
                explored.steps.append(_Step(number, edge, numbers[key]))


def _frozen(model: Any) -> str:  # Any: whatever the chart's model is
    """Return what a model holds as text; where an object lies in memory says nothing."""
    held = vars(model) if hasattr(model, "__dict__") else model
    return f"{model.state} {re.sub(r'0x[0-9a-f]+', '', repr(held))}"


def _require_all(chart: type[Chart], explored: _Explored, without: Collection[str]) -> None:
    taken = {step.edge for step in explored.steps}
    missing = [edge for edge in edges(chart) if edge not in taken and edge.event not in without]
    if missing:
        reasons = [explored.refused.get((edge.source, edge.event), "") for edge in missing]
        raise Uncoverable(chart.__name__, missing, reasons)


def _pairs(found: Sequence[_Step]) -> dict[tuple[Edge, Edge], tuple[_Step, ...]]:
    after: dict[int, list[_Step]] = {}
    for step in found:
        after.setdefault(step.before, []).append(step)
    pairs: dict[tuple[Edge, Edge], tuple[_Step, ...]] = {}
    for first in found:
        for second in after.get(first.after, ()):
            pairs.setdefault((first.edge, second.edge), (first, second))
    return pairs


def _way(found: Sequence[_Step], goal: tuple[_Step, ...]) -> tuple[_Step, ...]:
    """Return the shortest way that ends with the steps of a goal."""
    way = list(goal)
    while way[0].before != 0:
        way.insert(0, next(step for step in found if step.after == way[0].before))
    return tuple(way)


def _few(ways: Sequence[tuple[_Step, ...]], window: int) -> Iterator[tuple[_Step, ...]]:
    """Yield ways that together cover what all cover; the longest are tried first."""
    covered: set[tuple[Edge, ...]] = set()
    for way in sorted(ways, key=len, reverse=True):
        taken = [step.edge for step in way]
        goals = {
            tuple(taken[at : at + size])
            for size in range(1, window + 1)
            for at in range(len(taken) - size + 1)
        }
        if not goals <= covered:
            covered |= goals
            yield way
