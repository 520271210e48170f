"""Documents: what `--json` prints, as values that JSON knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.presentation.guidance import next_steps
from environments.presentation.view import View, interrupted_condition, is_interrupted

if TYPE_CHECKING:
    from pathlib import Path

    from environments.cli.report import Report
    from environments.cli.settings import Settings
    from environments.model.failure import Failure
    from environments.model.operation import Operation
    from environments.model.records import HistoryEntry
    from environments.model.summary import Summary


_AS_STORED = {"revision", "lineage", "created_at", "updated_at", "since", "spec", "outputs"}


def environment_document(view: View, settings: Settings, directory: Path) -> dict[str, object]:
    """Return an environment: its state as a string, and beside it what failed and what is next."""
    environment = view.environment
    return {
        "name": environment.name,
        "state": environment.state.name.value,
        "condition": view.condition,
        "is_error": view.is_error,
        "failure": _failure(environment.failure, directory),
        "operation": _operation(environment.operation, held=view.holder is not None),
        "holder": view.holder.model_dump(mode="json") if view.holder else None,
        "next": [settings.spell(step, environment.name) for step in view.next_steps],
        **environment.model_dump(mode="json", include=_AS_STORED),
        "directory": str(directory),
    }


def summary_document(summary: Summary, settings: Settings, *, held: bool) -> dict[str, object]:
    """Return a line of the list."""
    operation = summary.operation
    interrupted = is_interrupted(operation, held=held)
    state = summary.state.name
    return {
        "name": summary.name,
        "state": state.value,
        "condition": interrupted_condition(state, operation) if interrupted else summary.condition,
        "is_error": summary.is_error or interrupted,
        "revision": summary.revision,
        **summary.model_dump(mode="json", include={"since", "updated_at"}),
        "provider": summary.spec.provider.kind,
        "url": summary.outputs.url,
        "serving": summary.outputs.serving,
        "next": [settings.spell(step, summary.name) for step in next_steps(state, operation, held=held)],
    }


def unreadable_document(name: str, report: Report) -> dict[str, object]:
    """Return a line of the list for an environment that can't be read."""
    return {"name": name, **report.document()}


def history_document(entry: HistoryEntry) -> dict[str, object]:
    """Return a record; of the environment after it, only what state it was in."""
    record = entry.record.model_dump(mode="json", exclude={"environment"}, exclude_none=True)
    environment = getattr(entry.record, "environment", None)
    return {
        "seq": entry.seq,
        "revision": entry.revision,
        **entry.model_dump(mode="json", include={"at"}),
        "actor": entry.actor,
        "operation_id": entry.operation_id,
        **record,
        **({"state": environment.state.name.value} if environment is not None else {}),
    }


def _failure(failure: Failure | None, directory: Path) -> dict[str, object] | None:
    if failure is None:
        return None
    document = failure.model_dump(mode="json")
    document["trace_file"] = str(directory / failure.trace_file) if failure.trace_file else None
    return document


def _operation(operation: Operation | None, *, held: bool) -> dict[str, object] | None:
    if operation is None:
        return None
    document = operation.model_dump(mode="json")
    if is_interrupted(operation, held=held):
        document["status"] = "interrupted"
    return document
