"""Find the effects that are due in a database, without locks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from statechart.errors import NotFound, StorageError
from statechart.storage.chain import lines_of
from statechart.storage.record import read_line
from statechart.storage.segments.due import MARKS, due, may_be_due
from statechart.storage.sql.errors import DatabaseFailed
from statechart.storage.sql.reading import Names, find
from statechart.storage.sql.tables import EFFECTS, NAMES, RECORDS
from statechart.stored.damage import Damaged
from statechart.stored.outbox import Pending
from statechart.stored.sql.inserting import insert_into
from statechart.stored.sql.run_lock import RowRunLock

_AT_ONCE: Final = 500  # rows in a transaction


@dataclass(frozen=True, slots=True)
class RowOutbox:
    """The effects that are due in a collection; see `statechart.stored.outbox.Outbox`.

    Attributes:
        names: The names of the collection.
        known: The schema version of its records.
    """

    names: Names
    known: int

    def of(self, name: str) -> Pending:
        """Return the effects that are due for a name.

        Raises:
            NotFound: The name does not exist.
            StorageError: Its history is damaged or can't be read.
        """
        present = find(self.names, name, self.known)
        records = map(read_line, lines_of(present.content)) if may_be_due(present.content) else ()
        return Pending(name, present.head.lineage, due(records))

    def all(self, *, remember: bool = False) -> Iterator[Pending | Damaged]:
        """Yield each name for which something is due, or whose history can't be read.

        Args:
            remember: Write down which names have nothing due, for the next call.
        """
        settled: list[dict[str, Any]] = []
        try:
            for row in self.names.rows(self._unsettled()):
                try:
                    pending = self.of(row.name) if row.may_be_due else None
                except NotFound:
                    continue  # deleted since the names were read
                except DatabaseFailed:
                    raise
                except StorageError as error:
                    yield Damaged(row.name, error)
                    continue
                if pending is None or not pending.effects:
                    settled.append({"lineage": row.lineage, "settled": row.seq})
                else:
                    yield pending
        finally:
            if remember and settled:
                # The list only saves time, and this role may not be allowed to write it.
                with suppress(StorageError):
                    self._settle(settled)

    def lock(self, name: str) -> RowRunLock:
        """Return the right to run the effects of a name."""
        return RowRunLock(self.names, name)

    def _unsettled(self) -> sa.Select[*tuple[Any, ...]]:
        """Return the question for the names that had something due, or have changed since."""
        present = sa.and_(
            RECORDS.c.lineage == NAMES.c.lineage,
            RECORDS.c.seq >= NAMES.c.segment,
            sa.or_(*(self._holds(mark) for mark in MARKS)),
        )
        may_be_due = sa.exists().where(present).label("may_be_due")
        return (
            sa.select(NAMES.c.name, NAMES.c.lineage, NAMES.c.seq, may_be_due)
            .outerjoin(EFFECTS, EFFECTS.c.lineage == NAMES.c.lineage)
            .where(
                NAMES.c.collection == self.names.collection,
                EFFECTS.c.settled.is_distinct_from(NAMES.c.seq),
            )
            .order_by(NAMES.c.name)
        )

    def _holds(self, mark: bytes) -> sa.ColumnElement[Any]:
        """Return the condition that a line contains some bytes."""
        literal = sa.literal(mark, sa.LargeBinary)
        if self.names.database.file is not None:
            return sa.func.instr(RECORDS.c.line, literal) > 0
        return sa.func.position(literal.op("IN")(RECORDS.c.line)) > 0

    def _settle(self, rows: list[dict[str, Any]]) -> None:
        statement = insert_into(self.names.database, EFFECTS)
        statement = statement.on_conflict_do_update(
            index_elements=[EFFECTS.c.lineage], set_={"settled": statement.excluded.settled}
        )
        for begin in range(0, len(rows), _AT_ONCE):
            with self.names.database.writing() as connection:
                connection.execute(statement, rows[begin : begin + _AT_ONCE])
