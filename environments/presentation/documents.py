"""Documents: the values that `--json` prints."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from environments.model.condition import rollback
from environments.model.stored import StoredEntry, StoredEnvironment
from environments.presentation.guidance import next_steps, repairs
from environments.presentation.view import View, interrupted_condition, is_interrupted, note_of
from environments.selection import class_of
from statechart.storage.forms import Form

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydantic import BaseModel

    from environments.model.fields.last_look import LastLook
    from environments.model.records import AnyRecord, HistoryEntry
    from environments.model.stored import StoredRecord
    from environments.model.summary import Summary
    from environments.presentation.view import Shown
    from environments.storage.last_look import Looked

    Spell: TypeAlias = Callable[[str, str], str]
    """Spells a next command, in which `NAME` stands for the environment, for an environment."""


_AS_STORED = {"revision", "lineage", "created_at", "updated_at", "since", "spec", "outputs"}


def environment_document(view: View[Shown], spell: Spell, directory: Path) -> dict[str, object]:
    """Return an environment: its state as a string, its failure, and the next commands."""
    environment = view.environment
    stored = _plain(environment)
    failure = _plain(environment.failure) if environment.failure else None
    if failure and failure["trace_file"]:
        failure = {**failure, "trace_file": str(directory / failure["trace_file"])}
    operation = stored["operation"]
    if view.interrupted:
        operation = {**operation, "status": "interrupted"}
    return {
        "name": environment.name,
        "state": stored["state"]["name"],
        "condition": view.condition,
        "is_error": view.is_error,
        "actor": view.actor,
        "failure": failure,
        "operation": operation,
        "holder": _plain(view.holder) if view.holder else None,
        "pace": view.pace.document() if view.pace is not None else None,
        "labels": environment.labels,
        "expires_at": _text(environment.expires_at) if environment.expires_at else None,
        "drift": last_look_document(view.last_look, environment, spell),
        "next": [spell(step, environment.name) for step in view.next_steps],
        **{key: value for key, value in stored.items() if key in _AS_STORED},
        **({"artifacts": stored["artifacts"]} if environment.artifacts else {}),
        "directory": str(directory),
    }


def summary_document(
    summary: Summary | StoredEnvironment, spell: Spell, *, held: bool
) -> dict[str, object]:
    """Return a line of the list."""
    operation = summary.stored_operation
    interrupted = is_interrupted(operation, held=held)
    state = summary.state.name
    steps = next_steps(
        state,
        operation,
        held=held,
        rollback=rollback(summary.outputs) is not None,
        repairs=repairs(summary.last_look, summary.revision),
    )
    return {
        "name": summary.name,
        "state": state,
        "condition": interrupted_condition(state, operation) if interrupted else summary.condition,
        "is_error": summary.is_error or interrupted,
        "revision": summary.revision,
        "actor": summary.actor,
        "updated_at": _text(summary.updated_at),
        "since": _text(summary.since),
        "provider": summary.spec.provider.kind,
        "url": summary.outputs.url,
        "serving": summary.outputs.serving,
        "release": summary.outputs.release,
        "created_at": _text(summary.created_at),
        "expires_at": _text(summary.expires_at) if summary.expires_at else None,
        "labels": summary.labels,
        "class": class_of(summary, held=held),
        "note": note_of(operation, summary.state.failure, interrupted=interrupted),
        "drift": last_look_document(summary.last_look, summary, spell),
        "next": [spell(step, summary.name) for step in steps],
    }


def last_look_document(
    look: LastLook | None, environment: Looked, spell: Spell
) -> dict[str, object] | None:
    """Return the last look of `drift` at an environment; `current` if it has not changed since."""
    if look is None:
        return None
    return {
        "at": _text(look.at),
        "revision": look.revision,
        "current": look.is_of(environment.revision),
        "findings": [
            {
                "kind": each.kind,
                "what": each.what,
                "next": spell(f"{each.then} NAME", environment.name) if each.then else None,
            }
            for each in look.findings
        ],
        "unseen": look.unseen,
    }


def history_document(entry: HistoryEntry | StoredEntry) -> dict[str, object]:
    """Return a record; of the environment after it, only the state."""
    record = entry.record
    document = {**_envelope(entry), **_sparse(record)}
    return document if record.type == "step" else {**document, "state": str(record.environment.state.name)}


def _envelope(entry: HistoryEntry | StoredEntry) -> dict[str, Any]:
    return (
        entry.plain if isinstance(entry, StoredEntry) else entry.model_dump(mode="json", exclude={"record"})
    )


def _sparse(record: AnyRecord | StoredRecord) -> dict[str, Any]:
    """Return a record as JSON, without its environment and without keys that have no value."""
    if isinstance(record, Form):
        return record.plain
    return record.model_dump(mode="json", exclude={"environment"}, exclude_none=True)


def _plain(value: BaseModel | Form) -> dict[str, Any]:  # Any: JSON
    """Return a model, or its stored form, as JSON."""
    return value.plain if isinstance(value, Form) else value.model_dump(mode="json")


def _text(moment: datetime) -> str:
    """Return a moment as the models write it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
