"""Find out what became of a transaction whose connection was cut."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from statechart.errors import CommitUncertain, StorageError
from statechart.storage.record import Line
from statechart.storage.sql.clock import now
from statechart.storage.sql.database import Database
from statechart.storage.sql.errors import StoreUnreachable
from statechart.storage.sql.tables import NAMES, RECORDS

PATIENCE: Final = 20.0
"""The seconds to wait for a database that goes away while a change is made."""

_AGAIN: Final = 0.05  # seconds; a restart takes a few

T = TypeVar("T")


def is_unsure(error: StorageError) -> bool:
    """Return whether a transaction that failed may have been committed, or may still be."""
    if isinstance(error, StoreUnreachable):
        return True
    cause = error.__cause__
    # SQLite's commit is read back by a later recovery, unless another one is written over it.
    found = getattr(cause.orig, "sqlite_errorname", "") if isinstance(cause, DBAPIError) else ""
    return str(found).startswith("SQLITE_IOERR")


def has_begun(error: StorageError) -> bool:
    """Return whether a transaction that failed had a connection."""
    return not isinstance(error, StoreUnreachable) or error.begun


def until_known(name: str, attempt: Callable[[], T], landed: Callable[[], T | None]) -> T:
    """Make a change that can be recognised, once, whatever happens to the connection.

    Args:
        name: The name that is changed.
        attempt: Makes the change in a transaction; its second call fails if the first was committed.
        landed: Returns the result of a committed change, or None.

    Raises:
        CommitUncertain: The database stayed away for `PATIENCE`.
        StorageError: The change was not made.
    """
    deadline = time.monotonic() + PATIENCE
    begun = False
    while True:
        try:
            return attempt()
        except StorageError as error:
            begun = begun or (is_unsure(error) and has_begun(error))
            if not begun:
                raise
            found = answered(name, landed, deadline)
            if found is not None:
                return found
            if not is_unsure(error):
                raise


def answered(name: str, ask: Callable[[], T], deadline: float) -> T:
    """Ask the database as soon as it is there again.

    Raises:
        CommitUncertain: It stayed away until the deadline, by `time.monotonic`.
    """
    while True:
        try:
            return ask()
        except StorageError as error:
            if time.monotonic() > deadline:
                raise CommitUncertain(name) from error
            time.sleep(_AGAIN)


def read_back(
    database: Database, lineage: str, holder: str, line: Line, ttl: float
) -> tuple[int | None, bool]:
    """Return the present fence of a holder, and whether its line is on record.

    The fence moves first, in the same transaction: what is still on its way to the database then comes too
    late. The row is found by the holder, and not by the fence, whose move may have been cut off itself.

    Returns:
        The fence, or None if the holder has the name no longer; and whether the line is there.
    """
    moved = (
        sa.update(NAMES)
        .where(NAMES.c.lineage == lineage, NAMES.c.holder == holder)
        .values(fence=NAMES.c.fence + 1, lease_until=now() + ttl)
        .returning(NAMES.c.fence)
    )
    asked = sa.select(RECORDS.c.line).where(RECORDS.c.lineage == lineage, RECORDS.c.seq == line.head.seq)
    with database.writing() as connection:
        fence = connection.execute(moved).scalar_one_or_none()
        found = connection.execute(asked).scalar_one_or_none()
    return fence, found == line.content
