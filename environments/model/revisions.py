"""Fences: what is checked before anything is written, and what a record is said to belong to."""

from __future__ import annotations

from environments.model.environment import AnyEnvironment
from statechart.errors import Stale


def check_revision(environment: AnyEnvironment, on_record: AnyEnvironment, *, behind: int = 0) -> None:
    """Raise Stale unless an environment is the one on record, or follows it by `behind` revisions."""
    expected = environment.revision - behind
    if environment.lineage != on_record.lineage or expected != on_record.revision:
        raise Stale(
            environment.name,
            expected=expected,
            actual=on_record.revision,
            replaced=environment.lineage != on_record.lineage,
        )


def operation_id(before: AnyEnvironment, after: AnyEnvironment | None = None) -> str | None:
    """Return the operation that a change belongs to: the one it leaves, or else the one it ends."""
    operation = (after.operation if after else None) or before.operation
    return operation.id if operation else None
