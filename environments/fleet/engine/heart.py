"""The heart of a worker: tells the database that the worker lives."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from environments.storage.sql.tables import WORKERS
from statechart.storage.sql import engines
from statechart.storage.sql.clock import now

if TYPE_CHECKING:
    from statechart.storage.sql.database import Database


class Heart:
    """Beats on a connection of its own, which no other work of the process can keep waiting.

    Args:
        database: The database.
        worker: The id of the worker.
    """

    def __init__(self, database: Database, worker: str) -> None:
        self._database = database
        url = database.engine.url.render_as_string(hide_password=False)
        self._engine = engines.postgresql(url).execution_options(isolation_level="AUTOCOMMIT")
        row = WORKERS.c
        # A beat need not survive a crash of the server, and so does not wait for the disk. The setting is
        # the statement's own: PgBouncer would give one of the session to other programs.
        unsynced = sa.func.set_config("synchronous_commit", "off", True) == "off"
        self._statement = (
            sa.update(WORKERS)
            .where(row.id == worker, unsynced)
            .values(seen=now())
            .returning(row.drain_until - now())
        )
        self._worker = worker

    def beat(self) -> timedelta | None:
        """Tell that the worker lives; return the time it has to hand its work over, None if it need not.

        Raises:
            LookupError: The worker was declared dead.
            DatabaseFailed: The database could not be told.
        """
        with self._database.translated(), self._engine.connect() as connection:
            row = connection.execute(self._statement).one_or_none()
        if row is None:
            raise LookupError(self._worker)
        return None if row[0] is None else timedelta(seconds=max(0.0, float(row[0])))

    def close(self) -> None:
        """Close the connection."""
        self._engine.dispose()
