"""Make, read and verify records, the lines of a journal.

Each line is a compact JSON object that ends with a newline. Its `prev` is the SHA-256, in hex, of the
line before, newline included. The first line's `prev` is the SHA-256 of `<lineage>\\n<name>`, with the
lineage and the name from its `data`. The first line of a later segment is a checkpoint, whose `prev` is the
SHA-256 of the last line of the segment before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, JsonValue, ValidationError, model_validator
from pydantic_core import from_json, to_json

from statechart.errors import CorruptHistory, NewerSchema, NotOurs, Where
from statechart.storage.chain import (
    ABOVE,
    CHECKPOINT,
    CREATED,
    REBASED,
    TRANSITION,
    Head,
    before_first,
    lines_of,
    misfit,
)
from statechart.utc import UtcDatetime
from statechart.wording import first_problem

FIRST_VERSION = 1
"""The first version of a schema; migrations count up from there."""


# Strict, as pydantic would otherwise read `true`, `1.0` and `"1"` as the number 1.
class Record(BaseModel, frozen=True, extra="forbid", strict=True):
    """A line of the journal.

    `seq` counts the records from 1. `revision` counts the records that carry a `value`,
    the value after the change; other records keep the revision. `data` depends on the type.
    """

    seq: int
    revision: int
    type: str
    at: UtcDatetime
    actor: str
    operation: str | None
    schema_version: int
    prev: str
    data: dict[str, JsonValue]
    value: dict[str, JsonValue] | None

    @property
    def event(self) -> str | None:
        """The event of a transition; None for a record of another type."""
        return self._text("event")

    @property
    def to_state(self) -> str | None:
        """The state that a transition leads to; None for a record of another type."""
        return self._text("to_state")

    @property
    def payload(self) -> Mapping[str, Any]:  # Any: JSON, of whatever came with the event
        """The recorded payload of a transition's event, as JSON; empty for a record of another type."""
        payload = self.data.get("payload") if self.type == TRANSITION else None
        return payload if isinstance(payload, dict) else {}

    def _text(self, name: str) -> str | None:
        text = self.data.get(name) if self.type == TRANSITION else None
        return text if isinstance(text, str) else None


_FILE = r"^history\.(\d{8,})-(\d{8,})(\.\d+)?\.jsonl$"
NAMED = re.compile(_FILE[:-1] + r"(\.gz)?$")
"""The names of ended segments; the groups are the first and the last record."""


class Ended(BaseModel, frozen=True, strict=True):
    """A segment that ended: a file of records that is not changed any more.

    Attributes:
        file: The name of the file, beside the journal; compressed, with `.gz` behind.
        records: The number of records.
        bytes: The size of the records, uncompressed.
        first_seq: The number of the first record.
        last_seq: The number of the last record.
        sha256: The hash of the records, uncompressed.
    """

    # The name leads nowhere else: it is read from a file that somebody may have edited.
    file: Annotated[str, Field(pattern=_FILE)]
    records: int
    bytes: int
    first_seq: int
    last_seq: int
    sha256: str

    @model_validator(mode="after")
    def _counts(self) -> Ended:
        if not 1 <= self.first_seq <= self.last_seq or self.records != self.last_seq - self.first_seq + 1:
            raise ValueError("its numbers contradict each other")
        return self


def ended_of(data: object) -> Ended | None:
    """Return the segment that a checkpoint's `data` describe, or None if they do not."""
    try:
        return Ended.model_validate(data.get("ended")) if isinstance(data, dict) else None
    except ValidationError:
        return None


