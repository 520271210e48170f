"""A provider's observation of an environment's resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class ServiceState(StrEnum):
    """The observed state of a service."""

    UP = "up"
    DOWN = "down"
    UNHEALTHY = "unhealthy"
    FOREIGN = "foreign"
    """Another process answered on the service's port."""
    UNKNOWN = "unknown"
    """The host could not be observed."""


class HostState(StrEnum):
    """The observed state of a host."""

    UP = "up"
    HALF_DEAD = "half_dead"
    """The host exists, but its SSH server does not run."""
    UNREACHABLE = "unreachable"
    STRANGE = "strange"
    """The host shows another key than the pinned key, or does not accept ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The observed resources, to be compared with the record.

    Attributes:
        resources: Whether the resources of provision exist.
        service: The state of the service.
        serving: The release that the service runs, or None if that is unknown.
        detail: One line for people about the service's problem or health.
        host: The state of the host, if there is a host.
        altered: Resources that were changed since their tool created them, a line each.
        configuration: Differences from the declared configuration, a line each.
        variables: Files of the service's variables that the next run writes again, a line each.
        damage: The damage of the installed release, a line, or an empty string.
        unseen: Parts that could not be observed, each with the reason, a line each.
    """

    resources: bool
    service: ServiceState
    serving: str | None = None
    detail: str = ""
    host: HostState = HostState.UP
    altered: tuple[str, ...] = ()
    configuration: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    damage: str = ""
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """The directory of an application, with the name that a release of its present content has.

    `entries` has a digest of each file, by relative name, if the provider tells.
    """

    directory: Path
    release: str
    entries: Mapping[str, str] | None = field(default=None, compare=False, repr=False)
