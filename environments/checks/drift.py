"""Compare the record of an environment with the world as its provider observes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import uuid4

from environments.errors import UnexpectedState
from environments.execution.transitions import fire, with_trace
from environments.lifecycle import Lifecycle, Subject
from environments.model.command_name import CommandName
from environments.model.environment import Outputs
from environments.model.failure import Failure, FailureCause
from environments.model.observation import HostState, Observation, ServiceState
from environments.model.states import EnvironmentState, enter as enter_state
from statechart.errors import Stale

if TYPE_CHECKING:
    from environments.execution.runtime import Runtime
    from environments.model.environment import AnyEnvironment
    from environments.ports import Session

STEP = "observe"
"""The step of a failure that was recorded because of drift."""

_LOOKS = 3


class DriftKind(StrEnum):
    """The kinds of difference between record and world, by severity."""

    HOST_GONE = "host_gone"
    HOST_HALF_DEAD = "host_half_dead"
    HOST_UNREACHABLE = "host_unreachable"
    HOST_STRANGE = "host_strange"
    RESOURCES_LEFT = "resources_left"
    RESOURCE_ALTERED = "resource_altered"
    CONFIGURATION_CHANGED = "configuration_changed"
    SERVICE_DOWN = "service_down"
    SERVICE_UNHEALTHY = "service_unhealthy"
    SERVICE_FOREIGN = "service_foreign"
    SERVICE_UP = "service_up"
    OTHER_RELEASE = "other_release"


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between the record and the world.

    Attributes:
        kind: The kind of difference.
        what: A line for people.
        event: The event of the lifecycle that would record the difference, or None.
        then: The command to run next, or None if a person has to decide.
    """

    kind: DriftKind
    what: str
    event: str | None = None
    then: str | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """The result of comparing an environment with the world.

    Attributes:
        environment: The environment as recorded now.
        findings: The differences, sorted by severity; empty if there are none.
        unseen: A reason for each part that could not be observed.
        applied: The event that was fired, or None.
    """

    environment: AnyEnvironment
    findings: tuple[Difference, ...] = ()
    unseen: tuple[str, ...] = ()
    applied: str | None = None


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
_CAUSES: dict[DriftKind, FailureCause] = {
    DriftKind.HOST_GONE: FailureCause.INFRASTRUCTURE,
    DriftKind.HOST_HALF_DEAD: FailureCause.INFRASTRUCTURE,
    DriftKind.HOST_UNREACHABLE: FailureCause.NETWORK,
    DriftKind.HOST_STRANGE: FailureCause.AUTHENTICATION,
    DriftKind.SERVICE_FOREIGN: FailureCause.CONFIGURATION,
    DriftKind.OTHER_RELEASE: FailureCause.CONFIGURATION,
}
# Differences that prove a running environment wrong; altered resources or files do not.
_REFUTES_RUNNING = {*_CAUSES, DriftKind.SERVICE_DOWN, DriftKind.SERVICE_UNHEALTHY}


def compare(environment: AnyEnvironment, found: Observation) -> tuple[Difference, ...]:
    """Compare the record with an observation. Findings are sorted by severity. Pure.

    A `running` environment has to serve the recorded release. A host has to accept our key, a
    configured environment has to be as declared, and a created or destroyed one has no resources.
    """
    return tuple(_proposing(environment, kind, what) for kind, what in _differences(environment, found))


def _differences(environment: AnyEnvironment, found: Observation) -> Iterator[tuple[DriftKind, str]]:
    state = environment.state.name
    if state in _EMPTY:
        if found.resources or found.service is ServiceState.UP:
            yield DriftKind.RESOURCES_LEFT, f"recorded as {state}, but resources exist: {found.detail}"
        return
    if state not in _HOSTED:  # provisioning has begun or failed: any part may be missing
        return
    if not found.resources:
        yield DriftKind.HOST_GONE, found.detail or "the provisioned resources are gone"
    elif found.host in _HOST:
        yield _HOST[found.host], found.detail
    for line in found.altered:
        yield DriftKind.RESOURCE_ALTERED, line
    # Without its host, nothing is known of the service.
    if found.resources and found.host is HostState.UP:
        yield from _service(environment, found)
    if state in _CONFIGURED:
        for line in found.configuration:
            yield DriftKind.CONFIGURATION_CHANGED, line


def _service(environment: AnyEnvironment, found: Observation) -> Iterator[tuple[DriftKind, str]]:
    """Yield the differences between the recorded service and the observed one."""
    recorded = environment.outputs.serving
    if environment.state.name is EnvironmentState.RUN_FAILED:
        if found.service is ServiceState.UP and found.serving == environment.outputs.release:
            yield DriftKind.SERVICE_UP, f"release {found.serving} is up: {found.detail}"
    elif recorded is not None and found.service in _SERVICE:
        yield _SERVICE[found.service], found.detail
    elif recorded is not None and found.serving not in (None, recorded):
        yield DriftKind.OTHER_RELEASE, f"release {found.serving} is served, but {recorded} is recorded"


