"""Rows: the summary of each value of a chart, ready to be searched, filtered and ordered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from statechart.configuration import active_in
from statechart.graph import failures
from statechart.tree import every_state
from statechart.wording import counted, state_text

if TYPE_CHECKING:
    from statechart.chart import Chart
    from statechart.engine.declaration.timers import Due
    from statechart.holder import Holder
    from statechart.stored.damage import Damaged
    from statechart.stored.effects import DueEffect
    from statechart.stored.reading.listing import Summary

FAILED: Final = "failed"
UNREADABLE: Final = "unreadable"
EFFECTS: Final = "effects"
UNDER_WAY: Final = "under-way"
IN_PROGRESS: Final = "in-progress"
FINAL: Final = "final"

GROUPS: Final = (FAILED, UNREADABLE, EFFECTS, UNDER_WAY, IN_PROGRESS, FINAL)
"""The classes of values: what needs a person comes first."""


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes of a chart's states.

    Attributes:
        failures: The states that the chart declares as failures.
        finals: The states that no event leaves.
        chart: The chart.
    """

    failures: frozenset[str]
    finals: frozenset[str]
    chart: type[Chart]
    _known: dict[str, frozenset[str]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, chart: type[Chart]) -> Classes:
        """Return the classes of a chart's states."""
        finals = frozenset(state_text(state.value) for state in chart.states if state.final)
        return cls(frozenset(failures(chart)), finals, chart)

    def active(self, state: str) -> str | tuple[str, ...]:
        """Return the states to find a value by: the state, or all that are active and the text of them."""
        if not self.chart._holds_configuration:
            return state
        found = self._active(state)
        named = (state_text(each.value) for each in every_state(self.chart))
        return tuple(dict.fromkeys([*(name for name in named if name in found), state]))

    def _active(self, state: str) -> frozenset[str]:
        """Return the active states; thousands of values share a few texts."""
        found = self._known.get(state)
        if found is None:
            found = self._known[state] = active_in(self.chart, state)
        return found

    def group_of(self, state: str, *, due: bool = False, held: bool = False) -> str:
        """Return the group of a value by its state, the effects that are due, and whether it is held."""
        if not self.failures.isdisjoint(self._active(state)):
            return FAILED
        if due or held:
            return EFFECTS if due else UNDER_WAY
        return FINAL if state in self.finals else IN_PROGRESS


@dataclass(frozen=True, slots=True)
class ValueRow:
    """A value in the overview.

    Attributes:
        note: What needs a person: the error, the effects that are due, or the holder.
        summary: The value, or None if it can't be read.
        damage: The value that can't be read, or None.
        due: The number of effects that are due.
        tried: The number of these that have failed.
        timers: The timers that run, the earliest first.
    """

    name: str
    group: str
    rank: tuple[int, int]
    since: float
    words: str
    facets: Mapping[str, str | tuple[str, ...]]
    note: str = ""
    summary: Summary | None = None
    damage: Damaged | None = None
    due: int = 0
    tried: int = 0
    timers: tuple[Due, ...] = ()

    @property
    def state(self) -> str:
        """The text of the state, or `unreadable`."""
        return self.summary.state if self.summary is not None else UNREADABLE


def row_of(
    summary: Summary,
    classes: Classes,
    due: Sequence[DueEffect] = (),
    holder: Holder | None = None,
    timers: tuple[Due, ...] = (),
) -> ValueRow:
    """Return the row of a value."""
    group = classes.group_of(summary.state, due=bool(due), held=holder is not None)
    tried = sum(each.attempts > 0 for each in due)
    notes = [_due_note(due)] if due else []
    notes += [f"held by {holder.describe()}"] if holder is not None else []
    note = "; ".join(notes)
    active = classes.active(summary.state)
    states = active if isinstance(active, str) else " ".join(active)
    events = (f"{each.timer} {each.event}" for each in timers)
    words = (summary.name, states, group.replace("-", " "), summary.actor, note, *events)
    return ValueRow(
        name=summary.name,
        group=group,
        rank=(GROUPS.index(group), 0 if tried else 1),
        since=summary.since.timestamp(),
        words=" ".join(words).casefold(),
        facets={"state": active},
        note=note,
        summary=summary,
        due=len(due),
        tried=tried,
        timers=timers,
    )


def unreadable_row(damage: Damaged) -> ValueRow:
    """Return the row of a value that can't be read."""
    note = str(damage.error)
    return ValueRow(
        name=damage.name,
        group=UNREADABLE,
        rank=(GROUPS.index(UNREADABLE), 0),
        since=0.0,
        words=f"{damage.name} {UNREADABLE} {note}".casefold(),
        facets={},
        note=note,
        damage=damage,
    )


def _due_note(due: Sequence[DueEffect]) -> str:
    failed = next((each for each in due if each.attempts), None)
    if failed is not None:
        return f"{failed.effect} failed {counted(failed.attempts, 'time')}: {failed.error}"
    return f"{due[0].effect} is due" if len(due) == 1 else f"{counted(len(due), 'effect')} are due"
