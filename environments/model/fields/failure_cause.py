"""The kinds of cause of a failure."""

from __future__ import annotations

from enum import StrEnum


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
