"""Compare the record of an environment with an observation of the world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.checks.difference import Difference, DriftKind
from environments.checks.sight import SERVICE, Found, differences
from environments.lifecycle import Lifecycle, Subject
from environments.model.command_name import CommandName
from environments.model.failure import FailureCause
from environments.model.states import EnvironmentState

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.observation import Observation

_MENDING: dict[DriftKind, CommandName] = {
    DriftKind.RESOURCE_ALTERED: CommandName.PROVISION,
    DriftKind.CONFIGURATION_CHANGED: CommandName.CONFIGURE,
    DriftKind.RELEASE_DAMAGED: CommandName.RELEASE,
    **dict.fromkeys((*SERVICE.values(), DriftKind.SERVICE_UP, DriftKind.OTHER_RELEASE), CommandName.RUN),
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


def compare(environment: AnyEnvironment, found: Observation) -> tuple[Difference, ...]:
    """Compare the record with an observation. Findings are sorted by severity. Pure.

    A `running` environment has to serve the recorded release. A host has to accept our key, a
    configured environment has to be as declared, and without resources if it is created or destroyed.
    """
    return tuple(_proposing(environment, each) for each in differences(environment, found))


def _proposing(environment: AnyEnvironment, found: Found) -> Difference:
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
