"""The failure of a command."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel

from environments.model.command_name import CommandName
from environments.model.fields.failure_cause import FailureCause as FailureCause
from statechart.utc import UtcDatetime

STEPS_DONE = "steps done:"
"""The heading of the finished steps in a trace."""


class Failure(BaseModel, frozen=True, extra="forbid"):
    """The failure of a command, with its step and cause.

    `duration` comes from a monotonic clock; `started_at` and `failed_at` come from the wall clock,
    which may have been set back between them. `trace_file` is relative to the environment's directory.
    """

    command: CommandName
    step: str
    cause: FailureCause
    summary: str
    started_at: UtcDatetime
    failed_at: UtcDatetime
    duration: timedelta
    trace_id: str
    trace_file: str | None = None
