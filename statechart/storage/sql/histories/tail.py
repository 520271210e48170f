"""Read a history in a database as it grows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from statechart.errors import CorruptHistory, StorageError
from statechart.storage.chain import Head
from statechart.storage.record import Record, read_line, verified
from statechart.storage.segments.whole import Upgrade
from statechart.storage.sql.histories.reading import Names
from statechart.storage.sql.tables import NAMES, RECORDS


class SqlTail:
    """Reads the records of a name that were appended since the last look, each verified.

    Args:
        names: The names of the collection.
        name: The name; it may be gone, or appear later.
        known: The newest schema version that the reader understands.
        upgrade: Converts a record to the present schema.

    Attributes:
        begun: Whether the last record that was read is the first of a history, or of the part of a history
            that is read, and not the successor of the record read before it.
    """

    def __init__(self, names: Names, name: str, known: int, *, upgrade: Upgrade) -> None:
        self.begun: bool = False
        self._names = names
        self._name = name
        self._known = known
        self._upgrade = upgrade
        self._told: Head | None = None
        self._first = 1  # of the segment of the last record that was read
        self._since: tuple[str, int] = "", 0
        self._from: datetime | None = None

    @property
    def lineage(self) -> str:
        """The incarnation of the last record that was read; empty before the first."""
        return self._told.lineage if self._told is not None else ""

    def resume(self, lineage: str, seq: int) -> None:
        """Leave out ended segments that hold nothing behind a record, if reading begins or begins anew.

        Args:
            lineage: The incarnation, or its beginning. In the history of another one, all is read.
            seq: The number of the record.
        """
        self._since, self._from = (lineage, seq), None

    def begin_at(self, time: datetime) -> None:
        """Leave out ended segments that hold only records before a time, until `resume` says more."""
        self._from = time

    def read(self) -> Iterator[Record]:
        """Yield the records since the last call; at first, all.

        If the name was purged and created again, or its history begun anew, the new history is read from its
        first record. The records of a history that could not be read are all yielded again.

        Raises:
            CorruptHistory: The history is damaged.
            NewerSchema: A newer program wrote a record.
            StorageError: The database can't be read.
        """
        try:
            lineage = self._present()
            if lineage is None:
                self.close()
                return
            if self._told is not None and not self._is_still(lineage):
                self._told = None
            yield from self._behind(lineage)
        except StorageError:
            self.close()
            raise

    def close(self) -> None:
        """Forget what was read. The next call of `read` begins with the first record."""
        self._told = None

    def _present(self) -> str | None:
        found = self._names.rows(sa.select(NAMES.c.lineage).where(self._names.of(self._name)))
        return str(found[0].lineage) if found else None

    def _is_still(self, lineage: str) -> bool:
        """Return whether the last record that was read is a part of the present history."""
        told = self._told
        assert told is not None
        line = sa.select(RECORDS.c.line).where(RECORDS.c.lineage == lineage, RECORDS.c.seq == told.seq)
        found = self._names.rows(line)
        return told.lineage == lineage and [sha256(row.line).hexdigest() for row in found] == [told.hash]

    def _behind(self, lineage: str) -> Iterator[Record]:
        """Yield the records behind the last one that was read, a segment at a time."""
        told = self._told
        first = self._beginning(lineage) if told is None else self._first
        while True:
            lines = self._lines(lineage, first, 0 if told is None else told.seq)
            for segment, rows in groupby(lines, key=lambda row: int(row.segment)):
                yield from self._of_segment(segment, b"".join(row.line for row in rows))
            if told is self._told:
                return
            told, first = self._told, self._first

    def _lines(self, lineage: str, first: int, behind: int) -> list[sa.Row[Any]]:
        """Return the lines of a segment behind a record, and those of the next segment."""
        following = (
            sa.select(RECORDS.c.segment)
            .where(RECORDS.c.lineage == lineage, RECORDS.c.seq > behind, RECORDS.c.segment > first)
            .order_by(RECORDS.c.seq)
            .limit(1)
            .scalar_subquery()
        )
        return self._names.rows(
            sa.select(RECORDS.c.segment, RECORDS.c.line)
            .where(
                RECORDS.c.lineage == lineage,
                RECORDS.c.seq > behind,
                sa.or_(RECORDS.c.segment == first, RECORDS.c.segment == following),
            )
            .order_by(RECORDS.c.seq)
        )

    def _of_segment(self, first: int, content: bytes) -> Iterator[Record]:
        place = self._names.place(self._name)
        told = self._told
        continues = told is not None and first == self._first
        line = 1 if told is None or not continues else told.seq - first + 2
        found = verified(content, place, self._name, self._known, told if continues else None, line=line)
        for record, head in found:
            before = self._told
            if before is not None and (record.seq, record.prev) != (before.seq + 1, before.hash):
                problem = f"record {record.seq} does not continue record {before.seq}"
                raise CorruptHistory(self._name, place, problem)
            self.begun = before is None
            self._told, self._first = head, first
            yield self._upgrade(record, place, first - 1)

    def _beginning(self, lineage: str) -> int:
        """Return the number of the first record of the first segment that is wanted."""
        since, seq = self._since
        if since and lineage.startswith(since):
            found = self._at(lineage, max(seq, 1), RECORDS.c.segment)
            return 1 if found is None else int(found)
        last = self._names.rows(sa.select(NAMES.c.segment).where(NAMES.c.lineage == lineage))
        first = int(last[0].segment) if last else 1
        while self._from is not None and first > 1:
            opening = self._at(lineage, first, RECORDS.c.line)
            if opening is None or read_line(opening).at < self._from:
                return first
            first = int(self._at(lineage, first - 1, RECORDS.c.segment) or 1)
        return 1

    def _at(self, lineage: str, seq: int, column: sa.Column[Any]) -> Any:  # Any: of the column
        """Return a column of a record, or None if the record is not there."""
        found = self._names.rows(
            sa.select(column).where(RECORDS.c.lineage == lineage, RECORDS.c.seq == seq)
        )
        return found[0][0] if found else None
