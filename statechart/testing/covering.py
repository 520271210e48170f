"""Find event sequences that cover a chart, by trying events where guards and hooks decide."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from statechart.errors import UnknownEvent
from statechart.graph import Edge, edges
from statechart.testing.driver import Driver
from statechart.testing.exploring import Exploration, Goal, MakeModel, Payload, Payloads, Step, choices
from statechart.testing.nested.exploring import exploration
from statechart.wording import listed

if TYPE_CHECKING:
    from statechart.chart import Chart

Cover: TypeAlias = Literal["edges", "edge-pairs", "shortest"]
COVERS: tuple[str, ...] = get_args(Cover)


class Uncoverable(ValueError):
    """No sequence of events takes some transitions.

    Attributes:
        missing: The transitions.

    Args:
        reasons: The obstacle of each transition, in words.
    """

    def __init__(self, chart: str, missing: Sequence[Edge], reasons: Sequence[str]) -> None:
        self.missing: tuple[Edge, ...] = tuple(missing)
        told = "; ".join(
            f"{edge.name} from {edge.source} to {edge.target} ({reason})"
            for edge, reason in zip(missing, reasons, strict=True)
        )
        names = ", ".join(repr(name) for name in dict.fromkeys(edge.name for edge in missing))
        super().__init__(
            f"no path of {chart} takes {told}: give a model or payloads with which the guards agree, "
            f"or leave them out with without=[{names}]"
        )


@dataclass(frozen=True)
class Path:
    """Events that lead from the initial state through `states`, the initial state included.

    Among the events are timers, such as `awaiting.expire`: time passes until their deadline. With states
    within states, the states are texts such as `awaiting + packing`.
    """

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
        given = self.given or tuple(known.get(event, ({},))[0] for event in self.events)
        for event, state, payload in zip(self.events, self.states[1:], given, strict=True):
            step = driver.elapse(event) if event in self.chart._alarms else driver.fire(event, **payload)
            step.expect(state)
        return driver


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
    has a shortest path to every state. The chart's guards and hooks run, without a commit. With timers,
    paths also let time pass: `edges` covers that each timer fires and is cancelled, where it can be. With
    history states, it covers that what they remember is entered again.

    Args:
        model: Makes the model that guards and hooks see; by default the chart's own.
        payloads: The payload of each event, or several payloads to try.
        without: Events to leave out, or timers by their names.

    Raises:
        Uncoverable: Guards prevent some transitions.
        UnknownEvent: `without` or `payloads` name an event that the chart does not have.
        ValueError: The cover is unknown.
    """
    known = choices(chart, payloads, model)
    if cover not in COVERS:
        raise ValueError(f"there is no cover {cover!r}: use {listed(COVERS)}")
    without = (without,) if isinstance(without, str) else without
    for name in without:
        known_names = dict.fromkeys([*chart._outer, *chart._alarms, *(edge.name for edge in edges(chart))])
        if name not in known_names:
            raise UnknownEvent(chart.__name__, name, list(known_names))
    explored = exploration(chart, model, known, without, pairs=cover == "edge-pairs")
    if cover != "shortest":
        _require_all(explored)
    ways = _ways(explored, cover)
    return tuple(
        Path(
            chart,
            tuple(step.event for step in way),
            (way[0].source, *(step.target for step in way)),
            model,
            given=tuple(step.payload for step in way),
        )
        for way in (ways if cover == "shortest" else _few(ways, 2 if cover == "edge-pairs" else 1))
    )


def _ways(explored: Exploration, cover: Cover) -> list[tuple[Step, ...]]:
    """Return the shortest way to each goal of a cover."""
    goals: dict[object, tuple[Step, ...]] = {}
    for step in explored.steps:
        for goal in (step.target,) if cover == "shortest" else (*step.edges, *step.others):
            goals.setdefault(goal, (step,))
    if cover == "edge-pairs":
        goals |= {pair: steps for pair, steps in _pairs(explored).items()}  # noqa: C416  # wider keys
    return [(*explored.ways[goal[0].before], *goal) for goal in goals.values()]


def _require_all(explored: Exploration) -> None:
    taken = {edge for step in explored.steps for edge in step.edges}
    missing = [edge for edge in explored.edges if edge not in taken]
    if missing:
        raise Uncoverable(explored.chart.__name__, missing, [explored.obstacle(edge) for edge in missing])


def _pairs(explored: Exploration) -> dict[tuple[Edge, Edge], tuple[Step, ...]]:
    after: dict[str, list[Step]] = {}
    for step in explored.steps:
        after.setdefault(step.before, []).append(step)
    pairs: dict[tuple[Edge, Edge], tuple[Step, ...]] = {}
    for first in explored.steps:
        for one, other in combinations(first.edges, 2):  # of one macrostep
            if explored.follows(one, other):
                pairs.setdefault((one, other), (first,))
        for second in after.get(first.after, ()):
            for one, other in product(first.edges, second.edges):
                if explored.follows(one, other):
                    pairs.setdefault((one, other), (first, second))
    return pairs


def _few(ways: Sequence[tuple[Step, ...]], window: int) -> Iterator[tuple[Step, ...]]:
    """Yield ways that together cover the goals of all ways, trying the longest first."""
    # Greedy: a long way covers the goals of most shorter ones.
    covered: set[Goal] = set()
    for way in sorted(ways, key=len, reverse=True):
        taken: list[Goal] = [(*step.edges, *step.others) for step in way]
        goals: set[Goal] = {
            goal
            for size in range(1, window + 1)
            for at in range(len(taken) - size + 1)
            for goal in product(*taken[at : at + size])
        }
        if window > 1:
            goals.update(pair for step in way for pair in combinations(step.edges, 2))
        if not goals <= covered:
            covered |= goals
            yield way
