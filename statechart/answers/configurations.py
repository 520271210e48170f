"""Configurations: the active states of a value, its timers, and the microsteps that led there, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from statechart.configuration import JOINED, Configuration
from statechart.engine.nested.beginning import due_timers
from statechart.graph import failures
from statechart.terminal.text import until, when
from statechart.tree import every_state
from statechart.wording import listed, state_text

if TYPE_CHECKING:
    from statechart.chart import Chart
    from statechart.engine.declaration.timers import Due
    from statechart.storage.record import Record

ALWAYS = "always"
"""The word for the event of a transition that has none."""

_EVER = datetime.max.replace(tzinfo=UTC)


def active_in(chart: type[Chart], text: str) -> frozenset[str]:
    """Return the states that are active, by the text of a state: those around others, too."""
    if not chart._holds_configuration:
        return frozenset((text,))
    found = set(text.split(JOINED))
    for state in every_state(chart):
        if state_text(state.value) in found:
            found |= {state_text(around.value) for around in state.ancestors()}
    return frozenset(found)


def is_failed(chart: type[Chart], text: str) -> bool:
    """Return whether a state that the chart declares as a failure is active, by the text of a state."""
    return not active_in(chart, text).isdisjoint(failures(chart))


def timers_of(chart: type[Chart], state: object) -> tuple[Due, ...]:
    """Return the timers that run in the state of a value, the earliest first."""
    return due_timers(chart, state, _EVER)


def timer_rows(timers: tuple[Due, ...], now: datetime) -> list[tuple[str, str]]:
    """Return each timer with its deadline, in words."""
    return [(each.timer, timer_text(each, now)) for each in timers]


def timer_text(timer: Due, now: datetime) -> str:
    """Return the deadline of a timer in words."""
    if timer.at <= now:
        return f"{timer.event} is due since {when(timer.at)}"
    return f"{timer.event} at {when(timer.at)} ({until(timer.at, now)})"


def configuration_rows(chart: type[Chart], state: object) -> list[tuple[str, str]]:
    """Return what a state remembers, and its timers with their deadlines, in words."""
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
    document: dict[str, Any] = {"state": text_of(state)}
    if isinstance(state, Configuration):
        return {**document, "configuration": state.model_dump(mode="json")}
    return {**document, "configuration": dict(state)} if isinstance(state, Mapping) else document


def text_of(state: object) -> str:
    """Return the text of a state, given as an object or as the JSON of a record."""
    if isinstance(state, Mapping):
        active = state.get("active")
        if isinstance(active, (list, tuple)):
            return JOINED.join(map(str, active))
    return state_text(state)


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
