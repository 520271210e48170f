"""JSON: a chart with its marks, for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from statechart.engine.table import Node, Table, Way
from statechart.graph import events, failures, guard_reason, phases
from statechart.picture import Marks
from statechart.picture.triggers import declared_events, delay_text
from statechart.tree import is_nested
from statechart.wording import state_text

if TYPE_CHECKING:
    from statemachine import Event

    from statechart.engine.declaration.timers import Alarm
    from statechart.graph import AnyChart


def json_document(chart: AnyChart, marks: Marks) -> str:
    """Return the chart's states, events, guards and transitions as JSON, with the marks.

    The document of a chart with states within states tells their kinds, parents and initial states. A
    transition without an event has None, and `targets` has all targets of a transition.
    """
    table = Table(chart)
    nested, alarms = is_nested(chart), getattr(chart, "_alarms", {})
    transitions = list(_transitions(table, nested=nested))
    guards = sorted({guard for way in transitions for guard in way["guards"]})  # type: ignore[attr-defined]
    document = {
        "chart": chart.__name__,
        "states": list(_states(chart, table, nested=nested)),
        "events": list(events(chart)),
        "guards": {guard: guard_reason(chart, guard) for guard in guards},
        "transitions": transitions,
        **({"timers": [_timer(alarm) for alarm in alarms.values()]} if alarms else {}),
        "marks": {
            "current": marks.current,
            "failed": marks.failed,
            "remark": marks.remark,
            "visits": [
                {"source": v.source, "event": v.event, "target": v.target, "label": v.label}
                for v in marks.visits
            ],
        },
    }
    # Half a surrogate pair is no Unicode: its escape in Python is the one of JSON.
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode() + "\n"


def _states(chart: AnyChart, table: Table, *, nested: bool) -> Iterator[Mapping[str, object]]:
    home = {member: phase for phase, members in phases(chart).items() for member in members}
    for node in table.nodes:
        name = _text(table, node.number)
        yield {
            "name": name,
            "initial": node.state.initial,
            "final": node.state.final,
            "failure": name in failures(chart),
            "phase": home.get(name),
            **(_place(table, node) if nested else {}),
        }


def _place(table: Table, node: Node) -> Mapping[str, object]:
    return {
        "kind": node.kind.name.lower(),
        "parent": _text(table, node.ancestors[0]) if node.ancestors else None,
        "opens": [_text(table, number) for number in node.initial],
    }


def _transitions(table: Table, *, nested: bool) -> Iterator[Mapping[str, object]]:
    for node in table.nodes:
        for way in node.ways:
            found: list[Event | None] = [*declared_events(way.transition)]
            for event in found or [None]:
                yield {
                    "event": event and event.id,
                    "source": _text(table, node.number),
                    "target": _text(table, way.targets[0]) if way.targets else None,
                    "guards": [str(guard) for guard in way.transition.cond],
                    **(_reach(table, way) if nested else {}),
                }


def _reach(table: Table, way: Way) -> Mapping[str, object]:
    return {
        "targets": [_text(table, target) for target in way.targets],
        "internal": bool(way.transition.internal),
    }


def _timer(alarm: Alarm) -> Mapping[str, object]:
    after = alarm.after
    return {
        "name": alarm.name,
        "state": alarm.owner,
        "event": alarm.event,
        "after": after.total_seconds() if isinstance(after, timedelta) else delay_text(after),
    }


def _text(table: Table, number: int) -> str:
    return state_text(table.nodes[number].state.value)
