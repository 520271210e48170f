"""The state in which a value begins, and the questions of hooks about the active states."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from statechart.configuration import Configuration
from statechart.engine.declaration.timers import Due
from statechart.engine.nested.form import Form, Standing
from statechart.engine.nested.macrostep import now
from statechart.engine.nested.running import due_of, standing_of
from statechart.errors import ChartDefinitionError

AnyMachine = Any
"""A `statechart.engine.machines.machine.Machine`, which imports this."""


def initial_state(chart: type[Any], at: datetime | None, model: object, subject: str | None = None) -> Any:
    """Return the state of a new value, without hooks; see `Chart.initial`.

    Args:
        chart: The chart.
        at: The moment by which timers begin; by default now.
        model: The value.
        subject: The name in messages.
    """
    form: Form | None = getattr(chart, "_form", None)
    if form is None:
        return next(state.value for state in chart.states if state.initial)
    table: Any = vars(chart)["_table"]
    active = table.beginning().configuration
    at = at or now()
    name = subject or str(getattr(model, "name", None) or chart.__name__)
    timers = {
        alarm.name: alarm.deadline(at, model, name)
        for alarm in chart._alarms.values()
        if active >> form.number(alarm.state) & 1
    }
    return form.state(Standing(active, {}, timers))


def configured(chart: type[Any], states: Iterable[object]) -> Configuration:
    """Return the configuration in which some states are active; see `Configuration.of`."""
    form: Form | None = getattr(chart, "_form", None)
    if form is None or form.is_plain:
        raise ChartDefinitionError(
            f"{chart.__name__} has one state at a time, and no timers: its values have no configuration"
        )
    table: Any = vars(chart)["_table"]
    numbers = [form.number(state) for state in states] or table.starts
    found: Configuration = form.state(Standing(form.entered(numbers), {}, {}))
    return found


def is_active(machine: AnyMachine, state: object) -> bool:
    """Return whether a state of a machine is active; see `Chart.active`."""
    form: Form | None = getattr(type(machine), "_form", None)
    if form is None:
        wanted = getattr(state, "value", state)
        machine.check_state(wanted)
        return any(wanted == each.value for each in machine.configuration)
    return bool(standing_of(machine).active >> form.number(state) & 1)


def due_timers(chart: type[Any], state: object, at: datetime) -> tuple[Due, ...]:
    """Return the timers of a value in a state that are due at a moment, the earliest first."""
    form: Form | None = getattr(chart, "_form", None)
    if form is None or form.is_plain:
        return ()
    return due_of(chart._alarms, form.read(state).timers, at)
