"""Begin the history of a name, and remove it, completely or not at all."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from statechart.errors import AlreadyExists, LeaseLost, StorageError
from statechart.storage.record import Line
from statechart.storage.sql.leases.held import HeldRow
from statechart.storage.sql.leases.outcome import until_known
from statechart.storage.sql.reading import Names, record_of, row_of
from statechart.storage.sql.tables import NAMES, RECORDS


def begin(names: Names, name: str, line: Line, value: str) -> None:
    """Record the first line of a new name, with the value after it as JSON.

    Raises:
        AlreadyExists: The name is taken.
        CommitUncertain: The database went away, and the line may or may not be recorded.
        StorageError: The line could not be written.
    """
    lineage = line.head.lineage

    def attempt() -> bool:
        try:
            with names.database.writing() as connection:
                connection.execute(sa.insert(NAMES).values(row_of(names, name, line, value, fence=0)))
                connection.execute(sa.insert(RECORDS).values(record_of(line, line.head.seq)))
        except StorageError as error:
            if isinstance(error.__cause__, IntegrityError):
                raise AlreadyExists(name, names.where) from error
            raise
        return True

    def landed() -> bool | None:
        found = names.rows(sa.select(NAMES.c.lineage).where(names.of(name)))
        return True if [row.lineage for row in found] == [lineage] else None

    until_known(name, attempt, landed)
    names.tell(name)


def damaged_of(lineage: str) -> sa.ColumnElement[bool]:
    """Return the condition that selects the damaged records which a rebase has kept for a history."""
    # They are behind a #; the next character ends the range.
    return RECORDS.c.lineage.between(f"{lineage}#", f"{lineage}$")


def discard(names: Names, name: str, held: HeldRow, beside: Iterable[sa.Table] = ()) -> None:
    """Remove a name that is held, with all its records, and its rows in other tables.

    Raises:
        LeaseLost: Another holder took the name meanwhile; nothing was removed.
        CommitUncertain: The database went away, and the name may or may not be removed.
        StorageError: The database can't be written to.
    """
    lineage = held.lineage

    def attempt() -> bool:
        mine = sa.and_(NAMES.c.lineage == lineage, NAMES.c.fence == held.fence)
        with names.database.writing() as connection:
            # The name first: its records are protected as long as it exists.
            if connection.execute(sa.delete(NAMES).where(mine)).rowcount != 1:
                raise LeaseLost(name, names.place(name), "was taken over by another holder")
            for table in (RECORDS, *beside):
                connection.execute(sa.delete(table).where(table.c.lineage == lineage))
            connection.execute(sa.delete(RECORDS).where(damaged_of(lineage)))
        return True

    def landed() -> bool | None:
        found = names.rows(sa.select(NAMES.c.name).where(NAMES.c.lineage == lineage))
        return None if found else True

    until_known(name, attempt, landed)
    names.tell(name)