@dataclass(frozen=True, slots=True)
class Draft:
    """The content of a record before it gets its place in the journal; `value` is compact JSON.

    Attributes:
        at: The time of the record; by default that at which its line is made.
    """

    type: str
    actor: str
    data: Mapping[str, object]
    operation: str | None = None
    value: bytes | None = None
    schema_version: int = 1
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A record with its bytes, and the head of the journal after it."""

    content: bytes
    record: Record
    head: Head


def line_after(head: Head, draft: Draft) -> Line:
    """Make the line that follows a head, without writing.

    Raises:
        ValueError: The content is not JSON, or could not be read back.
    """
    seq, revision = head.seq + 1, head.revision + (draft.value is not None)
    envelope = {
        "seq": seq,
        "revision": revision,
        "type": draft.type,
        "at": draft.at or datetime.now(UTC),
        "actor": draft.actor,
        "operation": draft.operation,
        "schema_version": draft.schema_version,
        "prev": head.hash,
        "data": draft.data,
    }
    content = b'%b,"value":%b}\n' % (to_json(envelope, inf_nan_mode="null")[:-1], draft.value or b"null")
    record = Record.model_validate_json(content)
    after = Head(head.lineage, seq, revision, sha256(content).hexdigest(), head.size + len(content))
    return Line(content, record, after)


@dataclass(frozen=True, slots=True)
class Scan:
    """A verified journal.

    `heads[i]` is the journal's head after `records[i]`. `torn` is an unfinished last line.
    """

    records: tuple[Record, ...]
    heads: tuple[Head, ...]
    torn: bytes = b""

    @property
    def head(self) -> Head:
        """The head after the last whole record."""
        return self.heads[-1]


def scan(content: bytes, path: Where, name: str, schema_version: int) -> Scan:
    """Read and verify a journal.

    Raises:
        CorruptHistory: A line is not JSON, or is not the successor of the line before.
        NewerSchema: A newer program wrote a record.
        NotOurs: The journal belongs to another name.
    """
    whole = tuple(verified(content, path, name, schema_version))
    torn = content[whole[-1][1].size :]
    return Scan(tuple(record for record, _ in whole), tuple(head for _, head in whole), torn)


def verified(
    content: bytes,
    path: Where,
    name: str,
    schema_version: int,
    before: Head | None = None,
    *,
    line: int = 1,
) -> Iterator[tuple[Record, Head]]:
    """Yield each record of a journal with the head after it, one at a time; raises the errors of `scan`.

    An unfinished last line is left out. With `before`, the content is only that after this head, and
    `line` the number of its first line.
    """
    size = 0
    begun = before.size if before is not None else 0
    for number, text in enumerate(lines_of(content), line):
        ends = size + len(text) == len(content)
        if not text.endswith(b"\n"):
            break
        record = _parsed(text, name, path, number, known=schema_version)
        if record is None:
            # Only the last line may be incomplete: a crash cut its append short.
            if not ends:
                raise CorruptHistory(name, path, "it is not JSON", number)
            break
        before = before or _beginning(record, path, name)
        problem = misfit(before, record)
        if problem:
            if record.type == CHECKPOINT and ended_of(record.data) is not None:
                problem = "another segment begins here: this file was joined with it"
            raise CorruptHistory(name, path, problem, number)
        size += len(text)
        before = Head(before.lineage, record.seq, record.revision, sha256(text).hexdigest(), begun + size)
        yield record, before
    if before is None:
        raise CorruptHistory(name, path, "it holds no whole record" if content else "it is empty")


def _parsed(line: bytes, name: str, path: Where, number: int, *, known: int) -> Record | None:
    try:
        record = read_line(line)
    except ValidationError as error:
        try:
            found = from_json(line)
        except ValueError:
            return None
        version = found.get("schema_version") if isinstance(found, dict) else None
        if type(version) is int and version > ABOVE and found.get("type") == CHECKPOINT:
            version -= ABOVE
        if type(version) is int and version > known:
            raise NewerSchema(name, path, version, known) from error
        raise CorruptHistory(name, path, f"it is not a record ({first_problem(error)})", number) from error
    if ABOVE < record.schema_version <= ABOVE + known and record.type != CHECKPOINT:
        # Not newer, or nobody could begin the damaged history anew.
        raise CorruptHistory(
            name, path, "it has the schema_version of a checkpoint, and another type", number
        )
    if record.schema_version > known:
        raise NewerSchema(name, path, record.schema_version, known)
    if record.schema_version < FIRST_VERSION:
        problem = f"its schema_version is {record.schema_version}, before the first ({FIRST_VERSION})"
        raise CorruptHistory(name, path, problem, number)
    return record


def read_line(line: bytes) -> Record:
    """Return the record in a line, with the schema version of its value.

    Raises:
        ValidationError: The line is not a record.
    """
    record = Record.model_validate_json(line)
    # By both, since users may have records of that type, too.
    if record.type == CHECKPOINT and record.schema_version > ABOVE:
        return record.model_copy(update={"schema_version": record.schema_version - ABOVE})
    return record


def _beginning(record: Record, path: Where, name: str) -> Head:
    lineage, inside = record.data.get("lineage"), record.data.get("name")
    known = record.type in (CREATED, REBASED, CHECKPOINT)
    if not known or not isinstance(lineage, str) or not isinstance(inside, str):
        raise CorruptHistory(name, path, "the first record does not say what was created", 1)
    if inside != name:
        raise NotOurs(
            path.parent if isinstance(path, Path) else path,
            f"is a copy: its journal is that of {inside!r}, not of {name!r}",
        )
    if record.type == CHECKPOINT:
        ended = ended_of(record.data)
        if ended is None or ended.last_seq != record.seq - 1 or record.value is None:
            raise CorruptHistory(name, path, "the first record does not say which segment it continues", 1)
    return before_first(record.type, lineage, inside, record)


def salvage(content: bytes, path: Where, name: str, known: int) -> tuple[list[Record], list[Record]]:
    """Return the sound records at the beginning and at the end of a damaged journal.

    The records at the end are chained among themselves; no record is in both lists. Bytes after the
    last line break are left out.

    Raises:
        NewerSchema: A newer program wrote a record.
        NotOurs: The journal belongs to another name.
    """
    runs: list[list[Record]] = [[]]
    head: Head | None = None
    for number, bare in enumerate(content.split(b"\n")[:-1], 1):
        line = bare + b"\n"
        record: Record | None = None
        with suppress(CorruptHistory):
            record = _parsed(line, name, path, number, known=known)
        if record is None:
            head = None
            runs.append([])
            continue
        if head is None and number == 1:
            with suppress(CorruptHistory):
                head = _beginning(record, path, name)
        if head is None or misfit(head, record):
            runs.append([])
        runs[-1].append(record)
        head = Head("", record.seq, record.revision, sha256(line).hexdigest(), 0)
    return runs[0], runs[-1] if len(runs) > 1 else []
