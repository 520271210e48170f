"""A single run of a command, from its first record to its last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from environments.errors import CommandFailed
from environments.execution.progress import CommandEnded, CommandStarted, Noticed
from environments.execution.runner import Runner, StepStopped
from environments.execution.sessions import loss_of, tell_transitions
from environments.execution.transitions import fire, record_achievement, record_failure, with_trace
from environments.model.command_name import CommandName
from environments.model.condition import PARTLY
from environments.model.failure import Failure, FailureCause
from environments.model.operation import Operation, OperationStatus, StepResult
from environments.model.records import OperationRecord, attempts_of, precedes
from environments.model.states import EnvironmentState, enter as enter_state
from environments.model.steps import Step
from environments.ports import latest_of
from statechart.errors import StorageError

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from statechart.chart import Event
    from statechart.holder import Holder


@dataclass(slots=True)
class Attempt:
    """A single run of a command: opens the operation, runs the steps, records the outcome.

    Attributes:
        begin: The event that enters the state of work in progress; None for a command without one.
        finish: The event fired when all steps are done.
    """

    command: CommandName
    begin: Event | None
    finish: Event
    runner: Runner
    holder: Holder
    operation_id: str = field(default_factory=lambda: uuid4().hex)
    started_at: datetime = field(init=False)
    _started: float = field(init=False)
    _earlier: Operation | None = field(init=False)

    def __post_init__(self) -> None:
        self._earlier = self._environment.operation  # gone from the record once ours is opened
        self.started_at = self.runner.clock.now()
        self._started = self.runner.clock.monotonic()

    async def run(self, steps: Sequence[Step], previous: Operation | None) -> AnyEnvironment:
        """Run the steps, and return the environment in the state that they achieved.

        Args:
            steps: The steps of the command, in order.
            previous: The failed operation to resume; None starts from the first step.

        Raises:
            CommandFailed: A step failed, or a stop was requested; the failure is recorded.
            asyncio.CancelledError: The task was cancelled; the cancellation is recorded.
        """
        for message in self._noticed():
            told = Noticed(name=self._environment.name, command=self.command, message=message)
            self.runner.runtime.tell(told)
        # Probed before the operation is opened, while the earlier operation is still recorded.
        begun = self._begun(previous)
        kept = await self.runner.kept(steps, previous)
        operation = self._operation(kept, previous)
        self._open(operation)
        started = CommandStarted(
            name=self._environment.name,
            command=self.command,
            operation_id=self.operation_id,
            of=len(steps),
            kept=len(kept),
        )
        self.runner.runtime.tell(started)
        tell_transitions(self.runner.session)
        in_doubt = {step.name for step in operation.in_doubt}
        try:
            await self.runner.run(steps, kept=len(kept), in_doubt=in_doubt, begun=begun)
            self._achieve()
        except StepStopped as stopped:
            self._fail(stopped)
        except StorageError as error:
            # Raised by the last transition only: the runner turns errors of steps into StepStopped.
            summary = f"all steps are done, but this could not be recorded: {error}"
            last = steps[-1].name if steps else self.command.value
            unrecorded = StepStopped(last, FailureCause.PERSISTENCE, summary)
            unrecorded.__cause__ = error
            self._fail(unrecorded)
        except BaseException as error:  # a cancellation, Ctrl-C or a bug: recorded, and raised again
            self._interrupted(error)
            raise
        self._end(None)
        return self._environment

    def _begun(self, previous: Operation | None) -> dict[str, int]:
        """Return how many attempts an interrupted command had begun, by step: its retries go on."""
        if previous is None or previous.status is OperationStatus.FAILED:
            return {}
        repository = self.runner.runtime.repository
        return attempts_of(
            latest_of(repository, self._environment.name, precedes(previous.id)), previous.id
        )

    def _noticed(self) -> Iterator[str]:
        """Yield a message for a crash of the last holder, and for each repair on opening."""
        crashed = self.runner.session.crashed
        if crashed is not None:
            yield f"the last command did not end by itself: {crashed.describe()}"
        yield from self.runner.session.notes

    @property
    def _environment(self) -> AnyEnvironment:
        return self.runner.session.environment

    def _operation(self, kept: tuple[StepResult, ...], previous: Operation | None) -> Operation:
        """Return the operation to open."""
        # Steps that an earlier operation left in doubt stay in doubt until a probe decides.
        earlier = self._earlier
        doubted = previous or (earlier if self._superseded(previous) else None)
        return Operation(
            id=self.operation_id,
            command=self.command,
            started_at=self.started_at,
            holder=self.holder,
            steps_done=kept,
            doubts=doubted.in_doubt if doubted else (),
            # A destroy that once began to remove resources stays begun: only destroy may follow it.
            effects_begun=earlier is not None and earlier.command is self.command and earlier.effects_begun,
            resumes=previous.id if previous else None,
            supersedes=self._superseded(previous),
        )

    def _superseded(self, previous: Operation | None) -> str | None:
        earlier = self._earlier
        return earlier.id if earlier is not None and earlier.is_active and earlier is not previous else None

    def _open(self, operation: Operation) -> None:
        at = self.started_at
        if self.begin is None:
            opened = self._environment.with_operation(operation, at=at)
            self.runner.session.commit(OperationRecord(change="opened", environment=opened))
            return

        def enter(environment: AnyEnvironment, state: EnvironmentState) -> AnyEnvironment:
            return environment.entering(enter_state(state), at=at, operation=operation)

        fire(self.runner.session, self.begin, enter, self.operation_id)

    def _achieve(self) -> None:
        at = self.runner.clock.now()
        record_achievement(self.runner.session, self.finish, self.operation_id, at)

    def _interrupted(self, error: BaseException) -> None:
        """Record that the command was ended from outside. The caller raises the error again."""
        operation = self._environment.operation
        step = operation.step.name if operation and operation.step else self.command.value
        cause, summary, detail = self.runner.explain(error)
        # CancelledError, KeyboardInterrupt, SystemExit
        if not isinstance(error, Exception) and not loss_of(self.runner.session):
            cause = FailureCause.CANCELLED
        failure = self._failure(StepStopped(step, cause, summary), detail)
        try:
            self._record_failure(failure)
        except StorageError as unsaved:  # must not hide the error that ended the command
            error.add_note(f"this could not be recorded: {unsaved}")
        self._end(failure)

    def _fail(self, stopped: StepStopped) -> None:
        failure = self._failure(stopped, stopped.detail)
        unsaved: StorageError | None = None
        try:
            self._record_failure(failure)
        except StorageError as error:
            unsaved = error
        self._end(failure)
        raise CommandFailed(self._environment, failure, unsaved) from stopped.__cause__

    def _record_failure(self, failure: Failure) -> None:
        operation = self._environment.operation
        assert operation is not None
        left = operation.failed(failure)
        if self.command in PARTLY:
            left = self._left_by_ending(left)
        record_failure(self.runner.session, failure, left, operation_id=self.operation_id)

    def _left_by_ending(self, closed: Operation) -> Operation:
        """Return the operation to record after a failed stop or destroy.

        If nothing was stopped or removed, the previous operation stays recorded unchanged.
        """
        earlier = self._earlier
        if closed.effects_begun or earlier is None or earlier.command is self.command:
            return closed
        return earlier

    def _failure(self, stopped: StepStopped, detail: str) -> Failure:
        now = self.runner.clock.now()
        failure = Failure(
            command=self.command,
            step=stopped.step,
            cause=stopped.cause,
            summary=stopped.summary,
            started_at=self.started_at,
            failed_at=now,
            duration=self._elapsed,
            trace_id=self.operation_id,
        )
        return with_trace(self.runner.session, failure, detail)

    @property
    def _elapsed(self) -> timedelta:
        return timedelta(seconds=self.runner.clock.monotonic() - self._started)

    def _end(self, failure: Failure | None) -> None:
        tell_transitions(self.runner.session)
        ended = CommandEnded(
            name=self._environment.name,
            command=self.command,
            environment=self._environment,
            duration=self._elapsed,
            failure=failure,
        )
        self.runner.runtime.tell(ended)
