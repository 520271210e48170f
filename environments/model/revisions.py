"""Revisions: the check before each write, and the operation of a change."""

from __future__ import annotations

from environments.model.environment import AnyEnvironment
from statechart.errors import Stale


def check_revision(environment: AnyEnvironment, recorded: AnyEnvironment, *, behind: int = 0) -> None:
    """Check that an environment is the latest revision, or follows it by `behind` revisions.

    Raises:
        Stale: The recorded environment has another revision, or was created again.
    """
    expected = environment.revision - behind
    if environment.lineage != recorded.lineage or expected != recorded.revision:
        raise Stale(
            environment.name,
            expected=expected,
            actual=recorded.revision,
            replaced=environment.lineage != recorded.lineage,
        )


def operation_id(before: AnyEnvironment, after: AnyEnvironment | None = None) -> str | None:
    """Return the id of the operation after a change, or of the operation that the change ended."""
    operation = (after.operation if after else None) or before.operation
    return operation.id if operation else None
