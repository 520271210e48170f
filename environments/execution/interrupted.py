"""Refuse interrupted commands, and record the end of commands that could not."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from environments.errors import OperationInterrupted
from environments.execution.transitions import record_failure
from environments.model.failure import Failure, FailureCause

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.operation import Operation
    from environments.ports import Clock, Session


def require_settled(session: Session, clock: Clock) -> None:
    """Check that no command was interrupted.

    A command that ended in order, but could not record its end because of a full disk, is recorded
    as failed here. Its steps in doubt stay in doubt.

    Raises:
        OperationInterrupted: A command died; recovery has to find out how far it came.
    """
    settle_unrecorded(session, clock)
    refuse_interrupted(session.environment)


def refuse_interrupted(environment: AnyEnvironment) -> None:
    """Raise OperationInterrupted if a command died in the middle. The caller knows of no holder."""
    operation = environment.operation
    if operation is not None and operation.is_active:
        raise OperationInterrupted(environment.name, operation)


def settle_unrecorded(session: Session, clock: Clock) -> None:
    """Record the failure of a command that released the environment with an open operation."""
    operation, holder = session.environment.operation, session.released_by
    if operation is None or not operation.is_active or holder is None:
        return
    # The token says that the process that opened the operation has released the lock itself.
    if holder.token == operation.holder.token:
        failure = _failure(operation, clock)
        record_failure(session, failure, operation.failed(failure), operation_id=operation.id)


def _failure(operation: Operation, clock: Clock) -> Failure:
    step = operation.step.name if operation.step else operation.command.value
    return Failure(
        command=operation.command,
        step=step,
        cause=FailureCause.PERSISTENCE,
        summary="its end could not be recorded at the time",
        started_at=operation.started_at,
        failed_at=clock.now(),
        duration=timedelta(),  # unknown: the end was not recorded
        trace_id=operation.id,
    )
