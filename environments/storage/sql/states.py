"""A provider's own state in rows of a database, the last versions of each environment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import sqlalchemy as sa

from environments.ports import STATES_KEPT, CarriedState
from environments.storage.sql.schema import ENVIRONMENTS
from environments.storage.sql.tables import STATES
from statechart.storage.sql.clock import now
from statechart.storage.sql.tables import NAMES

if TYPE_CHECKING:
    from statechart.storage.sql.database import Database


class Fenced(Protocol):
    """A name that is held, as by `statechart.storage.sql.leases.held.HeldRow`."""

    @property
    def lineage(self) -> str:
        """The incarnation of the name."""
        ...

    @property
    def fence(self) -> int:
        """The number that every write compares with the row's."""
        ...

    def check(self) -> None:
        """Raise LeaseLost if the name is no longer held."""
        ...


class StateRows:
    """The states of a database.

    Args:
        database: The database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def latest(self, lineage: str) -> CarriedState | None:
        """Return the last version of an incarnation, or None if none was stored.

        Raises:
            StorageError: The database can't be read.
        """
        if not ENVIRONMENTS.is_there(self._database):
            return None
        last = (
            sa.select(STATES.c.content, STATES.c.n, STATES.c.at)
            .where(STATES.c.lineage == lineage)
            .order_by(STATES.c.n.desc())
            .limit(1)
        )
        with self._database.reading() as connection:
            row = connection.execute(last).one_or_none()
        return (
            None if row is None else CarriedState(row.content, row.n, datetime.fromtimestamp(row.at, UTC))
        )

    def store(self, held: Fenced, content: bytes) -> int:
        """Store a version while a name is held, drop old versions, and return the number of the version.

        If the connection is cut, the version may have been stored; to store it once more does no harm.

        Raises:
            LeaseLost: The name is no longer held; nothing was stored.
            StorageError: The version could not be stored.
        """
        ENVIRONMENTS.make(self._database)
        while True:
            fence = held.fence
            if (number := self._attempt(held.lineage, fence, content)) is not None:
                return number
            # The session's own commits may move the fence; if it has not moved, the name is lost.
            if held.fence == fence:
                held.check()

    def _attempt(self, lineage: str, fence: int, content: bytes) -> int | None:
        """Store a version if the fence is the row's; return its number, or None."""
        mine = sa.select(NAMES.c.fence).where(NAMES.c.lineage == lineage).with_for_update()
        with self._database.writing() as connection:
            if connection.execute(mine).scalar_one_or_none() != fence:
                return None
            newest = sa.select(sa.func.max(STATES.c.n)).where(STATES.c.lineage == lineage)
            number = int(connection.execute(newest).scalar_one() or 0) + 1
            row = {"lineage": lineage, "n": number, "fence": fence, "at": now(), "content": content}
            connection.execute(sa.insert(STATES).values(row))
            old = sa.and_(STATES.c.lineage == lineage, STATES.c.n <= number - STATES_KEPT)
            connection.execute(sa.delete(STATES).where(old))
            return number
