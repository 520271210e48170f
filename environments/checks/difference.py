"""The differences of an environment from its declaration, its record and the chart."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from environments.model.command_name import CommandName


class DriftKind(StrEnum):
    """The kinds of difference, by severity.

    The last four stand for a declaration that a command has not applied yet.
    """

    HOST_GONE = "host_gone"
    HOST_HALF_DEAD = "host_half_dead"
    HOST_UNREACHABLE = "host_unreachable"
    HOST_STRANGE = "host_strange"
    RESOURCES_LEFT = "resources_left"
    RESOURCE_ALTERED = "resource_altered"
    CONFIGURATION_CHANGED = "configuration_changed"
    RELEASE_DAMAGED = "release_damaged"
    SERVICE_DOWN = "service_down"
    SERVICE_UNHEALTHY = "service_unhealthy"
    SERVICE_FOREIGN = "service_foreign"
    SERVICE_UP = "service_up"
    OTHER_RELEASE = "other_release"
    PROVISION_OUTDATED = "provision_outdated"
    CONFIGURE_OUTDATED = "configure_outdated"
    RELEASE_OUTDATED = "release_outdated"
    RUN_OUTDATED = "run_outdated"

    @property
    def is_declared(self) -> bool:
        """Whether the difference is between the declaration and the record, not the world."""
        return self in OUTDATED.values()


OUTDATED = {
    CommandName.PROVISION: DriftKind.PROVISION_OUTDATED,
    CommandName.CONFIGURE: DriftKind.CONFIGURE_OUTDATED,
    CommandName.RELEASE: DriftKind.RELEASE_OUTDATED,
    CommandName.RUN: DriftKind.RUN_OUTDATED,
}
"""The kinds of difference between the declaration and the record, by the command that applies it."""

IN_THE_WAY = {
    DriftKind.HOST_GONE,
    DriftKind.HOST_HALF_DEAD,
    DriftKind.HOST_UNREACHABLE,
    DriftKind.HOST_STRANGE,
}
"""The kinds of difference that no command but destroy can end."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between the declaration, the record and the world.

    Attributes:
        kind: The kind of difference.
        what: A line for people.
        event: The event of the lifecycle that would record the difference, or None.
        then: The command to run next, as typed, or None if a person has to decide.
        mends: The command of the lifecycle that ends the difference, or None.
    """

    kind: DriftKind
    what: str
    event: str | None = None
    then: str | None = None
    mends: CommandName | None = None
