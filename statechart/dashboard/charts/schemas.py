"""The schemas of the API's documents: those of the models, within those of the documents."""

from __future__ import annotations

from typing import Final

from pydantic.json_schema import models_json_schema

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
    Schema,
    or_null,
    paged,
    reached,
    ref,
    several,
    shape,
)
from statechart.dashboard.charts.rows import GROUPS
from statechart.holder import Holder
from statechart.stored.effects import DueEffect
from statechart.stored.verifying import Report

_OBJECT: Final[Schema] = {"type": "object"}
_BY_EVENT: Final[dict[str, Schema]] = {
    "allowed": TEXTS,
    "needs_payload": {"type": "object", "additionalProperties": TEXTS},
    "refused": {"type": "object", "additionalProperties": TEXT},
}
_FIELDS: Final[Schema] = {**_OBJECT, "description": "The fields of the model, with asterisks for secrets."}

_BY_LEAF: Final[dict[str, Schema]] = {
    "refused_by": {
        "type": "object",
        "description": "The reason of each active state, by event; of a chart with states within states.",
        "additionalProperties": {"type": "object", "additionalProperties": TEXT},
    }
}
_CONFIGURATION: Final[dict[str, Schema]] = {
    "configuration": {
        "type": "object",
        "description": "The active states, what history states remember, and the deadlines of timers.",
        "properties": {"active": TEXTS, "history": _OBJECT, "timers": _OBJECT},
    }
}
_TIMER: Final[dict[str, Schema]] = {"timer": TEXT, "event": TEXT, "at": TIME}
_ALLOWED: Final[dict[str, Schema]] = {
    **_CONFIGURATION,
    "timers": several(shape(_TIMER)),
    **_BY_EVENT,
    **_BY_LEAF,
}
"""The events that are allowed and refused, and the configuration that decides."""

_PLACES = ("directory", "store")
_NESTED = ("configuration", "timers", "refused_by")
"""Keys of charts with states within states or timers."""


def schemas() -> dict[str, Schema]:
    """Return the schemas of all documents and of their parts, by name."""
    parts = [(each, "serialization") for each in (Holder, DueEffect, Report)]
    _, found = models_json_schema(parts, ref_template=REF)  # type: ignore[arg-type]  # pairs, as asked for
    definitions: dict[str, Schema] = found["$defs"]
    report = definitions["Report"]
    report["properties"] |= {"intact": FLAG}
    report["required"] += ["intact"]
    return reached({**definitions, **_documents()}, _documents())


def _documents() -> dict[str, Schema]:
    summary = {"name": TEXT, "state": TEXT, "since": TIME, "revision": COUNT, "updated_at": TIME}
    value = {
        **summary,
        "is_error": FLAG,
        "value": _FIELDS,
        **_ALLOWED,
        "due": TEXTS,
        "holder": or_null("Holder"),
        "next": TEXTS,
        "directory": TEXT,  # of a value in files
        "store": TEXT,  # of a value in a database
    }
    unreadable = several(ref("UnreadableValue"))
    return {
        "Error": ERROR,
        "Summary": shape(summary),
        "UnreadableValue": shape({"name": TEXT, **ERROR["properties"]}),
        "ValueList": paged({"values": several(ref("Summary")), "unreadable": unreadable}, GROUPS),
        "Value": {
            "oneOf": [
                shape(value, optional=(*_PLACES, *_NESTED)),
                # As it was: what was asked for, and nothing of the present.
                shape(
                    {"name": TEXT, "asked": TEXT, "state": TEXT, **_CONFIGURATION, "value": _FIELDS},
                    optional=_NESTED,
                ),
            ]
        },
        "Record": _record(),
        "History": shape(
            {"name": TEXT, "history": several(ref("Record")), "missing": MISSING}, optional=("missing",)
        ),
        "Story": STORY,
        "Explanation": shape({**value, "story": ref("Story")}, optional=(*_PLACES, *_NESTED)),
        "Events": shape({"name": TEXT, "state": TEXT, **_ALLOWED}, optional=_NESTED),
        "Timers": shape(
            {"timers": several(shape({"name": TEXT, **_TIMER, "is_due": FLAG})), "unreadable": unreadable}
        ),
        "DueEffects": shape({"due": several(ref("DueEffect")), "unreadable": unreadable}),
        "Verified": shape({"values": several(ref("Report")), "intact": FLAG}),
        "Diagram": shape({"format": TEXT, "of": TEXT_OR_NULL, "current": TEXT_OR_NULL, "diagram": TEXT}),
    }


def _record() -> Schema:
    required = {"seq": COUNT, "revision": COUNT, "type": TEXT, "at": TIME, "actor": TEXT}
    return {
        "type": "object",
        "description": "A record: its own keys, and those of its type, such as the event of a transition.",
        "properties": {**required, "operation": TEXT, "schema_version": COUNT},
        "required": list(required),
    }
