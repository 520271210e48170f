"""Read the ends of journals, where the last records are; nothing is verified."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from statechart.storage.disk import OwnPath, translated
from statechart.storage.forms import read_json
from statechart.storage.layout import JOURNAL

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = 4096  # bytes that are read at first: a few records


def ending(root: Path, name: str, offset: int) -> bytes:
    """Return the bytes of a journal from an offset on; a negative offset counts from its end.

    Raises:
        StorageError: The journal can't be read.
    """
    # Built by pathlib, the path would take as long as reading the file.
    path = OwnPath(root, (name, JOURNAL))
    with translated("read", path):
        try:
            descriptor = path.open(os.O_RDONLY)
        except (FileNotFoundError, NotADirectoryError):
            return b""
        try:
            size = os.fstat(descriptor).st_size
            begin = offset if offset >= 0 else max(0, size + offset)
            return os.pread(descriptor, max(0, size - begin), begin)
        finally:
            os.close(descriptor)


def record_of(line: bytes) -> dict[str, Any] | None:  # Any: JSON, with a datetime as `at`
    """Return a line of a journal as a record, or None if it is none."""
    try:
        found = read_json(line)
        found["at"] = datetime.fromisoformat(found["at"])
        whole = (
            type(found["seq"]) is int and type(found["revision"]) is int and isinstance(found["data"], dict)
        )
        return found if whole and "value" in found and found["prev"] and found["type"] else None
    except (ValueError, TypeError, KeyError):
        return None


def last_records(root: Path, name: str) -> Iterator[dict[str, Any]]:
    """Yield the records of a journal from the last to the first, as far as they are whole.

    Raises:
        StorageError: The journal can't be read.
    """
    block, seen = _BLOCK, 0
    while True:
        content = ending(root, name, -block)
        lines = content.splitlines(keepends=True)
        # The first line may be cut: a longer block has the rest of it.
        begins = 0 if len(content) < block else 1
        for line in reversed(lines[begins : len(lines) - seen]):
            record = record_of(line)
            if record is None:
                return
            yield record
        if not begins:
            return
        block, seen = block * 8, len(lines) - begins
