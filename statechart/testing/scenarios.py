"""Check the scenarios of pytest-bdd against their chart before any scenario runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from statechart.errors import StatechartError
from statechart.graph import events
from statechart.reference import find_chart
from statechart.testing.driver import Driver
from statechart.testing.models import require_fields, state_value
from statechart.testing.nested.names import require_history, require_state, require_timer

if TYPE_CHECKING:
    from statechart.chart import Chart

_EVENT, _STATE = r'"(?P<event>[^"]+)"', r'"(?P<state>[^"]+)"'
_STATES = r'(?P<states>"[^"]+"(?:(?:, | and )"[^"]+")*)'
STEPS = {
    "chart": r'the chart "(?P<reference>[^"]+)"',
    "in state": rf"(?:it|the \w+) is in (?:state )?{_STATE}",
    "history": r'"(?P<history>[^"]+)" remembers "(?P<remembered>[^"]+)"',
    "fact": r"its (?P<fact>\w+) is (?P<value>.+)",
    "fired": f"{_EVENT} is fired",
    "fired with": f"{_EVENT} is fired with (?P<payload>.+)",
    "time": r"(?P<time>\d.*) pass(?:es)?",
    "until": r'the timer "(?P<timer>[^"]+)" is due',
    "is": f"the state is {_STATE}",
    "active": rf"{_STATES} (?:is|are) active",
    "inactive": rf"{_STATES} (?:is|are) not active",
    "due": r'"(?P<timer>[^"]+)" is due in (?P<time>.+)',
    "no timer": "no timer runs",
    "refused": f"{_EVENT} is refused",
    "refused because": f'{_EVENT} is refused because "(?P<reason>.+)"',
    "allowed": r"allowed is (?P<events>.+)",
}
"""The pattern of each step."""


def template_of(test: object) -> Any:  # Any: pytest-bdd's own class
    """Return the scenario that a test function runs, or None."""
    from pytest_bdd.scenario import scenario_wrapper_template_registry

    try:
        return scenario_wrapper_template_registry.get(cast("Callable[..., object]", test))
    except TypeError:  # objects without weak references are not in the registry
        return None


def matched(text: str) -> tuple[str, dict[str, str]] | None:
    """Return the kind of a step and its parts, or None for a step of another library."""
    for step, pattern in STEPS.items():
        found = re.fullmatch(pattern, text)
        if found is not None:
            return step, found.groupdict()
    return None


def names(text: str) -> list[str]:
    """Return the names in a list: `"pay", "ship" and "cancel"`; none for `nothing`."""
    return re.findall(r'"([^"]*)"', text)


def check(test: object, default: str, root: Path) -> None:
    """Check the scenarios of a test against their chart.

    Raises:
        pytest.Collector.CollectError: A state, an event or the chart does not exist; names the line.
    """
    template = template_of(test)
    problems = [
        problem for scenario in _rendered(template) for problem in _problems(scenario, default, root)
    ]
    if problems:
        raise pytest.Collector.CollectError("\n".join(dict.fromkeys(problems)))


def _rendered(template: Any) -> Iterator[Any]:  # Any: pytest-bdd's own classes
    contexts = [context for examples in template.examples for context in examples.as_contexts()]
    yield from (template.render(context) for context in contexts or [{}])


def _problems(scenario: Any, default: str, root: Path) -> Iterator[str]:
    """Yield the problems of a scenario; a scenario without a chart has none."""
    steps = [(step, matched(step.name)) for step in scenario.steps]
    named = [found[1]["reference"] for _, found in steps if found is not None and found[0] == "chart"]
    reference = named[-1] if named else default
    chart: type[Chart] | None = None
    for step, found in steps:
        if found is None or not reference:
            continue
        try:
            chart = chart or find_chart(reference, root=root)
            _check_names(chart, *found)
        except (StatechartError, TypeError, ValueError) as error:
            yield f"{place(scenario.feature, step, root)}: {error}"
            if chart is None:
                return


def _check_names(chart: type[Chart], step: str, parts: dict[str, str]) -> None:
    """Check the names of a step.

    Raises:
        StatechartError: The chart has no such state or event, or can't be in such states together.
        TypeError: The model has no such field.
        ValueError: A payload, a time or the name of a timer or history state makes no sense.
    """
    if "state" in parts:
        state_value(chart, parts["state"])
    for state in names(parts.get("states", "")):
        require_state(chart, state)
    if "history" in parts:
        require_history(chart, parts["history"], parts["remembered"])
    if "timer" in parts:
        require_timer(chart, parts["timer"])
    if "time" in parts:
        time(parts["time"])
    model = chart.model_class()
    if "fact" in parts and model is not None:
        require_fields(model, [parts["fact"]])
    if "payload" in parts:
        payload(parts["payload"])
    asked = names(parts["events"]) if step == "allowed" else [parts["event"]] if "event" in parts else []
    for event in asked:
        chart.event(event)


def place(feature: Any, step: Any, root: Path) -> str:  # Any: pytest-bdd's own classes
    """Return the place and the words of a step."""
    path = Path(feature.filename)
    file = path.relative_to(root) if path.is_relative_to(root) else path
    return f"{file}:{step.line_number}: {step.keyword} {step.name}"


def value(text: str) -> object:
    """Return a fact or a payload's value: JSON, or plain words as a string."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def payload(text: str) -> dict[str, object]:
    """Return a payload from its form `amount 3, by "ann"`."""
    # Commas inside of quotation marks belong to a value.
    parts = [part.strip() for part in re.split(r",(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", text)]
    found = [part.split(" ", 1) for part in parts]
    if any(len(part) != 2 or not part[0].isidentifier() for part in found):
        raise ValueError(f"expected a payload like `NAME VALUE, NAME VALUE`, got {text!r}")
    return {name: value(said) for name, said in found}


_UNIT = r"(\d+(?:\.\d+)?) (second|minute|hour|day|week)s?"


def time(text: str) -> timedelta:
    """Return a time from its form `31 minutes` or `1 day and 2 hours`.

    Raises:
        ValueError: It has another form.
    """
    if not re.fullmatch(rf"{_UNIT}(?:(?:, | and ){_UNIT})*", text):
        raise ValueError(f"expected a time like `31 minutes` or `1 day and 2 hours`, got {text!r}")
    return sum(
        (timedelta(**{f"{unit}s": float(count)}) for count, unit in re.findall(_UNIT, text)), timedelta()
    )


class Stage:
    """The stage of a scenario: its chart, its facts, and the driver after the first event."""

    def __init__(self, default: str, root: Path) -> None:
        self.reference = default
        self.state: str | None = None
        self.facts: dict[str, Any] = {}  # Any: whatever guards and hooks ask of a model
        self.remembers: dict[str, str] = {}
        self._root = root
        self._driver: Driver | None = None

    @property
    def driver(self) -> Driver:
        """The driver, made on first use."""
        if self._driver is None:
            if not self.reference:
                raise pytest.UsageError(
                    'no chart is named: begin with Given the chart "module:Chart", or set '
                    "`statechart = module:Chart` in pytest's configuration"
                )
            chart = find_chart(self.reference, root=self._root)
            self._driver = Driver(chart, state=self.state, remembers=self.remembers, **self.facts)
        return self._driver

    def allowed_events(self) -> tuple[str, ...]:
        """Return the events that are allowed now, as declared."""
        allowed = self.driver.allowed
        return tuple(event for event in events(type(self.driver.machine)) if event in allowed)
