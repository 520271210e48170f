"""Find event sequences that cover a chart, by trying events where guards and hooks decide."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from statechart.errors import InvalidTransition, UnknownEvent
from statechart.graph import Edge, breadth_first, edges, events
from statechart.testing.driver import Driver
from statechart.wording import listed, state_text

if TYPE_CHECKING:
    from statechart.chart import Chart

Cover: TypeAlias = Literal["edges", "edge-pairs", "shortest"]
COVERS: tuple[str, ...] = get_args(Cover)

MakeModel: TypeAlias = Callable[[], object]
Payload: TypeAlias = Mapping[str, Any]  # Any: whatever the chart's hooks take
Payloads: TypeAlias = Mapping[str, Payload | Sequence[Payload]]
"""The payload of each event, or several payloads to try one after the other."""

LIMIT = 2_000
"""The greatest number of configurations (a state and the values of the model) that are explored."""


class Uncoverable(ValueError):
    """No sequence of events takes some transitions.

    Attributes:
        missing: The transitions.

    Args:
        forks: The transitions whose event has other targets from the same state, too.
    """

    def __init__(
        self, chart: str, missing: Sequence[Edge], reasons: Sequence[str], forks: Collection[Edge] = ()
    ) -> None:
        self.missing: tuple[Edge, ...] = tuple(missing)
        told = "; ".join(
            f"{edge.event} from {edge.source}"
            + (f" to {edge.target}" if edge in forks else "")
            + (f" ({reason})" if reason else "")
            for edge, reason in zip(missing, reasons, strict=True)
        )
        names = ", ".join(repr(name) for name in dict.fromkeys(edge.event for edge in missing))
        super().__init__(
            f"no path of {chart} takes {told}: give a model or payloads with which the guards agree, "
            f"or leave them out with without=[{names}]"
        )


@dataclass(frozen=True)
class Path:
    """Events that lead from the initial state through `states`, the initial state included."""

    chart: type[Chart]
    events: tuple[str, ...]
    states: tuple[str, ...]
    model: MakeModel | None = field(default=None, repr=False)
    payloads: Payloads = field(default_factory=dict, repr=False)
    given: tuple[Payload, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        return ">".join(self.events)

    def driver(self) -> Driver:
        """Return a driver at the beginning of the path."""
        return Driver(self.chart, model=self.model() if self.model else None)

    def drive(self, driver: Driver | None = None) -> Driver:
        """Fire all events, and require the states of the path."""
        __tracebackhide__ = True
        driver = driver or self.driver()
        known = choices(self.chart, self.payloads)
        given = self.given or tuple(known[event][0] for event in self.events)
        for event, state, payload in zip(self.events, self.states[1:], given, strict=True):
            driver.fire(event, **payload).expect(state)
        return driver


@dataclass(frozen=True, slots=True)
class _Step:
    """A transition from a configuration: a state, and the values that the model holds."""

    before: str
    edge: Edge
    after: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class _Explored:
    """The findings of an exploration.

    Attributes:
        ways: The fewest steps to each configuration.
        steps: The transitions that can be taken.
        refused: The reasons of the refusals, by state and event.
    """

    ways: dict[str, tuple[_Step, ...]]
    steps: list[_Step]
    refused: dict[tuple[str, str], str]


def paths(
    chart: type[Chart],
    cover: Cover = "edges",
    *,
    model: MakeModel | None = None,
    payloads: Payloads | None = None,
    without: Collection[str] = (),
) -> tuple[Path, ...]:
    """Return few paths that cover a chart.

    `edges` covers every transition, `edge-pairs` every pair of consecutive transitions, and `shortest`
    has a shortest path to every state. The chart's guards and hooks run, without a commit.

    Args:
        model: Makes the model that guards and hooks see; by default the chart's own.
        payloads: The payload of each event, or several payloads to try.
        without: Events to leave out.

    Raises:
        Uncoverable: Guards prevent some transitions.
        UnknownEvent: `without` or `payloads` name an event that the chart does not have.
        ValueError: The cover is unknown.
    """
    if cover not in COVERS:
        raise ValueError(f"there is no cover {cover!r}: use {listed(COVERS)}")
    for name in without:
        if name not in events(chart):
            raise UnknownEvent(chart.__name__, name, events(chart))
    explored = _explore(chart, model, choices(chart, payloads), without)
    if cover != "shortest":
        _require_all(chart, explored, without)
    ways = _ways(explored, cover)
    return tuple(
        Path(
            chart,
            tuple(step.edge.event for step in way),
            (way[0].edge.source, *(step.edge.target for step in way)),
            model,
            given=tuple(step.payload for step in way),
        )
        for way in (ways if cover == "shortest" else _few(ways, 2 if cover == "edge-pairs" else 1))
    )


def _ways(explored: _Explored, cover: Cover) -> list[tuple[_Step, ...]]:
    """Return the shortest way to each goal of a cover."""
    goals: dict[object, tuple[_Step, ...]] = {}
    for step in explored.steps:
        if cover == "shortest":
            goals.setdefault(step.edge.target, (step,))
        else:
            goals.setdefault(step.edge, (step,))
    if cover == "edge-pairs":
        goals |= {pair: steps for pair, steps in _pairs(explored.steps).items()}  # noqa: C416  # wider keys
    return [(*explored.ways[goal[0].before], *goal) for goal in goals.values()]


def choices(chart: type[Chart], payloads: Payloads | None) -> dict[str, tuple[Payload, ...]]:
    """Return the payloads to try with each event of a chart.

    Raises:
        UnknownEvent: The chart has no such event.
        TypeError: The payload of an event is no mapping.
    """
    found: dict[str, tuple[Payload, ...]] = {event: ({},) for event in events(chart)}
    for event, given in (payloads or {}).items():
        if event not in found:
            raise UnknownEvent(chart.__name__, event, events(chart))
        several: tuple[Any, ...] = tuple(given) if isinstance(given, (list, tuple)) else (given,)
        odd = next((each for each in several if not isinstance(each, Mapping)), None)
        if odd is not None or not several:
            example = f"as in payloads={{{event!r}: {{'amount': 3}}}}"
            raise TypeError(f"the payload of {event} is {given!r}: give keywords with values, {example}")
        found[event] = several
    return found


def _explore(
    chart: type[Chart],
    model: MakeModel | None,
    payloads: Mapping[str, Sequence[Payload]],
    without: Collection[str],
) -> _Explored:
    """Try every event in every reachable configuration, the nearest first."""
    steps: list[_Step] = []
    refused: dict[tuple[str, str], str] = {}
    start = Driver(chart, model=model() if model else None).model
    # States alone are not enough: guards decide by the values of the model.
    models = {_frozen(start): start}

    def leaving(before: str) -> Iterator[tuple[_Step, str]]:
        state = state_text(models[before].state)
        ways = [edge for edge in edges(chart) if edge.source == state and edge.event not in without]
        names = dict.fromkeys(edge.event for edge in ways)
        for event, payload in ((name, payload) for name in names for payload in payloads[name]):
            driver = Driver(chart, model=deepcopy(models[before]))
            try:
                driver.fire(event, **payload)
            except InvalidTransition as refusal:
                refused.setdefault((state, event), refusal.reason or "")
                continue
            edge = next(edge for edge in ways if (edge.event, edge.target) == (event, driver.state))
            after = _frozen(driver.model)
            # A counter in the model would give new configurations for ever.
            if after in models or len(models) < LIMIT:
                models.setdefault(after, driver.model)
                step = _Step(before, edge, after, payload)
                steps.append(step)
                yield step, after

    return _Explored(dict(breadth_first(_frozen(start), leaving)), steps, refused)


def _frozen(model: Any) -> str:  # Any: whatever the chart's model is
    """Return the values of a model as text, without the addresses of objects."""
    held = vars(model) if hasattr(model, "__dict__") else model
    return f"{model.state} {re.sub(r'0x[0-9a-f]+', '', repr(held))}"


def _require_all(chart: type[Chart], explored: _Explored, without: Collection[str]) -> None:
    taken = {step.edge for step in explored.steps}
    missing = [edge for edge in edges(chart) if edge not in taken and edge.event not in without]
    if missing:
        reasons = [explored.refused.get((edge.source, edge.event), "") for edge in missing]
        ways = Counter((edge.event, edge.source) for edge in edges(chart))
        forks = [edge for edge in missing if ways[edge.event, edge.source] > 1]
        raise Uncoverable(chart.__name__, missing, reasons, forks)


def _pairs(found: Sequence[_Step]) -> dict[tuple[Edge, Edge], tuple[_Step, ...]]:
    after: dict[str, list[_Step]] = {}
    for step in found:
        after.setdefault(step.before, []).append(step)
    pairs: dict[tuple[Edge, Edge], tuple[_Step, ...]] = {}
    for first in found:
        for second in after.get(first.after, ()):
            pairs.setdefault((first.edge, second.edge), (first, second))
    return pairs


def _few(ways: Sequence[tuple[_Step, ...]], window: int) -> Iterator[tuple[_Step, ...]]:
    """Yield ways that together cover the goals of all ways, trying the longest first."""
    # Greedy: a long way covers the goals of most shorter ones.
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
