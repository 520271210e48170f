"""The chain of a journal's records, which both readers of journals verify.

The `prev` of each record is the SHA-256, in hex, of the line before.
"""

# No pydantic here: the fast reader imports this module.

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Protocol

CREATED = "created"
TRANSITION = "transition"
LAPSED = "lapsed"
REBASED = "rebased"
"""The type of a first record that continues a damaged history, above its revision."""

CHECKPOINT = "checkpoint"
"""The type of a first record that continues an ended segment, at its revision and with its value."""

ABOVE = 1_000_000
"""Added to the schema version in the line of a checkpoint.

Programs that know no segments thus refuse the journal as newer, and not as damaged.
"""

RESERVED = frozenset(("schema_version", "seq", "head_hash", "journal_size"))
"""The keys of a document that say which record it shows; a model may not use them."""


class Link(Protocol):
    """The parts of a record that chain it to the record before."""

    @property
    def seq(self) -> int:
        """The record's number, from 1."""
        ...

    @property
    def revision(self) -> int:
        """The value's revision after the record."""
        ...

    @property
    def prev(self) -> str:
        """The hash of the line before."""
        ...

    @property
    def value(self) -> dict[str, Any] | None:  # Any: JSON
        """The value after the record, if the record carries one."""
        ...


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a journal: its last record's numbers and hash, and its size in bytes."""

    lineage: str
    seq: int
    revision: int
    hash: str
    size: int


def origin(lineage: str, name: str) -> Head:
    """Return the head of a journal that has no record yet."""
    return Head(lineage, seq=0, revision=0, hash=sha256(f"{lineage}\n{name}".encode()).hexdigest(), size=0)


def before_first(type: str, lineage: str, name: str, link: Link) -> Head:
    """Return the head that the first record of a file follows.

    The revision of a rebased history, and all numbers of a checkpoint, are the record's own: other
    records of the file are compared with them.
    """
    if type == CREATED:
        return origin(lineage, name)
    if type == REBASED:
        return replace(origin(lineage, name), revision=link.revision - 1)
    return Head(lineage, link.seq - 1, link.revision - 1, link.prev, 0)


def misfit(before: Head, record: Link) -> str | None:
    """Return why a record can't follow a head, or None."""
    if record.seq != before.seq + 1:
        return f"record {record.seq} follows record {before.seq}"
    if record.prev != before.hash:
        return "its prev is not the hash of the line before: that line was changed after it was written"
    revision = before.revision + (record.value is not None)
    if record.revision != revision or not revision:
        return f"it has revision {record.revision} instead of {revision or 1}"
    return None


def lines_of(content: bytes) -> Iterator[bytes]:
    """Yield the lines of a journal, each with its line break; the last line may be unfinished."""
    begin = 0
    while begin < len(content):
        end = content.find(b"\n", begin) + 1 or len(content)
        yield content[begin:end]
        begin = end
