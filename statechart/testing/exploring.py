"""Explore a chart: try every event in every configuration that events lead to."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from statechart.engine.draft import own
from statechart.engine.hooks import FiredEvent, watching
from statechart.errors import InvalidTransition, InvalidValue, MissingPayload, UnknownEvent
from statechart.graph import Edge, breadth_first, edges, events
from statechart.testing.driver import Driver, is_fault
from statechart.testing.models import require_chart, values_of
from statechart.testing.obstacles import obstacle
from statechart.wording import state_text

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


@contextmanager
def showing_payloads() -> Iterator[None]:
    """Add to the error of a missing payload how tests give it."""
    try:
        yield
    except MissingPayload as error:
        payload = ", ".join(f"{name!r}: ..." for name in error.names)
        error.add_note(f"as in payloads={{{error.event!r}: {{{payload}}}}}")
        raise


@dataclass(frozen=True, slots=True)
class Step:
    """A transition from a configuration: a state, and the values that the model holds."""

    before: str
    edge: Edge
    after: str
    payload: Payload


class Exploration:
    """The configurations that events lead to, the nearest first. The chart's guards and hooks run.

    It ends when all transitions have been taken, with `pairs` each after each, or at the limit.

    Attributes:
        edges: The transitions of the explored events.
        ways: The fewest steps to each configuration.
        steps: The transitions that can be taken.
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
        self.edges: list[Edge] = [edge for edge in edges(chart) if edge.event not in without]
        self.steps: list[Step] = []
        self._payloads = payloads
        self._obstacles: dict[Edge, str] = {}
        self._goals: set[tuple[Edge, ...]] = {(edge,) for edge in self.edges}
        if pairs:
            self._goals |= {(a, b) for a in self.edges for b in self.edges if a.target == b.source}
        self._into: dict[str, set[Edge]] = {}
        self._out: dict[str, set[Edge]] = {}
        start = Driver(chart, model=model() if model else None).model
        # States alone are not enough: guards decide by the values of the model.
        self._models = {_frozen(start): start}
        self.ways: dict[str, tuple[Step, ...]] = {}
        for found, way in breadth_first(_frozen(start), self._leaving):
            self.ways[found] = way
            # A list that every event makes longer would give new configurations up to the limit.
            if not self._goals:
                break

    def obstacle(self, edge: Edge) -> str:
        """Return the reason why no step takes a transition, in words."""
        leaving = [step.edge for step in self.steps if step.edge.source == edge.source]
        others = dict.fromkeys(other.target for other in leaving if other.event == edge.event)
        if edge.source not in {state_text(model.state) for model in self._models.values()}:
            return f"{edge.source} is never reached"
        instead = f"it led to {', '.join(others)} instead" if others else ""
        return "; ".join(filter(None, (self._obstacles.get(edge, ""), instead)))

    def _leaving(self, before: str) -> Iterator[tuple[Step, str]]:
        state = state_text(self._models[before].state)
        names = dict.fromkeys(edge.name for edge in self.edges if edge.source == state)
        for event, payload in ((name, payload) for name in names for payload in self._payloads[name]):
            ways = [edge for edge in self.edges if (edge.name, edge.source) == (event, state)]
            driver = self._fired(before, ways, payload)
            if driver is None:
                continue
            edge = next(edge for edge in ways if edge.target == driver.state)
            after = _frozen(driver.model)
            # A counter in the model would give new configurations for ever.
            if after in self._models or len(self._models) < LIMIT:
                self._models.setdefault(after, driver.model)
                step = Step(before, edge, after, payload)
                self.steps.append(step)
                self._reached(step)
                yield step, after

    def _reached(self, step: Step) -> None:
        """Strike the transition and its pairs off the goals."""
        self._into.setdefault(step.after, set()).add(step.edge)
        self._out.setdefault(step.before, set()).add(step.edge)
        self._goals.discard((step.edge,))
        self._goals -= {(first, step.edge) for first in self._into.get(step.before, ())}
        self._goals -= {(step.edge, second) for second in self._out.get(step.after, ())}

    def _fired(self, before: str, ways: Sequence[Edge], payload: Payload) -> Driver | None:
        """Fire an event, note the guards that refuse its transitions, and return the driver after it."""
        driver = Driver(self.chart, model=own(self._models[before]))
        reasons: dict[str, str] = {}
        fired: list[FiredEvent] = []
        with showing_payloads(), watching(fired.append):
            try:
                driver.fire(ways[0].name, **payload)
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
                self._obstacles[edge] = obstacle(self.chart, blamed, reason, self._models[before], payload)
        return None if fired[0].to_state is None else driver


def _frozen(model: Any) -> str:  # Any: whatever the chart's model is
    """Return the values of a model as text, without the addresses of objects."""
    return f"{model.state} {re.sub(r'0x[0-9a-f]+', '', repr(values_of(model)))}"
