"""Explore a chart: try every event in every configuration that events lead to."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, TypeAlias

from statechart.engine.draft import own
from statechart.engine.hooks import FiredEvent, watching
from statechart.errors import InvalidTransition, InvalidValue, MissingPayload, UnknownEvent
from statechart.graph import Edge, breadth_first, edges
from statechart.testing.driver import Driver, is_fault
from statechart.testing.models import require_chart, values_of
from statechart.testing.obstacles import obstacle

if TYPE_CHECKING:
    from statechart.chart import Chart

MakeModel: TypeAlias = Callable[[], object]
Payload: TypeAlias = Mapping[str, Any]  # Any: whatever the chart's hooks take
Payloads: TypeAlias = Mapping[str, Payload | Sequence[Payload]]
"""The payload of each event, or several payloads to try one after the other."""

LIMIT = 2_000
"""The greatest number of configurations (a state and the values of the model) that are explored."""


def choices(
    chart: type[Chart], payloads: Payloads | None, model: MakeModel | None = None
) -> dict[str, tuple[Payload, ...]]:
    """Return the payloads to try with each event of a chart; check the chart and the maker of its model.

    Raises:
        UnknownEvent: The chart has no such event.
        TypeError: The payload of an event is no mapping, or `model` is no function.
    """
    require_chart(chart)
    if model is not None and not callable(model):
        example = f"as in model=lambda: {type(model).__name__}(...)"
        raise TypeError(f"expected a function that makes a model, {example}, got {model!r}")
    found: dict[str, tuple[Payload, ...]] = {event: ({},) for event in chart._outer}
    for event, given in (payloads or {}).items():
        if event not in found:
            raise UnknownEvent(chart.__name__, event, list(chart._outer))
        several: tuple[Any, ...] = tuple(given) if isinstance(given, (list, tuple)) else (given,)
        odd = next((each for each in several if not isinstance(each, Mapping)), None)
        if odd is not None or not several:
            example = f"as in payloads={{{event!r}: {{'amount': 3}}}}"
            raise TypeError(f"the payload of {event} is {given!r}: give keywords with values, {example}")
        found[event] = several
    return found


@contextmanager
def showing_payloads() -> Iterator[None]:
    """Add to the error of a missing payload how tests give it."""
    try:
        yield
    except MissingPayload as error:
        payload = ", ".join(f"{name!r}: ..." for name in error.names)
        error.add_note(f"as in payloads={{{error.event!r}: {{{payload}}}}}")
        raise


Goal: TypeAlias = "tuple[Edge | str, ...]"
"""What an exploration looks for: a transition, two in a row, or what else a step may meet, as a text."""


@dataclass(frozen=True, slots=True)
class Step:
    """An event in a configuration: a state, and the values that the model holds.

    Attributes:
        event: The event; or a timer, such as `awaiting.expire`, for the time until its deadline.
        edges: The transitions that were taken.
        source: The state before, as a text.
        target: The state afterwards, as a text.
        others: Items that the step met besides transitions.
    """

    before: str
    event: str
    edges: tuple[Edge, ...]
    after: str
    payload: Payload
    source: str
    target: str
    others: tuple[str, ...] = ()


class Exploration:
    """The configurations that events lead to, the nearest first. The chart's guards and hooks run.

    It ends when all transitions have been taken, with `pairs` each after each, or at the limit.

    Attributes:
        edges: The transitions of the explored events.
        ways: The fewest steps to each configuration.
        steps: The events that can be fired.
        is_whole: Whether the search did not end at its limit.
    """

    def __init__(
        self,
        chart: type[Chart],
        model: MakeModel | None,
        payloads: Mapping[str, Sequence[Payload]],
        without: Collection[str] = (),
        *,
        pairs: bool = False,
    ) -> None:
        self.chart = chart
        self.edges: list[Edge] = self._explored_edges(without)
        self.steps: list[Step] = []
        self.is_whole: bool = True
        self._payloads = payloads
        self._obstacles: dict[Edge, str] = {}
        self._goals: set[Goal] = {(edge,) for edge in self.edges} | set(self._other_goals())
        if pairs:
            self._goals |= {(a, b) for a in self.edges for b in self.edges if self.follows(a, b)}
        self._into: dict[str, set[Edge]] = {}
        self._out: dict[str, set[Edge]] = {}
        start = Driver(chart, model=model() if model else None)
        # States alone are not enough: guards decide by the values of the model.
        begins = self._key(start)
        self._drivers = {begins: start}
        self.ways: dict[str, tuple[Step, ...]] = {}
        for found, way in breadth_first(begins, self._leaving):
            self.ways[found] = way
            # A list that every event makes longer would give new configurations up to the limit.
            if not self._goals:
                break

    def follows(self, first: Edge, second: Edge) -> bool:
        """Return whether a transition may follow on another: it leads from where that one led."""
        return first.target == second.source

    def obstacle(self, edge: Edge) -> str:
        """Return the reason why no step takes a transition, in words."""
        leaving = [other for step in self.steps for other in step.edges if other.source == edge.source]
        others = dict.fromkeys(other.target for other in leaving if other.name == edge.name)
        if not self._is_reached(edge.source):
            end = "" if self.is_whole else f" in the first {len(self._drivers):,} configurations"
            return f"{edge.source} is never reached{end}"
        instead = f"it led to {', '.join(others)} instead" if others else ""
        return "; ".join(filter(None, (self._obstacles.get(edge, ""), instead)))

    def _explored_edges(self, without: Collection[str]) -> list[Edge]:
        return [edge for edge in edges(self.chart) if edge.name not in without]

    def _other_goals(self) -> Iterator[Goal]:
        """Yield the goals beside transitions."""
        yield from ()

    def _is_reached(self, state: str) -> bool:
        return state in {driver.state for driver in self._drivers.values()}

    def _key(self, driver: Driver) -> str:
        """Return a configuration as a text, with the values of the model."""
        return _frozen(driver.model)

    def _leaving(self, before: str) -> Iterator[tuple[Step, str]]:
        for event, ways in self._candidates(self._drivers[before]).items():
            for payload in self._payloads[event]:
                driver = self._fired(before, ways, event, payload)
                if driver is not None:
                    yield from self._stepped(self._step(before, driver, event, payload), driver)

    def _stepped(self, step: Step, driver: Driver) -> Iterator[tuple[Step, str]]:
        # A counter in the model would give new configurations for ever.
        if step.after not in self._drivers and len(self._drivers) >= LIMIT:
            self.is_whole = False
            return
        self._drivers.setdefault(step.after, driver)
        self.steps.append(step)
        self._reached(step)
        yield step, step.after

    def _candidates(self, driver: Driver) -> dict[str, list[Edge]]:
        """Return the events to try in a configuration, each with its transitions."""
        found: dict[str, list[Edge]] = {}
        for edge in self.edges:
            if edge.source == driver.state:
                found.setdefault(edge.name, []).append(edge)
        return found

    def _step(self, before: str, driver: Driver, event: str, payload: Payload) -> Step:
        """Return the step that a driver has just taken."""
        ends = self._drivers[before].state, driver.state
        edge = next(e for e in self.edges if e.name == event and (e.source, e.target) == ends)
        return Step(before, event, (edge,), self._key(driver), payload, *ends)

    def _reached(self, step: Step) -> None:
        """Strike the transitions of a step, and their pairs, off the goals."""
        self._into.setdefault(step.after, set()).update(step.edges)
        self._out.setdefault(step.before, set()).update(step.edges)
        self._goals -= {(edge,) for edge in step.edges} | {(other,) for other in step.others}
        self._goals -= set(combinations(step.edges, 2))  # of one macrostep
        for edge in step.edges:
            self._goals -= {(first, edge) for first in self._into.get(step.before, ())}
            self._goals -= {(edge, second) for second in self._out.get(step.after, ())}

    def _again(self, before: str) -> Driver:
        """Return a driver in a configuration that was reached."""
        reached = self._drivers[before]
        return Driver(self.chart, model=own(reached.model), now=reached.now)

    def _fired(self, before: str, ways: Sequence[Edge], event: str, payload: Payload) -> Driver | None:
        """Fire an event, note the guards that refuse its transitions, and return the driver after it."""
        driver = self._again(before)
        reasons: dict[str, str] = {}
        fired: list[FiredEvent] = []
        with showing_payloads(), watching(fired.append):
            try:
                driver.fire(event, **payload)
            except InvalidTransition as refusal:
                reasons = dict(zip(refusal.targets, refusal.reasons, strict=True))
            except InvalidValue as refusal:  # what the hooks left is refused by the model
                if is_fault(refusal):
                    raise
                self._obstacles |= {edge: refusal.problem for edge in ways if edge not in self._obstacles}
                return None
        for edge in ways:
            blamed = next((guard for guard in edge.guards if fired[0].guards.get(guard) is False), None)
            if blamed is not None and edge not in self._obstacles:
                reason = reasons.get(edge.target)
                model = self._drivers[before].model
                self._obstacles[edge] = obstacle(self.chart, blamed, reason, model, payload)
        return None if fired[0].to_state is None else driver


def _frozen(model: Any) -> str:  # Any: whatever the chart's model is
    """Return the values of a model as text, without the addresses of objects."""
    return f"{model.state} {re.sub(r'0x[0-9a-f]+', '', repr(values_of(model)))}"
