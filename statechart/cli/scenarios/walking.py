"""Walking: a chart in memory, event after event, and back."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from statechart.answers.ways import Ways, ways_of
from statechart.cli.payload import read_payload
from statechart.cli.scenarios.literals import Unwritable
from statechart.cli.scenarios.scenario import Scenario
from statechart.configuration import Configuration
from statechart.engine.keywords import keywords_of
from statechart.errors import InvalidTransition
from statechart.graph import failures
from statechart.picture import Marks, Visit
from statechart.stored.session import allowed_by
from statechart.terminal.streams import prints_aside
from statechart.testing.driver import Driver

if TYPE_CHECKING:
    from statechart.chart import Chart
    from statechart.engine.keywords import Keyword


@dataclass(frozen=True, slots=True)
class Step:
    """An event that was fired in a walk.

    Attributes:
        state: The state after it, or that in which it was refused.
        refused: The reason of a refusal, or None.
    """

    event: str
    payload: Mapping[str, Any]
    state: str
    refused: str | None = None


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
    _befores: list[Any] = field(default_factory=list)  # Any: models

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
        path = [step for step in self.steps if step.refused is None]
        states = [self._begun().state, *(step.state for step in path)]
        visits = [Visit(before, step.event, step.state) for before, step in zip(states, path, strict=False)]
        return Marks(current=self.state, failed=self.state in failures(self.chart), visits=visits)

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
        before = deepcopy(self.driver.model)
        try:
            self.driver.fire(event, **deepcopy(payload))
            step = Step(event, payload, self.state)
        except InvalidTransition as refusal:
            self._go_back(before)
            step = Step(event, payload, self.state, str(refusal))
        except BaseException:
            self._go_back(before)
            raise
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
        steps = [
            {
                "event": step.event,
                "payload": to_jsonable_python(step.payload, fallback=repr),
                "state": step.state,
                "refused": step.refused,
            }
            for step in self.steps
        ]
        return {"chart": self.chart.__name__, "steps": steps, "state": self.state}

    def scenario(self, title: str) -> Scenario:
        """Return the walk as a test."""
        scenario = Scenario(self.chart, title)
        scenario.begin(self._begun().state, self.model, **self.facts)
        for step, after in zip(self.steps, [*self._befores, self.driver.model][1:], strict=True):
            try:
                if step.refused is None:
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

    def _go_back(self, model: Any) -> None:  # Any: a model
        self.driver = Driver(self.chart, model=model)
