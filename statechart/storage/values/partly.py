"""Read of a value's JSON only what differs from JSON that was read before."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from functools import lru_cache
from itertools import groupby
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

DECLARED: Final = "_changing_fields"
"""The class variable with which a model names the fields that are read by themselves.

A model may declare it if no validator of a named field looks at another field, and no validator of the
model at a named field. Its fields have no aliases. The first field of each run, named or not, is always
written, and the last field is named: its reader then reaches the end of the document.
"""


class PartlyRead:
    """Tells whether JSON is readable by what it has in common with JSON that was read.

    The fields of a model are written in order, so they form runs: those that mostly stay as they were, and
    those that change. If the former are the same bytes, only the latter are read.

    Args:
        model: The model.
        changing: The fields that change.
    """

    def __init__(self, model: type[BaseModel], changing: Sequence[str]) -> None:
        runs = [
            (changes, list(names))
            for changes, names in groupby(model.model_fields, key=lambda name: name in changing)
        ]
        self._marks = [f',"{names[0]}":'.encode() for _, names in runs[1:]]
        self._readers = [_reader(model, names) if changes else None for changes, names in runs]

    def reads(self, content: bytes, before: bytes, context: object) -> bool:
        """Return whether JSON is certainly readable; if not, it may be readable nevertheless.

        Args:
            content: JSON of the model.
            before: JSON of the model that was read.
            context: The validation context of both.
        """
        parts, earlier = self._cut(content), self._cut(before)
        if len(parts) != len(self._readers) or len(earlier) != len(parts):
            return False
        # A mark may also stand within a field. Still, equal bytes lead to the same place of the grammar,
        # and what a reader accepts is whole: it ends where it began, between two fields of the model.
        try:
            for reader, part, same in zip(self._readers, parts, earlier, strict=True):
                if reader is not None:
                    reader.model_validate_json(b"{%b}" % part[1:], context=context)
                elif part != same:
                    return False
        except ValidationError:
            return False
        return True

    def _cut(self, content: bytes) -> list[bytes]:
        """Return the fields of each run, without the braces; the first separator is kept."""
        parts, start, end = [], 0, len(content) - 1
        for mark in self._marks:
            found = content.find(mark, start)
            if found < 0:
                return []
            parts.append(content[start:found])
            start = found
        return [*parts, content[start:end]]


def _reader(model: type[BaseModel], names: Sequence[str]) -> type[BaseModel]:
    fields: Any = {}
    for name in names:
        field = copy(model.model_fields[name])
        if not field.is_required():  # what is missing is readable, and need not be made
            field.default = field.default_factory = None
        fields[name] = (field.annotation, field)
    return create_model(
        f"{model.__name__}Part", __config__=ConfigDict(extra="forbid", frozen=True), **fields
    )


def partly_read(model: type[BaseModel]) -> PartlyRead | None:
    """Return the reader of parts of a model, if the model itself declares that this is possible."""
    # Not what it inherits: a subclass may have validators of its own.
    return _made(model) if DECLARED in vars(model) else None


@lru_cache(maxsize=16)
def _made(model: type[BaseModel]) -> PartlyRead:
    return PartlyRead(model, vars(model)[DECLARED])
