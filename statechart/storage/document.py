"""The document of a name: a projection of the journal, for people and for listings.

The document holds the model's own fields, indented, and four keys at the end that identify the
record that it shows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue
from pydantic_core import from_json, to_json

from statechart.errors import CorruptHistory, NewerSchema
from statechart.storage.chain import Head
from statechart.storage.disk import AnyPath, read_file
from statechart.storage.record import FIRST_VERSION

REBUILD = "the journal is authoritative: remove this file, and it is rebuilt from the journal"


@dataclass(frozen=True, slots=True)
class Document:
    """A document as read: the model's JSON and the record that it shows."""

    value: dict[str, JsonValue]
    schema_version: int
    seq: int
    head_hash: str
    journal_size: int

    def shows(self, head: Head, value: Mapping[str, JsonValue]) -> str | None:
        """Return how the document differs from the value at a head, or None."""
        if self.head_hash != head.hash or self.journal_size != head.size:
            return f"its record {self.seq} is not the record {self.seq} of the journal"
        if to_json(self.value) == to_json(value):
            return None  # mostly; key by key takes ten times as long
        differing = sorted(
            key for key in self.value.keys() | value.keys() if _text(self.value, key) != _text(value, key)
        )
        if differing:
            verb = "differs" if len(differing) == 1 else "differ"
            return f"it was edited: {', '.join(differing)} {verb} from record {self.seq}; {REBUILD}"
        return None


def _text(value: Mapping[str, JsonValue], key: str) -> str | None:
    # Texts are compared, as 1, 1.0 and True are equal in Python, but not in JSON.
    return json.dumps(value[key], sort_keys=True) if key in value else None


def encode(value: Mapping[str, JsonValue], head: Head, schema_version: int) -> bytes:
    """Return the bytes of a document that shows `value` at a head."""
    # The keys come last, where `Layout.documents` finds them without parsing the rest.
    keys = (
        f'  "schema_version": {schema_version},\n  "seq": {head.seq},\n'
        f'  "head_hash": "{head.hash}",\n  "journal_size": {head.size}\n}}\n'
    ).encode()
    if not value:
        return b"{\n" + keys
    return to_json(value, indent=2, inf_nan_mode="null")[:-2] + b",\n" + keys


def read(path: AnyPath, name: str, known: int) -> Document | None:
    """Read a document, or return None if the file is missing or torn.

    Raises:
        CorruptHistory: The file holds JSON, but not a document of this library.
        NewerSchema: A newer program wrote the document.
        NotOurs: The path is a symbolic link or not a file.
        StorageError: The file can't be read.
    """
    try:
        found = from_json(read_file(path) or b"")
    except ValueError:
        return None
    path = Path(path)
    if not isinstance(found, dict):
        raise CorruptHistory(name, path, f"it is not a JSON object; {REBUILD}")
    version = found.pop("schema_version", None)
    if type(version) is int and version > known:
        raise NewerSchema(name, path, version, known)
    seq, head_hash, size = (found.pop(key, None) for key in ("seq", "head_hash", "journal_size"))
    # `type`, as True is an int as well.
    if not (type(version) is int and type(seq) is int and type(size) is int and isinstance(head_hash, str)):
        raise CorruptHistory(name, path, f"it does not say which record it shows; {REBUILD}")
    if version < FIRST_VERSION:
        raise CorruptHistory(
            name, path, f"its schema_version is {version}, before the first ({FIRST_VERSION}); {REBUILD}"
        )
    return Document(found, version, seq, head_hash, size)
