"""Read the ends of histories from their rows; nothing is verified."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from statechart.storage.forms import read_json
from statechart.storage.record import FIRST_VERSION
from statechart.storage.sql.reading import Names
from statechart.storage.sql.tables import NAMES, RECORDS
from statechart.storage.values.deadlines import microseconds
from statechart.stored.unverified import record_of

_AT_ONCE: Final = 500  # names in a statement
_EARLIER: Final = 8  # records before the last that are read with it, where the last has no value
_BLOCK: Final = 50  # records that are read at once, after that
_NO_VALUE: Final = b'"value":null}\n'

_LAST = sa.and_(RECORDS.c.lineage == NAMES.c.lineage, RECORDS.c.seq == NAMES.c.seq)

# Equally spelled by both databases: the end of the bytes of a line.
_ENDING = sa.func.substr(RECORDS.c.line, sa.func.length(RECORDS.c.line) - len(_NO_VALUE) + 1)
_VALUE = sa.case((sa.literal(_NO_VALUE, sa.LargeBinary) == _ENDING, NAMES.c.value)).label("value")


@dataclass(frozen=True, slots=True)
class RowEnds:
    """The ends of the histories of a collection; see `statechart.stored.store.Ends`.

    Attributes:
        names: The names of the collection.
        known: The schema version in which values can be read as they are.
    """

    names: Names
    known: int

    def all(self, names: Iterable[str] | None = None, *, records: bool = True) -> Iterator[RowEnding]:
        """Yield the ends of all histories, by name, or of some, in their order."""
        columns = (NAMES.c.name, NAMES.c.lineage, NAMES.c.schema_version)
        asked = sa.select(*columns, NAMES.c.value)
        if records:
            # The last record has the value already, or is of one of the few kinds that have none.
            asked = sa.select(*columns, _VALUE, RECORDS.c.line).outerjoin(RECORDS, _LAST)
        wanted = None if names is None else list(names)
        found = {row.name: row for row in self._rows(asked, wanted)}
        earlier = self._earlier(found.values()) if records else {}
        for name in sorted(found) if wanted is None else wanted:
            if (row := found.get(name)) is not None:
                last = record_of(row.line) if records and row.line else None
                yield RowEnding(self, row, last, earlier.get(row.lineage, ()))

    def timed(self, names: Collection[str] | None, until: datetime) -> Iterator[RowEnding]:
        """Yield the ends of the histories with a deadline by a moment, as the index has them."""
        asked = sa.select(NAMES.c.name, NAMES.c.lineage, NAMES.c.schema_version, NAMES.c.value)
        wanted = None if names is None else list(names)
        questions = [asked.where(NAMES.c.due <= microseconds(until))]
        if self.known > FIRST_VERSION:
            # A migration may begin timers. Until the next commit, only the migrated value has them.
            older = asked.where(NAMES.c.schema_version != self.known)
            questions = [questions[0].where(NAMES.c.schema_version == self.known), older]
        for question in questions:
            for row in self._rows(question, wanted):
                yield RowEnding(self, row, None, ())

    def records(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the records of a name from the last to the first, as far as they are whole."""
        for row in self.names.rows(sa.select(NAMES.c.lineage).where(self.names.of(name))):
            yield from self.before(row.lineage, None)

    def lasts(self, names: Collection[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield names with their last records, as far as they can be read."""
        asked = sa.select(NAMES.c.name, RECORDS.c.line).join(RECORDS, _LAST)
        for row in self._rows(asked, list(names)):
            if (record := record_of(row.line)) is not None:
                yield row.name, record

    def heads(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield all names with their incarnations and last records, as far as they can be read."""
        asked = sa.select(NAMES.c.name, NAMES.c.lineage, RECORDS.c.line).join(RECORDS, _LAST)
        for row in self._rows(asked, None):
            if (record := record_of(row.line)) is not None:
                yield row.name, row.lineage, record

    def before(self, lineage: str, seq: int | None) -> Iterator[dict[str, Any]]:
        """Yield the records of an incarnation before a record, or all, the last first."""
        while True:
            lines = sa.select(RECORDS.c.seq, RECORDS.c.line).where(RECORDS.c.lineage == lineage)
            if seq is not None:
                lines = lines.where(RECORDS.c.seq < seq)
            rows = self.names.rows(lines.order_by(RECORDS.c.seq.desc()).limit(_BLOCK))
            for row in rows:
                record = record_of(row.line)
                if record is None:
                    return
                yield record
            if len(rows) < _BLOCK:
                return
            seq = rows[-1].seq

    def _rows(
        self, asked: sa.Select[*tuple[Any, ...]], wanted: Sequence[str] | None
    ) -> Iterator[sa.Row[Any]]:
        """Yield the rows of all names by a single statement, or those of some."""
        asked = asked.where(NAMES.c.collection == self.names.collection)
        if wanted is None or len(wanted) > _AT_ONCE:
            kept = None if wanted is None else frozenset(wanted)
            yield from (row for row in self.names.rows(asked) if kept is None or row.name in kept)
        elif wanted:
            yield from self.names.rows(asked.where(NAMES.c.name.in_(wanted)))

    def _earlier(self, rows: Iterable[sa.Row[Any]]) -> dict[str, list[bytes]]:
        """Return some lines before the last by lineage, the latest first, where the last has no value."""
        near = sa.and_(
            RECORDS.c.lineage == NAMES.c.lineage,
            RECORDS.c.seq < NAMES.c.seq,
            RECORDS.c.seq >= NAMES.c.seq - _EARLIER,
        )
        asked = (
            sa.select(RECORDS.c.lineage, RECORDS.c.line).join(NAMES, near).order_by(RECORDS.c.seq.desc())
        )
        found: dict[str, list[bytes]] = {}
        short = [row.lineage for row in rows if row.line is not None and row.line.endswith(_NO_VALUE)]
        for begin in range(0, len(short), _AT_ONCE):
            for row in self.names.rows(asked.where(NAMES.c.lineage.in_(short[begin : begin + _AT_ONCE]))):
                found.setdefault(row.lineage, []).append(row.line)
        return found


@dataclass(frozen=True, slots=True)
class RowEnding:
    """The end of a history in a database; see `statechart.stored.store.Ending`.

    Attributes:
        ends: The ends of all histories.
        row: The row of the name.
        last: The last record, if records were asked for.
        earlier: Lines before it, the last first, as far as they were read.
    """

    ends: RowEnds
    row: sa.Row[Any]
    last: dict[str, Any] | None
    earlier: Sequence[bytes]

    @property
    def name(self) -> str:
        """The name."""
        return str(self.row.name)

    def value(self) -> Mapping[str, Any] | None:
        """Return the value of the row, or None if it is of another schema version."""
        if self.row.schema_version != self.ends.known:
            return None
        if self.row.value is None:
            return None if self.last is None else self.last["value"]
        try:
            found = read_json(self.row.value.encode())
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the records from the last to the first, as far as they are whole."""
        if self.last is None:
            return
        yield self.last
        seq = self.last["seq"]
        for line in self.earlier:
            record = record_of(line)
            if record is None:
                return
            yield record
            seq = record["seq"]
        yield from self.ends.before(self.row.lineage, seq)
