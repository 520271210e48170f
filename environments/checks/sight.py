"""The differences between a record, as a model or as it is stored, and an observation of the world."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from environments.checks.difference import DriftKind
from environments.model.command_name import CommandName
from environments.model.fields.state_name import EnvironmentState
from environments.model.observation import HostState, Observation, ServiceState

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.stored import StoredEnvironment

    Recorded: TypeAlias = AnyEnvironment | StoredEnvironment

# The states that are reached only after provision has succeeded.
_HOSTED = {
    EnvironmentState.PROVISIONED,
    EnvironmentState.CONFIGURING,
    EnvironmentState.CONFIGURED,
    EnvironmentState.RELEASING,
    EnvironmentState.RELEASED,
    EnvironmentState.RUNNING,
    EnvironmentState.CONFIGURE_FAILED,
    EnvironmentState.RELEASE_FAILED,
    EnvironmentState.RUN_FAILED,
}
_CONFIGURED = _HOSTED - {
    EnvironmentState.PROVISIONED,
    EnvironmentState.CONFIGURING,
    EnvironmentState.CONFIGURE_FAILED,
}
_RELEASED = {EnvironmentState.RELEASED, EnvironmentState.RUNNING, EnvironmentState.RUN_FAILED}
_EMPTY = {EnvironmentState.CREATED, EnvironmentState.DESTROYED}

_HOST: dict[HostState, DriftKind] = {
    HostState.HALF_DEAD: DriftKind.HOST_HALF_DEAD,
    HostState.UNREACHABLE: DriftKind.HOST_UNREACHABLE,
    HostState.STRANGE: DriftKind.HOST_STRANGE,
}
SERVICE: dict[ServiceState, DriftKind] = {
    ServiceState.DOWN: DriftKind.SERVICE_DOWN,
    ServiceState.UNHEALTHY: DriftKind.SERVICE_UNHEALTHY,
    ServiceState.FOREIGN: DriftKind.SERVICE_FOREIGN,
}


class Found(NamedTuple):
    """A kind of difference with its line, and the command that mends it, unless it is the usual command."""

    kind: DriftKind
    what: str
    mends: CommandName | None = None


def differences(environment: Recorded, found: Observation) -> Iterator[Found]:
    """Yield the differences between a record and an observation, sorted by severity. Pure."""
    state = environment.state.name
    if state in _EMPTY:
        if found.resources or found.service is ServiceState.UP:
            line = f"recorded as {state}, but resources exist: {found.detail}"
            yield Found(DriftKind.RESOURCES_LEFT, line)
        return
    if state not in _HOSTED:  # provisioning has begun or failed: any part may be missing
        return
    if not found.resources:
        yield Found(DriftKind.HOST_GONE, found.detail or "the provisioned resources are gone")
    elif found.host in _HOST:
        yield Found(_HOST[found.host], found.detail)
    for line in found.altered:
        yield Found(DriftKind.RESOURCE_ALTERED, line)
    # Without its host, nothing is known of the service.
    if found.resources and found.host is HostState.UP:
        yield from _service(environment, found)
    if state in _CONFIGURED:
        for line in found.configuration:
            yield Found(DriftKind.CONFIGURATION_CHANGED, line)
        for line in found.variables:
            yield Found(DriftKind.CONFIGURATION_CHANGED, line, CommandName.RUN)


def _service(environment: Recorded, found: Observation) -> Iterator[Found]:
    """Compare the recorded service and release with those observed."""
    if found.damage and environment.state.name in _RELEASED:
        yield Found(DriftKind.RELEASE_DAMAGED, found.damage)
    recorded = environment.outputs.serving
    if environment.state.name == EnvironmentState.RUN_FAILED:
        if found.service is ServiceState.UP and found.serving == environment.outputs.release:
            yield Found(DriftKind.SERVICE_UP, f"release {found.serving} is up: {found.detail}")
    elif recorded is not None and found.service in SERVICE:
        yield Found(SERVICE[found.service], found.detail)
    elif recorded is not None and found.serving not in (None, recorded):
        line = f"release {found.serving} is served, but {recorded} is recorded"
        yield Found(DriftKind.OTHER_RELEASE, line)
