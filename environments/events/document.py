"""Events as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from environments.model.records import StepRecord

if TYPE_CHECKING:
    from environments.model.records import HistoryEntry


def event_document(name: str, lineage: str, entry: HistoryEntry) -> dict[str, Any]:  # Any: JSON
    """Return a record as `events --json` prints it, and commands run after transitions get it.

    Of the environment after the record, it holds what messages and filters need.
    """
    record = entry.record
    document = {
        "name": name,
        "lineage": lineage,
        **entry.model_dump(mode="json", exclude={"record"}),
        **record.model_dump(mode="json", exclude={"environment"}, exclude_none=True),
    }
    if isinstance(record, StepRecord):
        return document
    environment = record.environment
    failure = environment.failure
    return {
        **document,
        "state": environment.state.name.value,
        "condition": environment.condition,
        "is_error": environment.is_error,
        "failure": failure and failure.model_dump(mode="json", exclude={"trace_file"}),
        "labels": dict(environment.spec.labels),
        "url": environment.outputs.url,
        "serving": environment.outputs.serving,
    }
