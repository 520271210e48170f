"""Attempt: one run of a command on an open session, from its first record to its last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from environments.errors import CommandFailed
from environments.execution.progress import CommandEnded, CommandStarted, Noticed
from environments.execution.runner import Runner, StepStopped
from environments.execution.transitions import fire, record_achievement, record_failure, with_trace
from environments.model.command_name import CommandName
from environments.model.failure import Failure, FailureCause
from environments.model.operation import Operation, StepResult
from environments.model.records import OperationRecord
from environments.model.states import EnvironmentState, enter as enter_state
from environments.model.steps import Step
from statechart.errors import StorageError

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from statechart.chart import Event
    from statechart.holder import Holder


@dataclass(slots=True)
class Attempt:
    """One run of a command: opens the operation, runs the steps, records how it ended.

    `begin` is the event that starts the work where a state of its own stands for it, else None;
    `finish` is fired when all steps are done.
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
        self._earlier = self._environment.operation
        self.started_at = self.runner.clock.now()
        self._started = self.runner.clock.monotonic()

    async def run(self, steps: Sequence[Step], previous: Operation | None) -> AnyEnvironment:
        """Run the steps, and return the environment in the state that they achieved.

        `previous` is the failed operation that is taken up again, None to start anew.

        Raises:
            CommandFailed: A step failed, or a stop was asked for; it is on record.
            asyncio.CancelledError: The task was cancelled; that is on record too.
        """
        for message in self._noticed():
            told = Noticed(name=self._environment.name, command=self.command, message=message)
            self.runner.runtime.tell(told)
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
        in_doubt = {step.name for step in operation.in_doubt}
        try:
            await self.runner.run(steps, kept=len(kept), in_doubt=in_doubt)
            self._achieve()
        except StepStopped as stopped:
            self._fail(stopped)
        except StorageError as error:
            summary = f"all steps are done, and this could not be recorded: {error}"
            last = steps[-1].name if steps else self.command.value
            unrecorded = StepStopped(last, FailureCause.PERSISTENCE, summary)
            unrecorded.__cause__ = error
            self._fail(unrecorded)
        except BaseException as error:
            self._interrupted(error)
            raise
        self._end(None)
        return self._environment

    def _noticed(self) -> Iterator[str]:
        """Yield what the opening of the session brought to light."""
        crashed = self.runner.session.crashed
        if crashed is not None:
            yield f"the last command did not end by itself: {crashed.describe()}"
        yield from self.runner.session.notes

    @property
    def _environment(self) -> AnyEnvironment:
        return self.runner.session.environment

    def _operation(self, kept: tuple[StepResult, ...], previous: Operation | None) -> Operation:
        """Return the operation to open: what an earlier one began, and left in doubt, it takes over."""
        earlier = self._earlier
        doubted = previous or (earlier if self._superseded(previous) else None)
        return Operation(
            id=self.operation_id,
            command=self.command,
            started_at=self.started_at,
            holder=self.holder,
            steps_done=kept,
            doubts=doubted.in_doubt if doubted else (),
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
        """Record that the command was ended from outside; the error goes on whatever happens."""
        operation = self._environment.operation
        step = operation.step.name if operation and operation.step else self.command.value
        cause, summary, detail = self.runner.explain(error)
        if not isinstance(error, Exception):
            cause = FailureCause.CANCELLED
        failure = self._failure(StepStopped(step, cause, summary), detail)
        try:
            self._record_failure(failure)
        except StorageError as unsaved:
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
        if self.command is CommandName.DESTROY:
            left = self._left_by_destroy(left)
        record_failure(self.runner.session, failure, left, operation_id=self.operation_id)

    def _left_by_destroy(self, closed: Operation) -> Operation:
        """Return the operation on record after a failed destroy.

        One that took nothing away leaves the earlier operation as it was: what that one did, and
        what of it is in doubt, is still all there is to know.
        """
        earlier = self._earlier
        if closed.effects_begun or earlier is None or earlier.command is CommandName.DESTROY:
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
        ended = CommandEnded(
            name=self._environment.name,
            command=self.command,
            environment=self._environment,
            duration=self._elapsed,
            failure=failure,
        )
        self.runner.runtime.tell(ended)
