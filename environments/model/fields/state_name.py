"""The names of the states."""

from __future__ import annotations

from enum import StrEnum


class EnvironmentState(StrEnum):
    """The names of the states, on disk, in diagrams and in messages."""

    CREATED = "created"
    PROVISIONING = "provisioning"
    PROVISIONED = "provisioned"
    CONFIGURING = "configuring"
    CONFIGURED = "configured"
    RELEASING = "releasing"
    RELEASED = "released"
    RUNNING = "running"
    DESTROYED = "destroyed"
    PROVISION_FAILED = "provision_failed"
    CONFIGURE_FAILED = "configure_failed"
    RELEASE_FAILED = "release_failed"
    RUN_FAILED = "run_failed"

    @property
    def is_error(self) -> bool:
        """Whether the state is failed."""
        return self.value.endswith("_failed")

    @property
    def is_success(self) -> bool:
        """Whether the state is not failed."""
        return not self.is_error

    @property
    def is_in_progress(self) -> bool:
        """Whether a command is working: provisioning, configuring or releasing."""
        # "running" ends like the states in progress.
        return self.value.endswith("ing") and self is not EnvironmentState.RUNNING

    @property
    def is_terminal(self) -> bool:
        """Whether the path has ended: running, destroyed, or failed."""
        return self.is_error or self in (EnvironmentState.RUNNING, EnvironmentState.DESTROYED)

    @property
    def is_final(self) -> bool:
        """Whether no event is allowed any more."""
        return self is EnvironmentState.DESTROYED
