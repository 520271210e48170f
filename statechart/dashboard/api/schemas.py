"""Schemas: the parts that the documents of all APIs are described with, in JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

Schema: TypeAlias = dict[str, Any]  # Any: JSON Schema

REF: Final = "#/components/schemas/{model}"
TEXT: Final[Schema] = {"type": "string"}
TEXT_OR_NULL: Final[Schema] = {"type": ["string", "null"]}
FLAG: Final[Schema] = {"type": "boolean"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
TIME: Final[Schema] = {"type": "string", "format": "date-time"}
TIME_OR_NULL: Final[Schema] = {"type": ["string", "null"], "format": "date-time"}
TEXTS: Final[Schema] = {"type": "array", "items": TEXT}
MISSING: Final[Schema] = {
    "type": "object",
    "description": "The records that are not there any more.",
    "properties": {"first_seq": COUNT, "last_seq": COUNT},
    "required": ["first_seq", "last_seq"],
}


def shape(properties: Mapping[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    """Return the schema of an object that has these keys, and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def ref(name: str) -> Schema:
    """Return a reference to a schema."""
    return {"$ref": REF.format(model=name)}


def or_null(name: str) -> Schema:
    """Return the schema of a document that may be null."""
    return {"oneOf": [ref(name), {"type": "null"}]}


def several(items: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items}


ERROR: Final = shape({"error": shape({"code": TEXT, "message": TEXT, "next": TEXTS})})

STORY: Final = shape(
    {
        "headline": TEXT,
        "happened": TEXTS,
        "known": TEXTS,
        "unknown": TEXTS,
        "words": {"type": "object", "additionalProperties": TEXTS},
    }
)


def paged(lists: Mapping[str, Schema], groups: tuple[str, ...]) -> Schema:
    """Return the schema of a page of a list, with the lists that the command prints."""
    return shape(
        {
            **lists,
            "counts": {
                "type": "object",
                "description": "The number in each group that the rest of the query finds.",
                "properties": dict.fromkeys(groups, COUNT),
                "required": list(groups),
            },
            "total": COUNT,
            "page": COUNT,
            "pages": COUNT,
            "per_page": COUNT,
            "next": TEXT_OR_NULL,
            "prev": TEXT_OR_NULL,
        }
    )


def reached(made: Mapping[str, Schema], roots: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return the schemas that some refer to, with these themselves, by name."""
    found: set[str] = set()
    waiting = [*roots]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _references(made[name])
    return {name: made[name] for name in sorted(found)}


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(reference := schema.get("$ref"), str):
            yield reference.rpartition("/")[2]
        for part in schema.values():
            yield from _references(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _references(part)
