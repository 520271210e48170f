"""Tell the progress of a command that another process runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from environments.errors import CommandFailed, EnvironmentsError, OperationInterrupted
from environments.execution.progress import (
    CommandEnded,
    CommandStarted,
    Progress,
    StepAttemptFailed,
    StepFinished,
    StepStarted,
)
from environments.following.sights import Sight, sights
from environments.model.failure import Failure, FailureCause
from environments.model.operation import Operation, StepInHand, StepResult
from environments.model.records import (
    CheckpointRecord,
    RevisionRecord,
    StepRecord,
    TransitionRecord,
    precedes,
)
from environments.model.states import EnvironmentState, enter
from environments.ports import latest_of, provider_of
from statechart.errors import NotFound

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.records import HistoryEntry
    from environments.model.steps import Step
    from environments.ports import Clock, EnvironmentRepository
    from statechart.holder import Holder

_BETWEEN = 1.0
"""Seconds in which a process that runs several commands begins the next."""


async def attendance(
    repository: EnvironmentRepository, name: str, tell: Callable[[Progress], None], clock: Clock
) -> AnyEnvironment | None:
    """Tell the progress of the command that is under way, and of those that its process runs next.

    The reports of a step are told as far as they are recorded.

    Returns:
        The environment after the command, or None if no command is under way.

    Raises:
        CommandFailed: The command failed.
        OperationInterrupted: The process of the command died.
        NotFound: The environment does not exist.
    """
    followed: _Followed | None = None
    ended: AnyEnvironment | None = None
    worker: Holder | None = None
    last = 0.0
    try:
        async for sight in sights(repository, name):
            if followed is not None and sight.environment.lineage != followed.environment.lineage:
                return followed.purged()  # and another environment was created under its name
            if followed is not None and not followed.is_open(sight.environment):
                ended, last, followed = followed.end(repository), time.monotonic(), None
            operation = sight.environment.operation
            if sight.interrupted and operation is not None:
                raise OperationInterrupted(name, operation)
            if sight.under_way and operation is not None and _is_next(worker, operation):
                followed = followed or _Followed(sight.environment, operation, tell, clock)
                followed.look(operation)
                worker = operation.holder
            elif not (_may_go_on(worker, sight) and time.monotonic() - last < _BETWEEN):
                return ended
    except NotFound:
        if followed is None and ended is None:
            raise
        return ended if followed is None else followed.purged()
    raise AssertionError("unreachable: looks have no end")


def _is_next(worker: Holder | None, operation: Operation) -> bool:
    """Return whether a command is the first seen, or the same process runs it."""
    return worker is None or worker.identity == operation.holder.identity


def _may_go_on(worker: Holder | None, sight: Sight) -> bool:
    """Return whether the process that ran a command may begin another."""
    return worker is not None and (sight.holder is not None or worker.is_alive() is True)


@dataclass(slots=True)
class _Followed:
    """A command, and which of its steps have been told."""

    environment: AnyEnvironment
    operation: Operation
    tell: Callable[[Progress], None]
    clock: Clock
    limits: dict[str, timedelta | None] = field(init=False)
    begun: dict[str, datetime] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    of: int = field(init=False)

    def __post_init__(self) -> None:
        steps = known_steps(self.environment, self.operation)
        self.limits = {name: step.timeout for name, step in steps.items()}
        step = self.operation.step
        self.of = step.of if step is not None else len(self.limits)
        started = CommandStarted(
            name=self.environment.name,
            command=self.operation.command,
            operation_id=self.operation.id,
            of=self.of,
        )
        self.tell(started)

    def is_open(self, environment: AnyEnvironment) -> bool:
        """Return whether the command is still open in an environment."""
        operation = environment.operation
        return operation is not None and operation.id == self.operation.id and operation.is_active

    def look(self, operation: Operation) -> None:
        """Tell the steps that were finished or begun since the last look."""
        self.operation = operation
        for number, result in enumerate(operation.steps_done, 1):
            self._finish(number, result)
        if operation.step is not None:
            self._begin(operation.step)

    def end(self, repository: EnvironmentRepository) -> AnyEnvironment:
        """Tell the rest and the end of the command, and return the environment as it left it.

        Raises:
            CommandFailed: The command failed.
        """
        is_outside = precedes(self.operation.id)

        def is_before(opening: HistoryEntry) -> bool:
            return opening.revision <= self.environment.revision and is_outside(opening)

        history = list(latest_of(repository, self.environment.name, is_before))
        begun = next(entry.seq for entry in history if entry.operation_id == self.operation.id)
        for entry in (entry for entry in history if entry.seq > begun):
            record = entry.record
            if isinstance(record, CheckpointRecord):
                continue
            if not isinstance(record, StepRecord):
                if not self.is_open(record.environment):
                    return self._closed(entry, record)
            elif record.intent is not None:
                self._begin(record.intent)
            elif record.result is not None:
                self._finish(len(self.done) + 1, record.result)
        raise AssertionError("unreachable: the command was seen to be closed")

    def purged(self) -> AnyEnvironment:
        """Tell the end of a command whose environment is gone: only a destroyed one can be purged."""
        now = self.clock.now()
        destroyed = self.environment.entering(enter(EnvironmentState.DESTROYED), at=now)
        ended = CommandEnded(
            name=self.environment.name,
            command=self.operation.command,
            environment=destroyed,
            duration=max(now - self.operation.started_at, timedelta()),
        )
        self.tell(ended)
        return destroyed

    def _closed(self, entry: HistoryEntry, record: RevisionRecord) -> AnyEnvironment:
        failure = self._failure(entry, record)
        if failure is not None and failure.step in self.begun.keys() - self.done:
            self._tell(StepAttemptFailed, failure.step, len(self.done) + 1, summary=failure.summary)
        ended = CommandEnded(
            name=self.environment.name,
            command=self.operation.command,
            environment=record.environment,
            duration=max(entry.at - self.operation.started_at, timedelta()),
            failure=failure,
        )
        self.tell(ended)
        if failure is not None:
            raise CommandFailed(record.environment, failure)
        return record.environment

    def _failure(self, entry: HistoryEntry, record: RevisionRecord) -> Failure | None:
        failure = record.environment.failure
        if failure is not None and failure.trace_id == self.operation.id:
            return failure
        if isinstance(record, TransitionRecord):
            return None
        # A destroy that removed nothing leaves only its reason: the operation before it stays recorded.
        step = self.operation.step.name if self.operation.step is not None else self.operation.command.value
        return Failure(
            command=self.operation.command,
            step=step,
            cause=FailureCause.COMMAND_EXECUTION,
            summary=getattr(record, "reason", None) or "its reason was not recorded",
            started_at=self.operation.started_at,
            failed_at=entry.at,
            duration=max(entry.at - self.operation.started_at, timedelta()),
            trace_id=self.operation.id,
        )

    def _begin(self, step: StepInHand) -> None:
        if step.name not in self.done and self.begun.get(step.name) != step.started_at:
            self.begun[step.name], self.of = step.started_at, step.of
            elapsed = max(self.clock.now() - step.started_at, timedelta())
            self._tell(
                StepStarted, step.name, step.number, timeout=self.limits.get(step.name), elapsed=elapsed
            )

    def _finish(self, number: int, result: StepResult) -> None:
        if result.name not in self.done:
            self.done.add(result.name)
            facts = {"duration": result.duration, "note": result.note, "kept": result.probed}
            self._tell(StepFinished, result.name, number, **facts)

    def _tell(self, kind: Callable[..., Progress], step: str, number: int, **facts: object) -> None:
        name, command = self.environment.name, self.operation.command
        self.tell(kind(name=name, command=command, step=step, number=number, of=self.of, **facts))


def known_steps(environment: AnyEnvironment, operation: Operation) -> dict[str, Step]:
    """Return the steps of a command by their names; none if the provider can't tell them here."""
    try:
        steps = provider_of(environment).steps(operation.command, environment)
    except (EnvironmentsError, OSError):  # it is said to the process that runs the command
        return {}
    return {step.name: step for step in steps}
