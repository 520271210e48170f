"""An environment in each of the thirteen states, for the other files."""

from __future__ import annotations

from dataclasses import dataclass

from environments import (
    Configured,
    ConfigureFailed,
    Configuring,
    Created,
    Destroyed,
    Environment,
    Provisioned,
    ProvisionFailed,
    Provisioning,
    Released,
    ReleaseFailed,
    Releasing,
    RunFailed,
    Running,
)


@dataclass
class Each:
    created: Environment[Created]
    provisioning: Environment[Provisioning]
    provisioned: Environment[Provisioned]
    configuring: Environment[Configuring]
    configured: Environment[Configured]
    releasing: Environment[Releasing]
    released: Environment[Released]
    running: Environment[Running]
    destroyed: Environment[Destroyed]
    provision_failed: Environment[ProvisionFailed]
    configure_failed: Environment[ConfigureFailed]
    release_failed: Environment[ReleaseFailed]
    run_failed: Environment[RunFailed]
