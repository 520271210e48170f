"""The schemas of the API's documents: those of the models, within those of the documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from environments.lifecycle import Lifecycle
from environments.model.environment import Outputs
from environments.model.failure import Failure
from environments.model.operation import Operation
from environments.model.records import (
    AmendedRecord,
    CreatedRecord,
    OperationRecord,
    RebasedRecord,
    StepRecord,
    TransitionRecord,
)
from environments.overview.row import GROUPS
from environments.selection import STATES
from statechart.graph import states
from statechart.holder import Holder

Schema: TypeAlias = dict[str, Any]  # Any: JSON Schema

_REF: Final = "#/components/schemas/{model}"
_TEXT: Final[Schema] = {"type": "string"}
_TEXT_OR_NULL: Final[Schema] = {"type": ["string", "null"]}
_FLAG: Final[Schema] = {"type": "boolean"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_TIME_OR_NULL: Final[Schema] = {"type": ["string", "null"], "format": "date-time"}
_SECONDS: Final[Schema] = {"type": "number", "minimum": 0}
_SECONDS_OR_NULL: Final[Schema] = {"type": ["number", "null"], "minimum": 0}
_TEXTS: Final[Schema] = {"type": "array", "items": _TEXT}
_LABELS: Final[Schema] = {"type": "object", "additionalProperties": _TEXT}
_RECORDS: Final[tuple[type[BaseModel], ...]] = (
    CreatedRecord,
    TransitionRecord,
    OperationRecord,
    AmendedRecord,
    RebasedRecord,
    StepRecord,
)


def schemas() -> dict[str, Schema]:
    """Return the schemas of all documents and of their parts, by name."""
    parts: tuple[type[BaseModel], ...] = (Failure, Operation, Holder, Outputs, *_RECORDS)
    _, found = models_json_schema([(each, "serialization") for each in parts], ref_template=_REF)
    definitions: dict[str, Schema] = found["$defs"]
    records = {each.__name__: _record(definitions[each.__name__]) for each in _RECORDS}
    made = {**definitions, **records, **_documents()}
    return {name: made[name] for name in sorted(_reached(made, _documents()))}


def _documents() -> dict[str, Schema]:
    environment = _environment()
    return {
        "Error": _object({"error": _object(_ERROR)}),
        "EnvironmentList": _list(),
        "EnvironmentSummary": _summary(),
        "UnreadableEnvironment": _object({"name": _TEXT, "error": _object(_ERROR)}),
        "Spec": _spec(),
        "Pace": _pace(),
        "LastLook": _last_look(),
        "Drift": _object({"name": _TEXT, "drift": _or_null("LastLook")}),
        "Environment": {
            "oneOf": [
                _object(environment),
                # As it was: the record that it is folded from, which nobody holds any more.
                _object({**environment, "seq": _COUNT, "at": _TIME}),
            ]
        },
        "History": _object(
            {"name": _TEXT, "history": {"type": "array", "items": _one_of(_RECORDS)}, "missing": _MISSING},
            optional=("missing",),
        ),
        "Story": _object(
            {
                "headline": _TEXT,
                "happened": _TEXTS,
                "known": _TEXTS,
                "unknown": _TEXTS,
                "words": {"type": "object", "additionalProperties": _TEXTS},
            }
        ),
        "Explanation": _object({**environment, "story": _ref("Story")}),
        "Chart": _object(
            {"format": _TEXT, "of": _TEXT, "current": _state(), "failed": _TEXT_OR_NULL, "diagram": _TEXT}
        ),
        "Log": _object({"name": _TEXT, "files": _TEXTS, "lines": _TEXTS}),
        "Trace": _object({"name": _TEXT, "file": _TEXT_OR_NULL, "trace": _TEXT}),
    }


_ERROR: Final[dict[str, Schema]] = {"code": _TEXT, "message": _TEXT, "next": _TEXTS}
_MISSING: Final[Schema] = {
    "type": "object",
    "description": "The records that are not there any more.",
    "properties": {"first_seq": _COUNT, "last_seq": _COUNT},
    "required": ["first_seq", "last_seq"],
}


def _environment() -> dict[str, Schema]:
    return {
        "name": _TEXT,
        "state": _state(),
        "condition": _TEXT,
        "is_error": _FLAG,
        "actor": _TEXT_OR_NULL,
        "failure": _or_null("Failure"),
        "operation": _or_null("Operation"),
        "holder": _or_null("Holder"),
        "pace": _or_null("Pace"),
        "labels": _LABELS,
        "expires_at": _TIME_OR_NULL,
        "drift": _or_null("LastLook"),
        "next": _TEXTS,
        "lineage": _TEXT,
        "revision": _COUNT,
        "created_at": _TIME,
        "updated_at": _TIME,
        "since": _TIME,
        "spec": _ref("Spec"),
        "outputs": _ref("Outputs"),
        "directory": _TEXT,
    }


def _summary() -> Schema:
    return _object(
        {
            "name": _TEXT,
            "state": _state(),
            "condition": _TEXT,
            "is_error": _FLAG,
            "revision": _COUNT,
            "actor": _TEXT_OR_NULL,
            "updated_at": _TIME,
            "since": _TIME,
            "provider": _TEXT,
            "url": _TEXT_OR_NULL,
            "serving": _TEXT_OR_NULL,
            "release": _TEXT_OR_NULL,
            "created_at": _TIME,
            "expires_at": _TIME_OR_NULL,
            "labels": _LABELS,
            "class": {"type": "string", "enum": [*STATES]},
            "note": _TEXT_OR_NULL,
            "drift": _or_null("LastLook"),
            "next": _TEXTS,
        }
    )


def _pace() -> Schema:
    return {
        **_object(
            {
                "elapsed": _SECONDS,
                "usual": _SECONDS_OR_NULL,
                "step": _TEXT_OR_NULL,
                "step_elapsed": _SECONDS_OR_NULL,
                "step_usual": _SECONDS_OR_NULL,
                "limit": _SECONDS_OR_NULL,
                "attempts": _COUNT,
                "programs": _TEXTS,
                "stuck": _TEXT_OR_NULL,
                "steps": {"type": "object", "additionalProperties": _SECONDS},
            }
        ),
        "description": "How long the command under way takes, and usually takes, in seconds.",
    }


def _last_look() -> Schema:
    finding = _object({"kind": _TEXT, "what": _TEXT, "next": _TEXT_OR_NULL})
    return {
        **_object(
            {
                "at": _TIME,
                "revision": _COUNT,
                "current": _FLAG,
                "findings": {"type": "array", "items": finding},
                "unseen": _TEXTS,
            }
        ),
        "description": "What drift found when it last looked; current if nothing has changed since.",
    }


def _list() -> Schema:
    return _object(
        {
            "environments": {"type": "array", "items": _ref("EnvironmentSummary")},
            "unreadable": {"type": "array", "items": _ref("UnreadableEnvironment")},
            "counts": {
                "type": "object",
                "description": "The environments of each group that the rest of the query finds.",
                "properties": dict.fromkeys(GROUPS, _COUNT),
                "required": list(GROUPS),
            },
            "total": _COUNT,
            "page": _COUNT,
            "pages": _COUNT,
            "per_page": _COUNT,
            "next": _TEXT_OR_NULL,
            "prev": _TEXT_OR_NULL,
        }
    )


def _spec() -> Schema:
    provider = {"type": "object", "properties": {"kind": _TEXT}, "required": ["kind"]}
    return _object(
        {
            "name": _TEXT,
            "provider": {**provider, "description": "The settings of a kind: see envchart schema."},
            "instance_name": _TEXT,
            "description": _TEXT,
            "labels": _LABELS,
            "expires": _TEXT_OR_NULL,
        },
        optional=("labels", "expires"),
    )


def _record(model: Schema) -> Schema:
    """Return the schema of a record as a history shows it: of the environment, only its state."""
    properties = {name: each for name, each in model["properties"].items() if name != "environment"}
    envelope: dict[str, Schema] = {
        "seq": _COUNT,
        "revision": _COUNT,
        "at": _TIME,
        "actor": _TEXT,
        "operation_id": _TEXT_OR_NULL,
    }
    state = {} if properties.keys() == model["properties"].keys() else {"state": _state()}
    required = [*envelope, "type", *model.get("required", ()), *state]
    return {
        "type": "object",
        "description": model["description"],
        "properties": {**envelope, **properties, **state},
        "required": [name for name in required if name != "environment"],
        "additionalProperties": False,
    }


def _object(properties: Mapping[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _ref(name: str) -> Schema:
    return {"$ref": _REF.format(model=name)}


def _or_null(name: str) -> Schema:
    return {"oneOf": [_ref(name), {"type": "null"}]}


def _one_of(models: tuple[type[BaseModel], ...]) -> Schema:
    return {"oneOf": [_ref(each.__name__) for each in models]}


def _state() -> Schema:
    return {"type": "string", "enum": list(states(Lifecycle))}


def _reached(made: Mapping[str, Schema], roots: Mapping[str, Schema]) -> set[str]:
    """Return the names of the schemas that the documents refer to, with their own."""
    reached: set[str] = set()
    waiting = [*roots]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += _references(made[name])
    return reached


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(reference := schema.get("$ref"), str):
            yield reference.rpartition("/")[2]
        for part in schema.values():
            yield from _references(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _references(part)
