"""The schemas of the API's documents: those of the models, within those of the documents."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from environments.fleet.wishes import CONDITIONS
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
from statechart.dashboard.api.schemas import (
    COUNT,
    ERROR,
    FLAG,
    MISSING,
    REF,
    STORY,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    TIME,
    TIME_OR_NULL,
    Schema,
    or_null,
    paged,
    reached,
    ref,
    several,
    shape,
)
from statechart.graph import states
from statechart.holder import Holder

_SECONDS: Final[Schema] = {"type": "number", "minimum": 0}
_SECONDS_OR_NULL: Final[Schema] = {"type": ["number", "null"], "minimum": 0}
_LABELS: Final[Schema] = {"type": "object", "additionalProperties": TEXT}
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
    _, found = models_json_schema([(each, "serialization") for each in parts], ref_template=REF)
    definitions: dict[str, Schema] = found["$defs"]
    records = {each.__name__: _record(definitions[each.__name__]) for each in _RECORDS}
    made = {**definitions, **records, **_documents()}
    return reached(made, _documents())


def _documents() -> dict[str, Schema]:
    environment = _environment()
    return {
        "Error": ERROR,
        "EnvironmentList": paged(
            {
                "environments": several(ref("EnvironmentSummary")),
                "unreadable": several(ref("UnreadableEnvironment")),
            },
            GROUPS,
        ),
        "EnvironmentSummary": _summary(),
        "UnreadableEnvironment": shape({"name": TEXT, **ERROR["properties"]}),
        "Spec": _spec(),
        "Pace": _pace(),
        "LastLook": _last_look(),
        "Drift": shape({"name": TEXT, "drift": or_null("LastLook")}),
        "Environment": {
            "oneOf": [
                shape(environment),
                # As it was: the record that it is folded from, which nobody holds any more.
                shape({**environment, "seq": COUNT, "at": TIME}),
            ]
        },
        "History": shape(
            {"name": TEXT, "history": {"type": "array", "items": _one_of(_RECORDS)}, "missing": MISSING},
            optional=("missing",),
        ),
        "Story": STORY,
        "Explanation": shape({**environment, "story": ref("Story")}),
        "Chart": shape(
            {"format": TEXT, "of": TEXT, "current": _state(), "failed": TEXT_OR_NULL, "diagram": TEXT}
        ),
        "Log": shape({"name": TEXT, "files": TEXTS, "lines": TEXTS}),
        "Trace": shape({"name": TEXT, "file": TEXT_OR_NULL, "trace": TEXT}),
        "FleetWorkers": shape({"workers": several(ref("Worker"))}),
        "Worker": _worker(),
        "FleetWishes": shape({"wishes": several(ref("Wish"))}),
        "Wish": _wish(),
    }


def _worker() -> Schema:
    return shape(
        {
            **dict.fromkeys(("id", "name", "host", "user", "version"), TEXT),
            **dict.fromkeys(("pid", "slots", "spare"), COUNT),
            "since": TIME,
            "silent_seconds": _SECONDS,
            "drains": FLAG,
            "busy": TEXTS,
        }
    )


def _wish() -> Schema:
    return shape(
        {
            **dict.fromkeys(("id", "name", "goal", "by", "version"), TEXT),
            "condition": {"enum": [*CONDITIONS]},
            **dict.fromkeys(("cancelled_by", "worker", "doing", "state", "code", "message"), TEXT_OR_NULL),
            "attempts": COUNT,
            "asked_at": TIME,
            **dict.fromkeys(("begun_at", "ended_at"), TIME_OR_NULL),
            "exit_code": {"type": ["integer", "null"]},
        }
    )


def _environment() -> dict[str, Schema]:
    return {
        "name": TEXT,
        "state": _state(),
        "condition": TEXT,
        "is_error": FLAG,
        "actor": TEXT_OR_NULL,
        "failure": or_null("Failure"),
        "operation": or_null("Operation"),
        "holder": or_null("Holder"),
        "pace": or_null("Pace"),
        "labels": _LABELS,
        "expires_at": TIME_OR_NULL,
        "drift": or_null("LastLook"),
        "next": TEXTS,
        "lineage": TEXT,
        "revision": COUNT,
        "created_at": TIME,
        "updated_at": TIME,
        "since": TIME,
        "spec": ref("Spec"),
        "outputs": ref("Outputs"),
        "directory": TEXT,
    }


def _summary() -> Schema:
    return shape(
        {
            "name": TEXT,
            "state": _state(),
            "condition": TEXT,
            "is_error": FLAG,
            "revision": COUNT,
            "actor": TEXT_OR_NULL,
            "updated_at": TIME,
            "since": TIME,
            "provider": TEXT,
            "url": TEXT_OR_NULL,
            "serving": TEXT_OR_NULL,
            "release": TEXT_OR_NULL,
            "created_at": TIME,
            "expires_at": TIME_OR_NULL,
            "labels": _LABELS,
            "class": {"type": "string", "enum": [*STATES]},
            "note": TEXT_OR_NULL,
            "drift": or_null("LastLook"),
            "next": TEXTS,
        }
    )


def _pace() -> Schema:
    return {
        **shape(
            {
                "elapsed": _SECONDS,
                "usual": _SECONDS_OR_NULL,
                "step": TEXT_OR_NULL,
                "step_elapsed": _SECONDS_OR_NULL,
                "step_usual": _SECONDS_OR_NULL,
                "limit": _SECONDS_OR_NULL,
                "attempts": COUNT,
                "programs": TEXTS,
                "stuck": TEXT_OR_NULL,
                "steps": {"type": "object", "additionalProperties": _SECONDS},
            }
        ),
        "description": "How long the command under way takes, and usually takes, in seconds.",
    }


def _last_look() -> Schema:
    finding = shape({"kind": TEXT, "what": TEXT, "next": TEXT_OR_NULL})
    return {
        **shape(
            {
                "at": TIME,
                "revision": COUNT,
                "current": FLAG,
                "findings": {"type": "array", "items": finding},
                "unseen": TEXTS,
            }
        ),
        "description": "What drift found when it last looked; current if nothing has changed since.",
    }


def _spec() -> Schema:
    provider = {"type": "object", "properties": {"kind": TEXT}, "required": ["kind"]}
    return shape(
        {
            "name": TEXT,
            "provider": {**provider, "description": "The settings of a kind: see envchart schema."},
            "instance_name": TEXT,
            "description": TEXT,
            "labels": _LABELS,
            "expires": TEXT_OR_NULL,
        },
        optional=("labels", "expires"),
    )


def _record(model: Schema) -> Schema:
    """Return the schema of a record as a history shows it: of the environment, only its state."""
    properties = {name: each for name, each in model["properties"].items() if name != "environment"}
    envelope: dict[str, Schema] = {
        "seq": COUNT,
        "revision": COUNT,
        "at": TIME,
        "actor": TEXT,
        "operation_id": TEXT_OR_NULL,
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


def _one_of(models: tuple[type[BaseModel], ...]) -> Schema:
    return {"oneOf": [ref(each.__name__) for each in models]}


def _state() -> Schema:
    return {"type": "string", "enum": list(states(Lifecycle))}
