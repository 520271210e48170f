"""The condition of an environment, from the model or from its stored form."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from environments.model.failure import Failure
    from environments.model.operation import Operation
    from environments.model.stored import StoredFailure, StoredOperation
    from environments.model.summary import FailureHead

    AnyFailure: TypeAlias = Failure | StoredFailure
    AnyOperation: TypeAlias = Operation | StoredOperation


def teardown_begun(operation: AnyOperation | None) -> bool:
    """Return whether a destroy has begun to remove resources: only destroy may follow."""
    return operation is not None and operation.command == "destroy" and operation.effects_begun


def is_error(state: str, operation: AnyOperation | None) -> bool:
    """Return whether an environment needs attention: a failed state, or an unfinished teardown."""
    unfinished = operation is not None and teardown_begun(operation) and not operation.is_active
    return state.endswith("_failed") or unfinished


def condition(state: str, operation: AnyOperation | None, failure: AnyFailure | FailureHead | None) -> str:
    """Describe a state, and the command that is under way or has failed."""
    if operation is None:
        return f"{state} (failed at: {failure.step})" if failure else state
    command, step = operation.command, operation.step
    if operation.is_active:
        return f"{state} ({command} under way{f': step {step.name}' if step else ''})"
    ended = "interrupted" if operation.status == "interrupted" else "failed"
    at = operation.failure.step if operation.failure else step.name if step else None
    if command == "destroy":
        where = f"{ended} at {at}" if at else ended
        return f"{state}, destroy {where}{': partly torn down' if operation.effects_begun else ''}"
    if failure is not None:
        return f"{state} ({ended} at: {failure.step})"
    return f"{state} ({command} {ended}{f' at {at}' if at else ''})"
