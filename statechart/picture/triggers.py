"""The words for what causes a transition: its events with their timers, or the reason that it has none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from statechart.picture.values import Trigger, printable
from statechart.tree import within

if TYPE_CHECKING:
    from statemachine import Event, State
    from statemachine.transition import Transition

    from statechart.engine.declaration.timers import Alarm, Delay
    from statechart.graph import AnyChart

ALWAYS, DEFAULT, DONE = "(always)", "(default)", "(done)"
_DONE = "done.state."
_DELAYED = "after_"
_UNITS = (("day", 86_400), ("h", 3_600), ("min", 60))


def trigger_of(transition: Transition, *, is_default: bool) -> Trigger:
    """Return the cause of a transition."""
    if is_default:
        return "default"
    if transition.is_eventless:
        return "always"
    return "done" if any(event.id.startswith(_DONE) for event in transition.events) else "event"


def names_of(chart: AnyChart, transition: Transition, trigger: Trigger) -> tuple[str, ...]:
    """Return the names of a transition's events with their timers, or the words for having none."""
    if trigger in ("always", "default"):
        return (ALWAYS if trigger == "always" else DEFAULT,)
    return tuple(_name(chart, transition, event) for event in declared_events(transition))


def declared_events(transition: Transition) -> list[Event]:
    """Return the events of a transition, each once."""
    # Declared as an attribute, a done event has a second name, which stands for the same.
    aliases = {event.id.replace(".", "_") for event in transition.events if event.id.startswith(_DONE)}
    return [event for event in transition.events if event.id not in aliases]


def is_timed(chart: AnyChart, transition: Transition) -> bool:
    """Return whether a timer fires an event of a transition where the transition may be taken."""
    return any(True for event in transition.events for _ in _timers(chart, transition, event))


def name_of(named: State | Event) -> str:
    """Return the name of a state or an event for people."""
    return printable(str(named.name)) or printable(named.id)


def _name(chart: AnyChart, transition: Transition, event: Event) -> str:
    if event.id.startswith(_DONE):
        done = event.id.removeprefix(_DONE)
        return DONE if done == transition.source.id else f"({printable(done)} done)"
    timers = " or ".join(_timers(chart, transition, event))
    if timers and event.internal and event.id.startswith(_DELAYED):
        return f"after {timers}"  # the event of a document's delay, which has no name there
    raised = " (raised)" if event.internal else ""
    return name_of(event) + raised + (f" after {timers}" if timers else "")


def _timers(chart: AnyChart, transition: Transition, event: Event) -> Iterator[str]:
    source = transition.source
    alarms: Iterable[Alarm] = getattr(chart, "_alarms", {}).values()
    for alarm in alarms:
        if alarm.event != event.id:
            continue
        delay = printable(delay_text(alarm.after))
        if alarm.state is source:
            yield delay
        elif _reaches(alarm, source):
            yield f"{delay} in {name_of(alarm.state)}"


def _reaches(alarm: Alarm, source: State) -> bool:
    """Return whether a timer of one state may take a transition from another, within it or around it."""
    if any(state is source for state in within(alarm.state)):
        return True
    takes_itself = any(
        way.match(alarm.event) and not list(way.cond) for way in alarm.state.transitions if not way.initial
    )
    return not takes_itself and any(state is alarm.state for state in within(source))


def delay_text(after: Delay) -> str:
    """Return a delay as text, such as `1 h 30 min`, or the name of the function that gives it."""
    if not isinstance(after, timedelta):
        name = getattr(after, "__name__", "")
        return f"{name}()" if name.isidentifier() else "a computed time"
    rest = after.total_seconds()
    parts = []
    for unit, seconds in _UNITS:
        count, rest = divmod(rest, seconds)
        if count:
            parts.append(f"{count:.0f} {unit}{'s' if unit == 'day' and count > 1 else ''}")
    if rest or not parts:
        parts.append(f"{rest:g} s")
    return " ".join(parts)
