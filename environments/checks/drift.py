"""Compare an environment with its declaration, and with the world as its provider observes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeAlias
from uuid import uuid4

from environments.artifacts.bound import require_here
from environments.artifacts.carried import placed
from environments.checks.declaration import Declaration
from environments.checks.difference import Difference, DriftKind
from environments.checks.world import CAUSES, compare
from environments.errors import UnexpectedState
from environments.execution.lent.carrying import carrier_of
from environments.execution.transitions import fire, with_trace
from environments.lifecycle import Lifecycle
from environments.model.command_name import CommandName
from environments.model.environment import Outputs
from environments.model.failure import Failure, FailureCause
from environments.model.observation import HostState, Observation, ServiceState
from environments.model.states import EnvironmentState, enter as enter_state
from environments.ports import KeepsLooks, LooksCheaply, ObservesCarried, entries_of
from environments.storage.last_look import look_document, write_look
from statechart.errors import Stale
from statechart.following.cancellation import in_thread

if TYPE_CHECKING:
    from environments.execution.runtime import Runtime
    from environments.model.environment import AnyEnvironment
    from environments.ports import EnvironmentRepository, Session

STEP = "observe"
"""The step of a failure that was recorded because of drift."""

_LOOKS = 3
_DEEP = {DriftKind.RESOURCE_ALTERED, DriftKind.CONFIGURATION_CHANGED}


@dataclass(frozen=True, slots=True)
class Drift:
    """The result of comparing an environment with its declaration and with the world.

    Attributes:
        environment: The environment as recorded now.
        findings: The differences, sorted by severity; empty if there are none.
        unseen: A reason for each part that could not be observed.
        applied: The event that was fired, or None.
        observation: The observed world, or None if nobody looked.
    """

    environment: AnyEnvironment
    findings: tuple[Difference, ...] = ()
    unseen: tuple[str, ...] = ()
    applied: str | None = None
    observation: Observation | None = field(default=None, repr=False)

    @property
    def refuted(self) -> tuple[Difference, ...]:
        """The differences that an event of the lifecycle would record."""
        return tuple(finding for finding in self.findings if finding.event is not None)


def remember(drift: Drift, repository: EnvironmentRepository, at: datetime) -> None:
    """Keep a comparison beside the record, to be shown until the next comparison.

    Raises:
        StorageError: The comparison can't be written.
    """
    environment = drift.environment
    # A difference that was recorded is part of the state now.
    left = [each for each in drift.findings if drift.applied is None or each.event is None]
    document = look_document(
        environment,
        f"{at.astimezone(UTC).replace(tzinfo=None).isoformat()}Z",
        [{"kind": each.kind.value, "what": each.what, "then": each.then} for each in left],
        drift.unseen,
    )
    if isinstance(repository, KeepsLooks):
        repository.write_look(environment.name, environment.lineage, document)
    else:
        write_look(repository.directory(environment.name), document)


Considered: TypeAlias = Callable[["AnyEnvironment"], "AnyEnvironment"]
"""Returns a recorded environment, perhaps with another spec that is only considered."""


def as_recorded(environment: AnyEnvironment) -> AnyEnvironment:
    """Return the environment."""
    return environment


@dataclass(frozen=True, slots=True)
class Detection:
    """Finds drift, and records it on request. Changes only the record.

    Attributes:
        runtime: The surroundings.
        look: Whether to look at the world; without, only the declaration is compared.
        deep: Whether to look with the provider's tools too, which takes longer.
    """

    runtime: Runtime
    look: bool = True
    deep: bool = True

    async def find(self, name: str, considered: Considered = as_recorded) -> Drift:
        """Compare an environment as it is considered to be, without taking its lock.

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
            found = await self.compared(considered(before))
            after = self._at_rest(name)
            if after == before:
                return found
            before, changed = after, before
        raise Stale(name, expected=changed.revision, actual=before.revision)

    async def apply(self, name: str) -> Drift:
        """Compare again under the lock, and fire the event that the first difference proposes.

        The exceptions are those of `find`, and StorageError.
        """
        async with self.runtime.open(name, "drift") as held:
            refuse_teardown(held.environment)
            drift = await self.compared(held.environment)
            return self.record(held.session, drift)

    def declared(self, environment: AnyEnvironment) -> tuple[Difference, ...]:
        """Return the differences between the declaration and that which was applied."""
        return self._declaration(environment).differences()

    async def compared(self, environment: AnyEnvironment) -> Drift:
        """Compare an environment with its declaration and with the world."""
        found = await self._world(environment) if self.look else None
        declaration = self._declaration(environment)
        declared = await in_thread(declaration.differences)
        if found is None:
            return Drift(environment, declared)
        seen = compare(environment, found)
        if self.deep and isinstance(declaration.provider, LooksCheaply):
            # A glance of `up` would miss them.
            seen = tuple(replace(each, then="up --deep") if each.kind in _DEEP else each for each in seen)
        return Drift(environment, (*seen, *declared), found.unseen, observation=found)

    def record(self, session: Session, drift: Drift) -> Drift:
        """Record the differences that refute the recorded state, if there are any."""
        if not drift.refuted or drift.observation is None:
            return drift
        self._record(session, drift.refuted, drift.observation)
        applied = drift.refuted[0].event
        return replace(drift, environment=session.environment, applied=applied)

    def _at_rest(self, name: str) -> AnyEnvironment:
        environment = self.runtime.at_rest(name)
        refuse_teardown(environment)
        return environment

    def _declaration(self, environment: AnyEnvironment) -> Declaration:
        repository, name = self.runtime.repository, environment.name
        return Declaration(
            environment,
            self.runtime.provider_of(environment),
            repository.directory(name),
            lambda: entries_of(repository, name),
            overridden=self.runtime.provider is not None,
            placed=partial(placed, repository, environment),
        )

    async def _world(self, environment: AnyEnvironment) -> Observation:
        provider = self.runtime.provider_of(environment)
        if not self.deep and isinstance(provider, LooksCheaply):
            found = await self._look(environment, deep=False)
            if found.resources and found.host is HostState.UP:
                return found
            # Only the tools can tell whether a host that does not answer is gone.
        return await self._look(environment, deep=True)

    async def _look(self, environment: AnyEnvironment, *, deep: bool) -> Observation:
        repository, provider = self.runtime.repository, self.runtime.provider_of(environment)
        require_here(repository, environment, provider)
        directory = repository.directory(environment.name)
        carried = carrier_of(repository, environment.name)
        if carried is not None and isinstance(provider, ObservesCarried):
            return await provider.observe_carried(environment, directory, carried, deep=deep)
        if not deep and isinstance(provider, LooksCheaply):
            return await provider.glance(environment, directory)
        return await provider.observe(environment, directory)

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
            cause=CAUSES.get(refuted[0].kind, FailureCause.COMMAND_EXECUTION),
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


def refuse_teardown(environment: AnyEnvironment) -> None:
    """Check that an environment is not being torn down.

    Raises:
        UnexpectedState: It is.
    """
    if environment.teardown_begun:
        expected = ["one that is not being torn down"]
        raise UnexpectedState(environment.name, expected=expected, actual=environment.condition)
