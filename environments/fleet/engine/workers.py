"""The workers of a fleet: each tells by its row that it lives."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from environments.fleet.worker_status import WorkerStatus
from environments.storage.sql.tables import WORKERS
from statechart.holder import Holder
from statechart.storage.sql.clock import now

if TYPE_CHECKING:
    from statechart.storage.sql.database import Database

DEAD: Final = timedelta(seconds=3)
"""A worker that was not seen for so long is dead, by the clock of the database."""


@dataclass(frozen=True, slots=True)
class Workers:
    """The table of workers.

    Attributes:
        database: The database.
        dead: How long a worker may be silent.
    """

    database: Database
    dead: timedelta = DEAD

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
                )
            )

    def beat(self, worker: str) -> timedelta | None:
        """Tell that a worker lives; return the time it has to hand its work over, None if it need not.

        Raises:
            LookupError: The worker was declared dead.
        """
        statement = (
            sa.update(WORKERS)
            .where(WORKERS.c.id == worker)
            .values(seen=now())
            .returning(WORKERS.c.drain_until - now())
        )
        with self.database.writing() as connection:
            row = connection.execute(statement).one_or_none()
        if row is None:
            raise LookupError(worker)
        return None if row[0] is None else timedelta(seconds=max(0.0, float(row[0])))

    def all(self) -> list[WorkerStatus]:
        """Return the workers, by name, dead ones that nobody has removed yet included."""
        with self.database.reading() as connection:
            rows = connection.execute(sa.select(*WORKERS.c, now() - WORKERS.c.seen)).all()
        found = [
            WorkerStatus(
                id=row.id,
                name=row.name,
                holder=Holder.model_validate_json(row.holder),
                version=row.version,
                slots=row.slots,
                spare=row.spare,
                since=datetime.fromtimestamp(row.since, UTC),
                silent=timedelta(seconds=max(0.0, float(row[-1]))),
                drains=row.drain_until is not None,
            )
            for row in rows
        ]
        return sorted(found, key=lambda each: (each.name, each.since))

    def living(self) -> list[WorkerStatus]:
        """Return the workers that are neither silent for too long nor known to have ended."""
        return [each for each in self.all() if not self._is_dead(each)]

    def bury(self, *, spare: str) -> tuple[str, ...]:
        """Remove the workers that are dead, but for one, and return their ids.

        A worker of this machine whose process has ended is dead at once.
        """
        gone = [each.id for each in self.all() if each.id != spare and self._is_dead(each)]
        if not gone:
            return ()
        ended = [each.id for each in self.all() if each.id in gone and each.holder.is_alive() is False]
        silent = WORKERS.c.seen < now() - self.dead.total_seconds()
        statement = (
            sa.delete(WORKERS)
            .where(WORKERS.c.id.in_(gone), silent | WORKERS.c.id.in_(ended))
            .returning(WORKERS.c.id)
        )
        with self.database.writing() as connection:
            return tuple(connection.execute(statement).scalars())

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

    def _is_dead(self, worker: WorkerStatus) -> bool:
        return worker.silent > self.dead or worker.holder.is_alive() is False


def named(workers: Iterable[WorkerStatus], names: Collection[str]) -> Sequence[WorkerStatus]:
    """Return the workers with some names or ids."""
    return [each for each in workers if each.name in names or each.id in names]
