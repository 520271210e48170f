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


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The world as it was found, to be held against what is on record.

    Attributes:
        resources: Whether what provision makes is there.
        service: How the service was found.
        serving: The release that the service runs, or None when that can't be seen.
        detail: One line for people.
    """

    resources: bool
    service: ServiceState
    serving: str | None = None
    detail: str = ""
