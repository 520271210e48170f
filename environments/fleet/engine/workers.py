"""The workers of a fleet: each tells by its row that it lives."""

from __future__ import annotations

import json
import socket
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from environments.fleet.worker_status import WorkerStatus
from environments.storage.sql.tables import WORKERS
from statechart.holder import Holder
from statechart.storage.sql.clock import now

if TYPE_CHECKING:
    from statechart.storage.sql.database import Database


@dataclass(frozen=True, slots=True)
class Workers:
    """The table of workers.

    Attributes:
        database: The database.
    """

    database: Database

    def register(self, worker: WorkerStatus) -> None:
        """Add a worker, before it takes any work."""
        with self.database.writing() as connection:
            connection.execute(
                sa.insert(WORKERS).values(
                    id=worker.id,
                    name=worker.name,
                    holder=worker.holder.model_dump_json(),
                    version=worker.version,
                    slots=worker.slots,
                    spare=worker.spare,
                    since=now(),
                    seen=now(),
                    dead_after=worker.dead_after.total_seconds(),
                )
            )

    def all(self) -> list[WorkerStatus]:
        """Return the workers, by name, dead workers that nobody has removed yet included."""
        return sorted(self._read(), key=lambda each: (each.name, each.since))

    def living(self) -> list[WorkerStatus]:
        """Return the workers that are neither silent for too long nor known to have ended."""
        return [each for each in self.all() if not each.is_dead]

    def versions(self) -> dict[str, int]:
        """Return the versions of the workers, each with the number of its workers."""
        count = sa.func.count().label("workers")
        statement = sa.select(WORKERS.c.version, count).group_by(WORKERS.c.version)
        with self.database.reading() as connection:
            return {row.version: int(row.workers) for row in connection.execute(statement)}

    def bury(self, me: str) -> dict[str, str]:
        """Remove the workers that are dead, and return by their ids why.

        A worker of this machine whose process has ended is dead at once. One that was silent for too long
        is dead if the asker was seen meanwhile: a database that stood still has seen nobody.

        Args:
            me: The id of the asker.
        """
        mine, row = WORKERS.alias().c, WORKERS.c
        was_seen = sa.exists().where(mine.id == me, mine.seen > now() - mine.dead_after / 2)
        silent = (row.seen < now() - row.dead_after) & was_seen
        ended = [each.id for each in self._of_this_machine(me) if each.holder.is_alive() is False]
        if ended:
            silent |= row.id.in_(ended)
        statement = sa.delete(WORKERS).where(row.id != me, silent).returning(row.id, now() - row.seen)
        gone = self.database.changed(statement)
        return {
            each.id: "its process has ended"
            if each.id in ended
            else f"it was silent for {float(each[-1]):.1f} s"
            for each in gone
        }

    def leave(self, worker: str) -> None:
        """Remove a worker that has ended its work."""
        with self.database.writing() as connection:
            connection.execute(sa.delete(WORKERS).where(WORKERS.c.id == worker))

    def drain(self, workers: Collection[str], within: timedelta) -> None:
        """Ask workers to take no more work, and to hand over what is not finished within a time."""
        until = now() + within.total_seconds()
        with self.database.writing() as connection:
            connection.execute(
                sa.update(WORKERS).where(WORKERS.c.id.in_(workers)).values(drain_until=until)
            )

    def _of_this_machine(self, me: str) -> Sequence[WorkerStatus]:
        host = f'"host":{json.dumps(socket.gethostname(), ensure_ascii=False)}'
        return self._read(WORKERS.c.id != me, WORKERS.c.holder.contains(host, autoescape=True))

    def _read(self, *conditions: sa.ColumnElement[bool]) -> list[WorkerStatus]:
        statement = sa.select(*WORKERS.c, now() - WORKERS.c.seen).where(*conditions)
        with self.database.reading() as connection:
            return [_status(row) for row in connection.execute(statement).all()]


def _status(row: sa.Row[Any]) -> WorkerStatus:  # Any: its columns have several types
    return WorkerStatus(
        id=row.id,
        name=row.name,
        holder=Holder.model_validate_json(row.holder),
        version=row.version,
        slots=row.slots,
        spare=row.spare,
        since=datetime.fromtimestamp(row.since, UTC),
        dead_after=timedelta(seconds=row.dead_after),
        silent=timedelta(seconds=max(0.0, float(row[-1]))),
        drains=row.drain_until is not None,
    )
