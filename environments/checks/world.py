"""Compare the record of an environment with an observation of the world."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from environments.checks.difference import Difference, DriftKind
from environments.lifecycle import Lifecycle, Subject
from environments.model.command_name import CommandName
from environments.model.failure import FailureCause
from environments.model.observation import HostState, Observation, ServiceState
from environments.model.states import EnvironmentState

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment

# The states that are reached only after provision has succeeded.
HOSTED = {
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
_CONFIGURED = HOSTED - {
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
_SERVICE: dict[ServiceState, DriftKind] = {
    ServiceState.DOWN: DriftKind.SERVICE_DOWN,
    ServiceState.UNHEALTHY: DriftKind.SERVICE_UNHEALTHY,
    ServiceState.FOREIGN: DriftKind.SERVICE_FOREIGN,
}
_MENDING: dict[DriftKind, CommandName] = {
    DriftKind.RESOURCE_ALTERED: CommandName.PROVISION,
    DriftKind.CONFIGURATION_CHANGED: CommandName.CONFIGURE,
    DriftKind.RELEASE_DAMAGED: CommandName.RELEASE,
    **dict.fromkeys((*_SERVICE.values(), DriftKind.SERVICE_UP, DriftKind.OTHER_RELEASE), CommandName.RUN),
}
CAUSES: dict[DriftKind, FailureCause] = {
    DriftKind.HOST_GONE: FailureCause.INFRASTRUCTURE,
    DriftKind.HOST_HALF_DEAD: FailureCause.INFRASTRUCTURE,
    DriftKind.HOST_UNREACHABLE: FailureCause.NETWORK,
    DriftKind.HOST_STRANGE: FailureCause.AUTHENTICATION,
    DriftKind.SERVICE_FOREIGN: FailureCause.CONFIGURATION,
    DriftKind.OTHER_RELEASE: FailureCause.CONFIGURATION,
}
# Differences that prove a running environment wrong; altered resources or files do not.
_REFUTES_RUNNING = {*CAUSES, DriftKind.SERVICE_DOWN, DriftKind.SERVICE_UNHEALTHY}


class _Found(NamedTuple):
    """A kind of difference with its line, and the command that mends it, unless it is the usual command."""

    kind: DriftKind
    what: str
    mends: CommandName | None = None


def compare(environment: AnyEnvironment, found: Observation) -> tuple[Difference, ...]:
    """Compare the record with an observation. Findings are sorted by severity. Pure.

    A `running` environment has to serve the recorded release. A host has to accept our key, a
    configured environment has to be as declared, and without resources if it is created or destroyed.
    """
    return tuple(_proposing(environment, each) for each in _differences(environment, found))


def _differences(environment: AnyEnvironment, found: Observation) -> Iterator[_Found]:
    state = environment.state.name
    if state in _EMPTY:
        if found.resources or found.service is ServiceState.UP:
            line = f"recorded as {state}, but resources exist: {found.detail}"
            yield _Found(DriftKind.RESOURCES_LEFT, line)
        return
    if state not in HOSTED:  # provisioning has begun or failed: any part may be missing
        return
    if not found.resources:
        yield _Found(DriftKind.HOST_GONE, found.detail or "the provisioned resources are gone")
    elif found.host in _HOST:
        yield _Found(_HOST[found.host], found.detail)
    for line in found.altered:
        yield _Found(DriftKind.RESOURCE_ALTERED, line)
    # Without its host, nothing is known of the service.
    if found.resources and found.host is HostState.UP:
        yield from _service(environment, found)
    if state in _CONFIGURED:
        for line in found.configuration:
            yield _Found(DriftKind.CONFIGURATION_CHANGED, line)
        for line in found.variables:
            yield _Found(DriftKind.CONFIGURATION_CHANGED, line, CommandName.RUN)


def _service(environment: AnyEnvironment, found: Observation) -> Iterator[_Found]:
    """Compare the recorded service and release with those observed."""
    if found.damage and environment.state.name in _RELEASED:
        yield _Found(DriftKind.RELEASE_DAMAGED, found.damage)
    recorded = environment.outputs.serving
    if environment.state.name is EnvironmentState.RUN_FAILED:
        if found.service is ServiceState.UP and found.serving == environment.outputs.release:
            yield _Found(DriftKind.SERVICE_UP, f"release {found.serving} is up: {found.detail}")
    elif recorded is not None and found.service in _SERVICE:
        yield _Found(_SERVICE[found.service], found.detail)
    elif recorded is not None and found.serving not in (None, recorded):
        line = f"release {found.serving} is served, but {recorded} is recorded"
        yield _Found(DriftKind.OTHER_RELEASE, line)


def _proposing(environment: AnyEnvironment, found: _Found) -> Difference:
    """Return a difference with the event that would record it in the present state."""
    state = environment.state.name
    kind, mends = found.kind, found.mends or _MENDING.get(found.kind)
    event = None
    if state is EnvironmentState.RUNNING and kind in _REFUTES_RUNNING:
        fail = Lifecycle.fail.id
        event = fail if fail in Lifecycle.bound(Subject.of(environment)).enabled() else None
    return Difference(kind, found.what, event, _then(kind, state), mends)


def _then(kind: DriftKind, state: EnvironmentState) -> str | None:
    match kind:
        case DriftKind.HOST_GONE:
            return "destroy"
        case DriftKind.RESOURCES_LEFT:
            return "destroy" if state is EnvironmentState.CREATED else None
        case _:
            return "up"
