"""Drift: what is on record, held against the world as the provider finds it."""

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
"""The step at which a failure that drift has put on record happened."""

_LOOKS = 3


class DriftKind(StrEnum):
    """In what the world differs from the record."""

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
        kind: In what they differ.
        what: One line for people.
        event: The event of the chart that would put it on record, or None where there is none.
        then: The command that leads on from there, or None where a person has to decide.
    """

    kind: DriftKind
    what: str
    event: str | None = None
    then: str | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """What came of holding one environment against the world.

    Attributes:
        environment: As it is on record now.
        findings: The differences; none where all is as recorded.
        unseen: What could not be looked at, and why.
        applied: The event that was fired, or None.
    """

    environment: AnyEnvironment
    findings: tuple[Difference, ...] = ()
    unseen: tuple[str, ...] = ()
    applied: str | None = None


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
_REFUTES_RUNNING = {*_CAUSES, DriftKind.SERVICE_DOWN, DriftKind.SERVICE_UNHEALTHY}


def compare(environment: AnyEnvironment, found: Observation) -> tuple[Difference, ...]:
    """Return in what the world differs from what is on record, the gravest first. It is pure.

    What is said to be `running` has to serve the recorded release; what has a host has to be let in;
    what was configured has to be as declared; what is created or destroyed must have nothing.
    """
    return tuple(_proposing(environment, kind, what) for kind, what in _differences(environment, found))


def _differences(environment: AnyEnvironment, found: Observation) -> Iterator[tuple[DriftKind, str]]:
    state = environment.state.name
    if state in _EMPTY:
        if found.resources or found.service is ServiceState.UP:
            yield DriftKind.RESOURCES_LEFT, f"recorded as {state}, and something is there: {found.detail}"
        return
    if state not in _HOSTED:
        return
    if not found.resources:
        yield DriftKind.HOST_GONE, found.detail or "what provision made is gone"
    elif found.host in _HOST:
        yield _HOST[found.host], found.detail
    for line in found.altered:
        yield DriftKind.RESOURCE_ALTERED, line
    if found.resources and found.host is HostState.UP:
        yield from _service(environment, found)
    if state in _CONFIGURED:
        for line in found.configuration:
            yield DriftKind.CONFIGURATION_CHANGED, line


def _service(environment: AnyEnvironment, found: Observation) -> Iterator[tuple[DriftKind, str]]:
    """Yield how the service differs from the one on record."""
    recorded = environment.outputs.serving
    if environment.state.name is EnvironmentState.RUN_FAILED:
        if found.service is ServiceState.UP and found.serving == environment.outputs.release:
            yield DriftKind.SERVICE_UP, f"release {found.serving} is up: {found.detail}"
    elif recorded is not None and found.service in _SERVICE:
        yield _SERVICE[found.service], found.detail
    elif recorded is not None and found.serving not in (None, recorded):
        yield DriftKind.OTHER_RELEASE, f"release {found.serving} is served, and {recorded} is on record"


def _proposing(environment: AnyEnvironment, kind: DriftKind, what: str) -> Difference:
    """Return a finding with the event that the chart has for it here."""
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
    """Looks for drift in one environment, and records it. Changes nothing else."""

    runtime: Runtime

    async def look(self, name: str) -> Drift:
        """Hold an environment against the world, without taking its lock.

        Raises:
            Locked: A command is under way, and the world is about to change.
            OperationInterrupted: A command died in the middle; recover finds out what it did.
            UnexpectedState: Its teardown has begun.
            StepFailed: The provider can't look.
            Stale: Others keep changing it.
        """
        changed = before = self._at_rest(name)
        for _ in range(_LOOKS):
            found = await self._world(before)
            after = self._at_rest(name)
            if after == before:
                return _drift(after, found)
            before, changed = after, before
        raise Stale(name, expected=changed.revision, actual=before.revision)

    async def apply(self, name: str) -> Drift:
        """Look again under the lock, and fire the event that the findings propose, if one does.

        Raises:
            What `look` raises, and StorageError.
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
        """Put on record that what is said to be running is not."""
        failure = with_trace(session, self._failure(refuted))
        seen = found.resources and found.host is HostState.UP

        def enter(environment: AnyEnvironment, state: EnvironmentState) -> AnyEnvironment:
            outputs = _seen(environment.outputs, found) if seen else environment.outputs
            return environment.entering(enter_state(state, failure), at=failure.failed_at, outputs=outputs)

        fire(session, Lifecycle.fail, enter, failure.trace_id, failure.summary)

    def _failure(self, refuted: Sequence[Difference]) -> Failure:
        now = self.runtime.clock.now()
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
    """Return the outputs with the release that was seen to be served."""
    return outputs.updated({"serving": found.serving if found.service is ServiceState.UP else None})


def _drift(environment: AnyEnvironment, found: Observation) -> Drift:
    return Drift(environment, compare(environment, found), found.unseen)


def _refuse_teardown(environment: AnyEnvironment) -> None:
    if environment.teardown_begun:
        expected = ["one that is not being torn down"]
        raise UnexpectedState(environment.name, expected=expected, actual=environment.condition)
