"""Explain the macrosteps of histories by the transitions of a chart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from statechart.configuration import JOINED
from statechart.storage.chain import LAPSED, TRANSITION
from statechart.testing.coverage.texts import edge_item, history_item, timer_item
from statechart.testing.nested.edges import told_of

if TYPE_CHECKING:
    from statechart.storage.record import Record
    from statechart.testing.nested.outline import Outline

_Step = tuple[str | None, tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Macrostep:
    """A recorded event, with all that its record says.

    Attributes:
        history: What each history state remembered before.
        timers: The timers that ran before.
        steps: The microsteps: event, exited and entered states; none for a flat chart.
        timer: The timer that fired it, or None.
    """

    source: str
    event: str
    target: str
    history: tuple[tuple[str, tuple[str, ...]], ...] = ()
    timers: tuple[str, ...] = ()
    steps: tuple[_Step, ...] = ()
    timer: str | None = None
    lapsed: bool = False


def macrosteps(records: Iterator[Record]) -> Iterator[Macrostep]:
    """Yield the macrosteps of a history."""
    state: object = None
    for record in records:
        found = _macrostep(record, state if isinstance(state, dict) else {})
        if found is not None:
            yield found
        if record.value is not None:
            state = record.value.get("state")


def _macrostep(record: Record, before: Mapping[str, Any]) -> Macrostep | None:
    data: Mapping[str, Any] = record.data
    lapsed = record.type == LAPSED
    ends = data.get("from_state"), data.get("event"), data.get("from_state" if lapsed else "to_state")
    if record.type not in (TRANSITION, LAPSED) or not all(isinstance(part, str) for part in ends):
        return None
    source, event, target = map(str, ends)
    timer = data.get("timer")
    return Macrostep(
        source,
        event,
        target,
        history=tuple((name, tuple(states)) for name, states in before.get("history", {}).items()),
        timers=tuple(before.get("timers", {})),
        steps=tuple(_steps(data.get("steps"))),
        timer=timer if isinstance(timer, str) else None,
        lapsed=lapsed,
    )


def _steps(said: object) -> Iterator[_Step]:
    for step in said if isinstance(said, list) else ():
        if isinstance(step, dict):
            event = step.get("event")
            exited, entered = (tuple(map(str, step.get(key) or ())) for key in ("exited", "entered"))
            yield None if event is None else str(event), exited, entered


def explained(taken: Macrostep, outline: Outline | None) -> Iterator[str]:
    """Yield the items of a macrostep: its transitions, history states and timers.

    What today's chart can't explain is told as a transition of its own, such as
    `awaiting + packing --expire--> expired`.
    """
    if taken.lapsed:
        return
    whole = edge_item(taken.source, taken.event, taken.target)
    if outline is None or not taken.steps:
        yield whole
        return
    if taken.timer is not None:
        yield timer_item(taken.timer, "fired")
    left = {text for _, exited, _ in taken.steps for text in exited}
    for timer in taken.timers:
        if timer != taken.timer and timer.rpartition(".")[0] in left:
            yield timer_item(timer, "cancelled")
    yield from _by_steps(taken, outline, whole)


def _by_steps(taken: Macrostep, outline: Outline, whole: str) -> Iterator[str]:
    active = outline.active(taken.source.split(JOINED))
    history = {
        outline.numbers[name]: sum(1 << outline.numbers[text] for text in states if text in outline.numbers)
        for name, states in taken.history
        if name in outline.numbers
    }
    for event, exited, entered in taken.steps:
        found = outline.explain(active, history, event, set(exited), set(entered))
        if found is None:
            yield whole
            return
        ways, plan = found
        for way in ways:
            yield edge_item(*told_of(outline, way, event))
        for memory, remembered in plan.recalled.items():
            yield history_item(outline.text(memory), remembered)
        active, history = plan.configuration, {**history, **plan.remembered}
