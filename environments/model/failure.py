"""Failure: what went wrong, where, and why."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel

from environments.model.command_name import CommandName
from statechart.utc import UtcDatetime


class FailureCause(StrEnum):
    """The kind of reason for a failure: it decides what a person looks at first."""

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
    """What went wrong in a command.

    `duration` comes from a monotonic clock; `started_at` and `failed_at` are what the wall clock
    said, and need not ascend. `trace_file` is relative to the environment's directory.
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
