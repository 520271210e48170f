"""Read a history as it grows, from the rows of its records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import sqlalchemy as sa

from statechart.errors import CorruptHistory
from statechart.storage.record import Record, read_line, verified
from statechart.storage.sql.tables import NAMES, RECORDS

if TYPE_CHECKING:
    from statechart.errors import Where
    from statechart.storage.chain import Head
    from statechart.storage.sql.reading import Names

_BLOCK: Final = 500
"""The records that are read at once, as a history may be long."""

# Built once, as building takes longer than asking; and one statement, so that a name and its records are of
# one moment.
_ROWS: Final = (
    sa.select(NAMES.c.lineage, NAMES.c.seq.label("last"), RECORDS.c.seq, RECORDS.c.segment, RECORDS.c.line)
    .outerjoin(
        RECORDS, sa.and_(RECORDS.c.lineage == NAMES.c.lineage, RECORDS.c.seq >= sa.bindparam("first"))
    )
    .where(NAMES.c.collection == sa.bindparam("collection"), NAMES.c.name == sa.bindparam("name"))
    .order_by(RECORDS.c.seq)
    .limit(sa.bindparam("most"))
)

_Row: TypeAlias = sa.Row[Any]

Upgrade: TypeAlias = "Callable[[Record, Where, int], Record]"


def _as_it_is(record: Record, _where: Where, _before: int) -> Record:
    return record


class SqlTail:
    """Reads the records of a name that were appended since the last look, each verified.

    See `statechart.stored.store.Tail`. The last records of a name that was deleted can't be read: they are
    deleted with it.

    Args:
        names: The names of the collection.
        name: The name; it may be gone, or appear later.
        known: The newest schema version that the reader understands.
        upgrade: Converts a record to the present schema.

    Attributes:
        begun: Whether the last record that was read is the first of a history, or of the part of a
            history that is read, and not the successor of the record read before it.
    """

    def __init__(self, names: Names, name: str, known: int, *, upgrade: Upgrade = _as_it_is) -> None:
        self.begun: bool = False
        self._names = names
        self._is_here = names.of(name)
        self._name = name
        self._place = names.place(name)
        self._known = known
        self._upgrade = upgrade
        self._head: Head | None = None
        self._segment = 0  # the number of its first record
        self._since: tuple[str, int] = "", 0
        self._from: datetime | None = None

    @property
    def lineage(self) -> str:
        """The incarnation of the last record that was read; empty before the first."""
        return self._head.lineage if self._head is not None else ""

    def resume(self, lineage: str, seq: int) -> None:
        """Leave out segments that hold nothing behind a record, if reading begins or begins anew.

        Args:
            lineage: The incarnation, or its beginning. In the history of another, all is read.
            seq: The number of the record.
        """
        self._since, self._from = (lineage, seq), None

    def begin_at(self, time: datetime) -> None:
        """Leave out segments that hold only records before a time, until `resume` says more."""
        self._from = time

    def read(self) -> Iterator[Record]:
        """Yield the records since the last call; at first, all.

        If the name was deleted and created again, or its history begun anew, all records of the new
        history are yielded. So are the records of a history that was damaged, or could not be read.

        Raises:
            CorruptHistory: A record is damaged or missing.
            NewerSchema: A newer program wrote a record.
            StorageError: The database can't be read.
        """
        try:
            if self._head is not None:
                rows = self._rows_behind(self._head)
                if rows is None:
                    self._head = None
                else:
                    yield from self._all(rows)
                    return
            yield from self._all(self._first_rows())
        except CorruptHistory:
            self.close()
            raise

    def close(self) -> None:
        """Begin with the first record at the next call of `read`."""
        self._head = None

    def _all(self, rows: Sequence[_Row]) -> Iterator[Record]:
        """Yield the records of some rows, and of the rows that follow them."""
        while rows:
            for row in rows:
                yield self._record(row)
            if len(rows) < _BLOCK:
                self._require_last(rows[-1])
                return
            assert self._head is not None
            rows = self._rows_behind(self._head) or ()

    def _require_last(self, row: _Row) -> None:
        """Check that the name has no record behind a row, of the moment at which the row was read."""
        if row.seq != row.last:
            raise self._corrupt(f"it ends with record {row.seq}, and records up to {row.last} were written")

    def _corrupt(self, problem: str, line: int | None = None) -> CorruptHistory:
        return CorruptHistory(self._name, self._place, problem, line)

    def _record(self, row: _Row) -> Record:
        """Return the record of a row that follows the head, and move the head."""
        begins = row.seq == row.segment
        before = self._head
        follows = before is not None and row.seq == before.seq + 1
        if begins:
            self._segment = row.seq
        line = row.seq - self._segment + 1
        head = None if begins else before
        read = verified(row.line, self._place, self._name, self._known, head, line=line)
        found = next(read, None)
        if found is None:  # of files, the last line may be cut
            raise self._corrupt("it is not JSON", line)
        record, self._head = found
        if begins and before is not None and (not follows or record.prev != before.hash):
            raise self._corrupt(f"it does not continue record {before.seq}, the last before", line)
        self.begun = before is None
        return self._upgrade(record, self._place, self._segment - 1)

    def _rows_behind(self, head: Head) -> Sequence[_Row] | None:
        """Return the rows behind a head, or None if the head is not of the present history."""
        rows = self._select(head.seq, limit=_BLOCK + 1)
        if not rows:  # the name is gone
            self._head = None
            return ()
        told = rows[0]
        is_same = (told.lineage, told.seq) == (head.lineage, head.seq)
        if not is_same or sha256(told.line).hexdigest() != head.hash:
            return None
        if len(rows) == 1:
            self._require_last(told)
        return rows[1:]

    def _first_rows(self) -> Sequence[_Row]:
        """Return the first rows that are wanted, from the beginning of a segment on."""
        rows = self._select(self._beginning(), limit=_BLOCK)
        if rows and (rows[0].seq is None or rows[0].seq != rows[0].segment):
            raise self._corrupt(f"record {rows[0].segment or 1} is missing")
        return rows

    def _beginning(self) -> int:
        """Return the number of the first record of the first segment that is wanted."""
        lineage, since = self._since
        if since <= 1 and self._from is None:
            return 1
        openings = (
            sa.select(RECORDS.c.seq, RECORDS.c.line, RECORDS.c.lineage)
            .join(NAMES, NAMES.c.lineage == RECORDS.c.lineage)
            .where(self._is_here, RECORDS.c.seq == RECORDS.c.segment)
            .order_by(RECORDS.c.seq.desc())
        )
        for row in self._names.rows(openings):
            if since > 1 and row.seq <= since and row.lineage.startswith(lineage):
                return int(row.seq)
            if self._from is not None and read_line(row.line).at < self._from:
                return int(row.seq)
        return 1

    def _select(self, first: int, *, limit: int) -> Sequence[_Row]:
        """Return the rows from a record on; of a name without any, a row without a record."""
        asked = {"collection": self._names.collection, "name": self._name, "first": first, "most": limit}
        return self._names.rows(_ROWS, asked)
