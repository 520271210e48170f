"""Fast reading of sound, settled histories, without pydantic.

The checks are those of `reading.find`. All other histories are left to that module, which reports the
problem.
"""

import json
import os
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from statechart.errors import NotOurs, StorageError
from statechart.storage.chain import (
    ABOVE,
    CHECKPOINT,
    CREATED,
    REBASED,
    Head,
    before_first,
    lines_of,
    misfit,
)
from statechart.storage.disk import read_file
from statechart.storage.disk.lock_probe import is_held
from statechart.storage.forms import Form, read_form, read_json
from statechart.storage.layout import DOCUMENT, JOURNAL, Layout


class Line(Form):
    """A record, as stored in a line of the journal."""

    seq: int
    revision: int
    type: str
    at: datetime
    actor: str
    operation: str | None
    schema_version: int
    prev: str
    data: dict[str, Any]  # Any: JSON, here and below
    value: dict[str, Any] | None


class Settled(NamedTuple):
    """A verified journal whose document shows the last record.

    Attributes:
        value: The value.
        content: The journal.
        is_whole: Whether the journal holds all records: no segment ended before it.
    """

    value: dict[str, Any]
    content: bytes
    is_whole: bool

    def lines(self) -> Iterator[Line]:
        """Yield the records, one at a time, as a history may be long."""
        return (read_form(Line, read_json(line)) for line in lines_of(self.content))


def settled(layout: Layout, name: str, known: int) -> Settled | None:
    """Return the history of a name if the journal is sound and the document is current, or None.

    Args:
        layout: Where the files are.
        name: The name to read.
        known: The schema version of the document and of every record.
    """
    try:
        directory = layout.own(layout.require(name))
        document = read_json(read_file(directory / DOCUMENT) or b"")
        content = read_file(directory / JOURNAL) or b""
        first, last, head = _verified(content, name, known)
        expected = {
            **(last.value or {}),
            "schema_version": known,
            "seq": head.seq,
            "head_hash": head.hash,
            "journal_size": head.size,
        }
        # Equal texts mean equal JSON; in Python 1, 1.0 and True are equal as well.
        agree = json.dumps(document, sort_keys=True) == json.dumps(expected, sort_keys=True)
    except (StorageError, ValueError, RecursionError):
        return None
    if not agree or last.value is None:
        return None
    return Settled(last.value, content, first.type != CHECKPOINT)


def _verified(content: bytes, name: str, known: int) -> tuple[Line, Line, Head]:
    """Return the first and the last record of a journal, and its head.

    Raises:
        ValueError: The journal is damaged, unfinished, or of another schema version or name.
    """
    first: Line | None = None
    line: Line | None = None
    head: Head | None = None
    for content_line in lines_of(content):
        line = read_form(Line, read_json(content_line))
        before = head or _beginning(line, name)
        first = first or line
        version = known + ABOVE if line is first and line.type == CHECKPOINT else known
        if line.schema_version != version or misfit(before, line) or not content_line.endswith(b"\n"):
            raise ValueError
        size = before.size + len(content_line)
        head = Head(before.lineage, line.seq, line.revision, sha256(content_line).hexdigest(), size)
    if first is None or line is None or head is None:
        raise ValueError
    return first, line, head


def _beginning(line: Line, name: str) -> Head:
    lineage = line.data.get("lineage")
    known = line.type in (CREATED, REBASED, CHECKPOINT)
    if not known or not isinstance(lineage, str) or line.data.get("name") != name:
        raise ValueError
    return before_first(line.type, lineage, name, line)


def is_free(layout: Layout, name: str) -> bool:
    """Return whether no process holds a name; False if the lock can't be read."""
    try:
        descriptor = layout.own(layout.lock(name)).open(os.O_RDONLY)
    except FileNotFoundError:
        return True
    except (OSError, NotOurs):
        return False
    try:
        return not is_held(descriptor)
    except OSError:
        return False
    finally:
        os.close(descriptor)
