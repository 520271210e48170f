"""Outcomes of timers that were due."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, computed_field

from statechart.utc import UtcDatetime


class TimerOutcome(BaseModel, frozen=True, extra="forbid", ser_json_timedelta="float"):
    """The outcome of a timer that was due, or the reason why a name could not be attempted.

    Attributes:
        status: `fired`; `lapsed`, if nothing took the event; `failed`, if it raised an error; `locked`, if
            another process has the name; `damaged`, if the value can't be read; `unsaved`, if a transition
            could not be committed; or `away` and `back`, of a store that can't be read for a while.
        name: The name in the store; empty of a store that is away.
        timer: The name of the timer; empty if the name could not be attempted.
        event: The event of the timer, likewise.
        due: The deadline.
        at: The moment at which it was fired, as its record has it.
        from_state: The state before.
        to_state: The state after.
        error: The reason why it was not fired.
        retry: The time until the next attempt.
    """

    status: Literal["fired", "lapsed", "failed", "locked", "damaged", "unsaved", "away", "back"]
    name: str = ""
    timer: str = ""
    event: str = ""
    due: UtcDatetime | None = None
    at: UtcDatetime | None = None
    from_state: str | None = None
    to_state: str | None = None
    error: str | None = None
    retry: timedelta | None = None

    @computed_field  # type: ignore[prop-decorator]  # of mypy, which knows no decorated property
    @property
    def late(self) -> timedelta | None:
        """The time between the deadline and the firing."""
        return None if self.due is None or self.at is None else self.at - self.due
