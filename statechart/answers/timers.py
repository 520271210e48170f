"""Timers as documents: those that run, and what became of those that were due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from statechart.answers.values import iso, unreadable_documents
from statechart.stored.damage import Damaged

if TYPE_CHECKING:
    from statechart.engine.declaration.timers import Due
    from statechart.errors import StatechartError
    from statechart.stored.timers.outcome import TimerOutcome
    from statechart.terminal.settings import Spells


def timers_document(
    found: Iterable[tuple[str, Due]],
    damaged: Mapping[str, StatechartError],
    now: datetime,
    spelling: Spells,
) -> dict[str, object]:
    """Return timers with their names as JSON, with the errors of the values that can't be read."""
    return {
        "timers": [
            {
                "name": name,
                "timer": each.timer,
                "event": each.event,
                "at": iso(each.at),
                "is_due": each.at <= now,
            }
            for name, each in found
        ],
        "unreadable": unreadable_documents((Damaged(*each) for each in damaged.items()), spelling),
    }


def running_document(outcome: TimerOutcome) -> str:
    """Return the outcome of a timer as a line of JSON; times are in seconds."""
    return outcome.model_dump_json(exclude_none=True)
