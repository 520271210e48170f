"""The failure of a command."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel

from environments.model.command_name import CommandName
from statechart.utc import UtcDatetime

STEPS_DONE = "steps done:"
"""The heading of the finished steps in a trace."""


class FailureCause(StrEnum):
    """The kind of cause of a failure, which tells people where to look first."""

    TEMPLATE_RENDERING = "template_rendering"
    INFRASTRUCTURE = "infrastructure"
    NETWORK = "network"
    AUTHENTICATION = "authentication"
    COMMAND_EXECUTION = "command_execution"
    TIMEOUT = "timeout"
    FILE_SYSTEM = "file_system"
    CONFIGURATION = "configuration"
    PERSISTENCE = "persistence"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"


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
