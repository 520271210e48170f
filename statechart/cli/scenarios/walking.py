"""Walking: a chart in memory, event after event, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from statechart.answers.configurations import is_failed, step_text, timers_of
from statechart.answers.ways import Ways, ways_of
from statechart.cli.payload import read_payload
from statechart.cli.scenarios.literals import Unwritable
from statechart.cli.scenarios.scenario import Scenario
from statechart.configuration import Configuration
from statechart.engine.keywords import keywords_of
from statechart.errors import InvalidTransition
from statechart.picture import Marks, Visit
from statechart.stored.session import allowed_by
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.streams import prints_aside
from statechart.testing.driver import Driver

if TYPE_CHECKING:
    from statechart.chart import Chart
    from statechart.engine.declaration.timers import Due
    from statechart.engine.hooks import Transition
    from statechart.engine.keywords import Keyword


@dataclass(frozen=True, slots=True)
class Step:
    """An event that was fired in a walk, or time that passed.

    Attributes:
        event: The event; empty if time passed.
        state: The state after it, or that in which it was refused.
        refused: The reason of a refusal, or None.
        elapsed: The time that passed, or None for an event.
        taken: The transitions: of the event, or of the timers that fired.
    """

    event: str
    payload: Mapping[str, Any]
    state: str
    refused: str | None = None
    elapsed: timedelta | None = None
    taken: tuple[Transition, ...] = ()

    @property
    def lines(self) -> Iterator[str]:
        """The transitions in words: of timers, and each microstep of several."""
        for transition in self.taken:
            if transition.lapsed:
                yield f"{transition.timer}: nothing took {transition.event}"
            elif transition.timer is not None:
                yield f"{transition.timer} → {transition.to_state}"
            if len(transition.steps) > 1:
                for step in transition.steps:
                    yield f"  {step_text(step.event, step.exited, step.entered)}"


@dataclass(slots=True)
class Walk:
    """A walk through a chart.

    Attributes:
        chart: The chart.
        model: The model at the beginning; None for the chart's own.
        kind: The class of the models, or None if it is not known.
        facts: Attributes of the model at the beginning.
        steps: The events that were fired.
        driver: The machine.
    """

    chart: type[Chart]
    model: object | None
    kind: type | None
    facts: Mapping[str, Any]
    steps: list[Step] = field(default_factory=list)
    driver: Driver = field(init=False)
    _befores: list[tuple[Any, datetime]] = field(default_factory=list)  # Any: models

    def __post_init__(self) -> None:
        self.driver = self._begun()

    @property
    def state(self) -> str:
        """The current state."""
        return self.driver.state

    @property
    @prints_aside()
    def ways(self) -> Ways:
        """The events: allowed, waiting for a payload, and refused."""
        held = getattr(self.driver.model, "state", None)
        state = held if isinstance(held, Configuration) else self.state
        return ways_of(self.chart, self.kind, state, allowed_by(self.driver.machine, {}))

    @property
    def marks(self) -> Marks:
        """The path so far, for a diagram."""
        visits = [
            Visit(taken.from_state, taken.event, taken.to_state, steps=taken.steps)
            for step in self.steps
            for taken in step.taken
            if not taken.lapsed
        ]
        return Marks(current=self.state, failed=is_failed(self.chart, self.state), visits=visits)

    @property
    def timers(self) -> tuple[Due, ...]:
        """The timers that run, the earliest first."""
        return timers_of(self.chart, getattr(self.driver.model, "state", None))

    def missing(self, event: str, given: Mapping[str, str]) -> list[Keyword]:
        """Return the keywords that an event needs from here besides those that are given."""
        needed = keywords_of(self.chart, self.kind, event, self.state)
        return [each for each in needed if each.required and each.name not in given]

    @prints_aside()
    def fire(self, event: str, given: Mapping[str, str]) -> Step:
        """Fire an event with typed values, and return the step that was made.

        Raises:
            UnknownEvent: The chart has no such event.
            PayloadRefused: The payload can't be read.
        """
        self.chart.event(event)
        words = [f"{name}={text}" for name, text in given.items()]
        payload = read_payload(self.chart, self.kind, event, words, self.state)
        before = self._now()
        try:
            self.driver.fire(event, **deepcopy(payload))
            step = Step(event, payload, self.state, taken=(self.driver.transitions[-1],))
        except InvalidTransition as refusal:
            self._go_back(before)
            step = Step(event, payload, self.state, str(refusal))
        except BaseException:
            self._go_back(before)
            raise
        return self._noted(step, before)

    @prints_aside()
    def elapse(self, time: timedelta | None = None) -> Step:
        """Let time pass, and return the step that was made.

        Args:
            time: The time; by default until the next timer is due.

        Raises:
            UsageRefused: No timer runs.
        """
        if time is None:
            if not self.timers:
                raise UsageRefused(f"no timer runs in {self.state}: give a time, such as elapse 30m")
            time = self.timers[0].at - self.driver.now
        before, fired = self._now(), len(self.driver.transitions)
        try:
            self.driver.elapse(time)
        except AssertionError as error:  # of the driver, which is made for tests
            self._go_back(before)
            raise UsageRefused(str(error)) from error
        except BaseException:
            self._go_back(before)
            raise
        taken = tuple(self.driver.transitions[fired:])
        return self._noted(Step("", {}, self.state, elapsed=time, taken=taken), before)

    def _now(self) -> tuple[Any, datetime]:  # Any: a model
        return deepcopy(self.driver.model), self.driver.now

    def _noted(self, step: Step, before: tuple[Any, datetime]) -> Step:
        self.steps.append(step)
        self._befores.append(before)
        return step

    def undo(self) -> Step | None:
        """Go back to before the last transition, and return it, or None if there is none."""
        while self.steps:
            step, before = self.steps.pop(), self._befores.pop()
            if step.refused is None:
                self._go_back(before)
                return step
        return None

    def restart(self) -> None:
        """Go back to the beginning."""
        self.steps.clear()
        self._befores.clear()
        self.driver = self._begun()

    def fields(self) -> dict[str, Any]:  # Any: JSON, or whatever a model holds
        """Return the fields of the model."""
        model = self.driver.model
        if isinstance(model, BaseModel):
            return model.model_dump(mode="json")
        found = {name: value for name, value in vars(model).items() if not name.startswith("_")}
        plain: dict[str, Any] = to_jsonable_python(found, fallback=repr)
        return plain

    def document(self) -> dict[str, object]:
        """Return the walk as JSON."""
        steps = [_document(step) for step in self.steps]
        return {"chart": self.chart.__name__, "steps": steps, "state": self.state}

    def scenario(self, title: str) -> Scenario:
        """Return the walk as a test."""
        scenario = Scenario(self.chart, title)
        scenario.begin(self._begun().state, self.model, **self.facts)
        befores = [model for model, _ in self._befores]
        for step, after in zip(self.steps, [*befores, self.driver.model][1:], strict=True):
            try:
                if step.elapsed is not None:
                    scenario.elapse(step.elapsed, step.state)
                elif step.refused is None:
                    scenario.fire(step.event, step.payload, step.state)
                else:
                    scenario.refuse(step.event, step.payload)
            except Unwritable as error:
                scenario.remark(
                    f"{step.event} is left out: {error}; the test goes on from the value after it"
                )
                scenario.begin(step.state, after)
        return scenario

    @prints_aside()
    def _begun(self) -> Driver:
        return Driver(self.chart, model=deepcopy(self.model), **deepcopy(dict(self.facts)))

    def _go_back(self, before: tuple[Any, datetime]) -> None:  # Any: a model
        model, now = before
        self.driver = Driver(self.chart, model=model, now=now)


def _document(step: Step) -> dict[str, object]:
    """Return a step as JSON."""
    if step.elapsed is not None:
        fired = [
            {"timer": each.timer, "event": each.event, "lapsed": each.lapsed, "state": each.to_state}
            for each in step.taken
        ]
        return {"elapsed": to_jsonable_python(step.elapsed), "fired": fired, "state": step.state}
    return {
        "event": step.event,
        "payload": to_jsonable_python(step.payload, fallback=repr),
        "state": step.state,
        "refused": step.refused,
        **_steps_document(step),
    }


def _steps_document(step: Step) -> dict[str, object]:
    steps = [
        {"event": each.event, "exited": list(each.exited), "entered": list(each.entered)}
        for taken in step.taken
        for each in taken.steps
    ]
    return {"steps": steps} if steps else {}
