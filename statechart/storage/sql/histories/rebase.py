"""Begin a new history in a database from the readable part of a damaged history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from pydantic_core import from_json

from statechart.errors import CorruptHistory, LeaseLost, NotDamaged
from statechart.storage.document import Document
from statechart.storage.rebase import (
    Beginning,
    Candidate,
    Evidence,
    behind_and_before,
    latest_first,
    shown_value,
    stamp,
    valued,
)
from statechart.storage.record import Line, Record, salvage
from statechart.storage.sql.leases.held import HeldRow
from statechart.storage.sql.leases.outcome import until_known
from statechart.storage.sql.reading import Names, find, record_of, row_of, segment_of
from statechart.storage.sql.tables import NAMES, RECORDS
from statechart.storage.values.codec import Codec, Loaded, ModelT


def survey(names: Names, name: str, codec: Codec[ModelT]) -> Evidence[ModelT]:
    """Read the usable parts of a damaged history, and change nothing.

    Raises:
        NotDamaged: The history is sound.
        NotFound: The name does not exist.
        NewerSchema: A newer program wrote a record.
        StorageError: The database can't be read.
    """
    try:
        present = find(names, name, codec.schema_version)
        codec.value(present.recent, names.place(name), name, before=present.before)
    except CorruptHistory as problem:
        return _evidence(names, name, codec, problem)
    raise NotDamaged(name)


def _evidence(names: Names, name: str, codec: Codec[ModelT], problem: CorruptHistory) -> Evidence[ModelT]:
    place, row = names.place(name), names.row(name, *NAMES.c)
    journal = segment_of(names.database, row.lineage, _last_segment(names, row.lineage))
    beginning, tail = salvage(journal, place, name, codec.schema_version)
    found = [*behind_and_before(codec, beginning, tail, place, name), *_shown(codec, row, place, name)]
    if not found:
        run = _ended(names, row.lineage, name, codec)
        found.extend(valued(codec, run, place, name, "the segment before the damaged one"))
    return Evidence(
        name=name,
        problem=problem,
        sound=len(beginning),
        candidates=latest_first(found),
        lineage=row.lineage,
        revision=max((record.revision for record in (*beginning, *tail)), default=row.revision),
        journal=journal,
        document=f"{row.seq} {row.hash} {row.size} {row.value}".encode(),
    )


def _last_segment(names: Names, lineage: str, before: int | None = None) -> int:
    """Return the number of the last segment that has records, or 0."""
    last = sa.select(sa.func.max(RECORDS.c.segment)).where(RECORDS.c.lineage == lineage)
    if before is not None:
        last = last.where(RECORDS.c.segment < before)
    return int(names.rows(last)[0][0] or 0)


def _ended(names: Names, lineage: str, name: str, codec: Codec[ModelT]) -> list[Record]:
    """Return the sound records at the end of the segment before the last, or else at its beginning."""
    segment = _last_segment(names, lineage, _last_segment(names, lineage))
    content = segment_of(names.database, lineage, segment)
    beginning, tail = salvage(content, names.place(name), name, codec.schema_version)
    return tail or beginning


def _shown(codec: Codec[ModelT], row: sa.Row[Any], place: str, name: str) -> Iterator[Candidate[ModelT]]:
    """Yield the value in the row of the name, if it fits the model."""
    with suppress(CorruptHistory, ValueError):
        shown = Document(from_json(row.value), row.schema_version, row.seq, row.hash, row.size)
        yield shown_value(codec, shown, place, name, f"the value in {NAMES.name}")


def begin_anew(
    names: Names,
    codec: Codec[ModelT],
    held: HeldRow,
    evidence: Evidence[ModelT],
    beginning: Beginning[ModelT],
) -> Loaded[ModelT]:
    """Keep the damaged lines under another lineage, and begin a new history with a value.

    Raises:
        LeaseLost: Another holder took the name meanwhile; nothing was changed.
        StorageError: The new history could not be written; the damaged history is unchanged.
    """
    name = evidence.name
    kept = f"{beginning.lineage[:32]}#damaged-{stamp()}"
    readable, tail = salvage(evidence.journal or b"", names.place(name), name, codec.schema_version)
    if not readable:
        readable = _ended(names, beginning.lineage, name, codec)
    value, line = beginning.line(codec, evidence, kept, [*readable, *tail])
    shown = codec.stored(value, name).decode()

    def is_there() -> bool | None:
        found = names.rows(sa.select(NAMES.c.hash).where(NAMES.c.lineage == beginning.lineage))
        return True if [row.hash for row in found] == [line.head.hash] else None

    until_known(name, lambda: _replace(names, held, name, kept, line, shown), is_there)
    names.tell(name)
    return Loaded(value, line.head, (f"the damaged history was kept as {kept}",))


def _replace(names: Names, held: HeldRow, name: str, kept: str, line: Line, shown: str) -> bool:
    mine = sa.and_(NAMES.c.lineage == held.lineage, NAMES.c.fence == held.fence)
    row = row_of(names, name, line, shown, fence=held.fence + 1)
    copied = sa.select(sa.literal(kept), RECORDS.c.seq, RECORDS.c.segment, RECORDS.c.line).where(
        RECORDS.c.lineage == held.lineage
    )
    with names.database.writing() as connection:
        # The name goes first, and comes last: its records are protected as long as it exists.
        if connection.execute(sa.delete(NAMES).where(mine)).rowcount != 1:
            raise LeaseLost(name, names.place(name), "was taken over by another holder")
        columns = ["lineage", "seq", "segment", "line"]
        connection.execute(sa.insert(RECORDS).from_select(columns, copied))
        connection.execute(sa.delete(RECORDS).where(RECORDS.c.lineage == held.lineage))
        connection.execute(sa.insert(NAMES).values(row))
        connection.execute(sa.insert(RECORDS).values(record_of(line, line.head.seq)))
    return True
