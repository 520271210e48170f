"""Observation: what a provider found when it looked at the real thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ServiceState(StrEnum):
    """How the service of an environment was found."""

    UP = "up"
    DOWN = "down"
    UNHEALTHY = "unhealthy"
    FOREIGN = "foreign"
    """Its port was answered by somebody else."""
    UNKNOWN = "unknown"
    """Its host could not be looked at."""


class HostState(StrEnum):
    """How the host of an environment was found."""

    UP = "up"
    HALF_DEAD = "half_dead"
    """It is there, and what should let us in does not run."""
    UNREACHABLE = "unreachable"
    STRANGE = "strange"
    """It shows another key than the pinned one, or does not let ours in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The world as it was found, to be held against what is on record.

    Attributes:
        resources: Whether what provision makes is there.
        service: How the service was found.
        serving: The release that the service runs, or None when that can't be seen.
        detail: One line for people about what is not as it should be, or how well it is.
        host: How the host was found, where there is one.
        altered: Resources that are not as the tool that made them left them, a line each.
        configuration: What of the configuration is not as it was declared, a line each.
        unseen: What could not be looked at, and why, a line each.
    """

    resources: bool
    service: ServiceState
    serving: str | None = None
    detail: str = ""
    host: HostState = HostState.UP
    altered: tuple[str, ...] = ()
    configuration: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
