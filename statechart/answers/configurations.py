"""Configurations: the active states of a value, its timers, and the microsteps that led there, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from statechart.configuration import JOINED, Configuration, active_in, recorded_text
from statechart.engine.declaration.timers import Due
from statechart.graph import failures
from statechart.terminal.text import until, when
from statechart.wording import listed

if TYPE_CHECKING:
    from statechart.chart import Chart
    from statechart.storage.record import Record

ALWAYS = "always"
"""The word for the event of a transition that has none."""


def is_failed(chart: type[Chart], text: str) -> bool:
    """Return whether a state that the chart declares as a failure is active, by the text of a state."""
    return not active_in(chart, text).isdisjoint(failures(chart))


def timers_of(chart: type[Chart], state: object) -> tuple[Due, ...]:
    """Return the timers that run in the state of a value, the earliest first.

    The state may be one that the chart does not have today.
    """
    if not isinstance(state, Configuration):
        return ()
    alarms = chart._alarms
    found = (
        Due(name, alarms[name].event if name in alarms else name.rpartition(".")[2], at)
        for name, at in state.timers.items()
    )
    return tuple(sorted(found, key=lambda each: (each.at, each.timer)))


def timer_rows(timers: tuple[Due, ...], now: datetime) -> list[tuple[str, str]]:
    """Return each timer with its deadline, in words."""
    return [(each.timer, timer_text(each, now)) for each in timers]


def timer_text(timer: Due, now: datetime) -> str:
    """Return the deadline of a timer in words."""
    if timer.at <= now:
        return f"{timer.event} is due since {when(timer.at)}"
    return f"{timer.event} at {when(timer.at)} ({until(timer.at, now)})"


def configuration_rows(chart: type[Chart], state: object) -> list[tuple[str, str]]:
    """Return the remembered states of a configuration, and its timers with their deadlines, in words."""
    if not isinstance(state, Configuration):
        return []
    remembered = [(memory, f"remembers {JOINED.join(states)}") for memory, states in state.history.items()]
    return remembered + [
        (each.timer, f"{each.event} at {when(each.at)}") for each in timers_of(chart, state)
    ]


def timers_document(timers: tuple[Due, ...]) -> list[dict[str, str]]:
    """Return timers as JSON."""
    return [
        {"timer": each.timer, "event": each.event, "at": each.at.isoformat().replace("+00:00", "Z")}
        for each in timers
    ]


def configured(state: object) -> dict[str, Any]:  # Any: JSON
    """Return the state of a value as members of a JSON object: the text, and a configuration as it is."""
    document: dict[str, Any] = {"state": recorded_text(state)}
    if isinstance(state, Configuration):
        return {**document, "configuration": state.model_dump(mode="json")}
    return {**document, "configuration": dict(state)} if isinstance(state, Mapping) else document


def step_lines(record: Record) -> Iterator[str]:
    """Yield a line for each microstep of a record, if it has several."""
    steps: Any = record.data.get("steps") or ()
    if len(steps) > 1:
        for step in steps:
            yield step_text(step.get("event"), step.get("exited") or (), step.get("entered") or ())


def step_text(event: object, exited: Any, entered: Any) -> str:  # Any: JSON
    """Return a microstep in words."""
    parts = [f"left {listed(exited)}"] if exited else []
    parts += [f"entered {listed(entered)}"] if entered else []
    return f"{ALWAYS if event is None else event}: {'; '.join(parts) or 'left and entered nothing'}"