def _proposing(environment: AnyEnvironment, kind: DriftKind, what: str) -> Difference:
    """Return a difference with the event that would record it in the present state."""
    state = environment.state.name
    then = _then(kind, state)
    if state is EnvironmentState.RUNNING and kind in _REFUTES_RUNNING:
        allowed = Lifecycle.bound(Subject.of(environment)).enabled()
        event = Lifecycle.fail.id
        return Difference(kind, what, event if event in allowed else None, then)
    return Difference(kind, what, None, then)


def _then(kind: DriftKind, state: EnvironmentState) -> str | None:
    match kind:
        case DriftKind.HOST_GONE:
            return "destroy"
        case DriftKind.RESOURCES_LEFT:
            return "destroy" if state is EnvironmentState.CREATED else None
        case DriftKind.RESOURCE_ALTERED | DriftKind.CONFIGURATION_CHANGED:
            return None
        case _ if state in (EnvironmentState.RUNNING, EnvironmentState.RUN_FAILED):
            return "retry"
        case _ if state is EnvironmentState.RELEASED:
            return "run"
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Detection:
    """Finds drift, and records it on request. Changes only the record."""

    runtime: Runtime

    async def look(self, name: str) -> Drift:
        """Compare an environment with the world, without taking its lock.

        Raises:
            Locked: A command is under way, and the world is about to change.
            OperationInterrupted: A command died in the middle; recover the environment first.
            UnexpectedState: The teardown has begun.
            StepFailed: The provider can't observe the environment.
            Stale: The record changed during each observation.
        """
        changed = before = self._at_rest(name)
        # Without the lock the record can change during an observation; then the two don't match.
        for _ in range(_LOOKS):
            found = await self._world(before)
            after = self._at_rest(name)
            if after == before:
                return _drift(after, found)
            before, changed = after, before
        raise Stale(name, expected=changed.revision, actual=before.revision)

    async def apply(self, name: str) -> Drift:
        """Compare again under the lock, and fire the event that the first difference proposes.

        The exceptions are those of `look`, and StorageError.
        """
        async with self.runtime.open(name, "drift") as held:
            _refuse_teardown(held.environment)
            found = await self._world(held.environment)
            drift = _drift(held.environment, found)
            refuted = [finding for finding in drift.findings if finding.event is not None]
            if not refuted:
                return drift
            self._record(held.session, refuted, found)
            return Drift(held.environment, drift.findings, drift.unseen, refuted[0].event)

    def _at_rest(self, name: str) -> AnyEnvironment:
        environment = self.runtime.at_rest(name)
        _refuse_teardown(environment)
        return environment

    async def _world(self, environment: AnyEnvironment) -> Observation:
        directory = self.runtime.repository.directory(environment.name)
        return await self.runtime.provider_of(environment).observe(environment, directory)

    def _record(self, session: Session, refuted: Sequence[Difference], found: Observation) -> None:
        """Record that a running environment has failed."""
        failure = with_trace(session, self._failure(refuted))
        seen = found.resources and found.host is HostState.UP

        def enter(environment: AnyEnvironment, state: EnvironmentState) -> AnyEnvironment:
            outputs = _seen(environment.outputs, found) if seen else environment.outputs
            return environment.entering(enter_state(state, failure), at=failure.failed_at, outputs=outputs)

        fire(session, Lifecycle.fail, enter, failure.trace_id, failure.summary)

    def _failure(self, refuted: Sequence[Difference]) -> Failure:
        now = self.runtime.clock.now()  # when the service failed is unknown; this is when it was seen
        return Failure(
            command=CommandName.RUN,
            step=STEP,
            cause=_CAUSES.get(refuted[0].kind, FailureCause.COMMAND_EXECUTION),
            summary="; ".join(f"{_words(finding.kind)}: {finding.what}" for finding in refuted),
            started_at=now,
            failed_at=now,
            duration=timedelta(),
            trace_id=uuid4().hex,
        )


def _words(kind: DriftKind) -> str:
    return kind.value.replace("_", " ")


def _seen(outputs: Outputs, found: Observation) -> Outputs:
    """Return the outputs with the release that is served in fact."""
    return outputs.updated({"serving": found.serving if found.service is ServiceState.UP else None})


def _drift(environment: AnyEnvironment, found: Observation) -> Drift:
    return Drift(environment, compare(environment, found), found.unseen)


def _refuse_teardown(environment: AnyEnvironment) -> None:
    if environment.teardown_begun:
        expected = ["one that is not being torn down"]
        raise UnexpectedState(environment.name, expected=expected, actual=environment.condition)
