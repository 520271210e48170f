"""Put wishes back into a queue: those of dead workers, and those that a worker can't do.

The public functions of DBOS don't do this: `resume_workflows` revives what was cancelled, and begins a
second run beside one that lives. So its table of workflows is written here, under the condition that the
row still belongs to the worker in question.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from environments.fleet.engine.names import QUEUE, SCHEDULED, SCHEMA, TAKEOVERS, WISH
from environments.storage.sql.tables import WORKERS
from statechart.storage.sql.clock import now

if TYPE_CHECKING:
    from environments.fleet.worker_status import WorkerStatus
    from statechart.storage.sql.database import Database

WORKFLOWS: Final = sa.table(
    "workflow_status",
    *map(
        sa.column,
        (
            "workflow_uuid",
            "status",
            "name",
            "executor_id",
            "owner_xid",
            "queue_name",
            "queue_partition_key",
            "application_version",
            "started_at_epoch_ms",
            "updated_at",
            "created_at",
            "completed_at",
            "attributes",
        ),
    ),
    schema=SCHEMA,
)

_OURS: Final = (QUEUE, TAKEOVERS)


def put_back(
    database: Database, workers: Collection[str], *, queue: str, wish: str | None = None
) -> Sequence[str]:
    """Queue the wishes again that workers have begun, and return their numbers.

    Args:
        database: The database.
        workers: The ids of the workers.
        queue: The queue for them.
        wish: Only the wish with this number.
    """
    row = WORKFLOWS.c
    # What another worker has taken meanwhile has its id, and is left alone.
    conditions: list[sa.ColumnElement[bool]] = [row.executor_id.in_(workers)]
    if wish is not None:
        conditions.append(row.workflow_uuid == wish)
    return list(_queued_again(database, queue, *conditions))


def _queued_again(database: Database, queue: str, *conditions: sa.ColumnElement[bool]) -> dict[str, str]:
    """Queue again what is under way and meets conditions; return the worker of each wish."""
    row = WORKFLOWS.c
    statement = (
        sa.update(WORKFLOWS)
        .where(row.name.in_((WISH, SCHEDULED)), row.status == "PENDING", *conditions)
        .values(
            status="ENQUEUED",
            queue_name=sa.case((row.name == WISH, queue), else_=row.queue_name),
            owner_xid=None,
            started_at_epoch_ms=None,
            updated_at=_now(),
        )
        .returning(row.workflow_uuid, row.executor_id)
    )
    with database.writing() as connection:
        return {str(each[0]): str(each[1]) for each in connection.execute(statement)}


def take_up(database: Database) -> dict[str, str]:
    """Queue the wishes again whose workers are no longer in the table, and return the worker of each."""
    row = WORKFLOWS.c
    # One statement: a worker that registers meanwhile has nothing under way in what it reads.
    statement = (
        sa.select(row.executor_id)
        .where(
            row.status == "PENDING",
            row.name.in_((WISH, SCHEDULED)),
            row.executor_id.not_in(sa.select(WORKERS.c.id)),
        )
        .distinct()
    )
    with database.reading() as connection:
        gone = list(connection.execute(statement).scalars())
    return _queued_again(database, TAKEOVERS, row.executor_id.in_(gone)) if gone else {}


@dataclass(frozen=True, slots=True)
class Outlook:
    """What waits, and when to look again.

    Attributes:
        takeovers: How many takeovers wait.
        anything_new: Whether anything waits in the other queue.
        due: The seconds until the first of the other workers has been silent for too long, if asked for.
    """

    takeovers: int
    anything_new: bool
    due: float | None


def outlook(database: Database, me: WorkerStatus, *, others: bool) -> Outlook:
    """Return how many wishes wait for workers of a version, and when the next of the others may be dead.

    Args:
        database: The database.
        me: The worker that asks.
        others: Whether to read the rows of all other workers.
    """
    row, worker = WORKFLOWS.c, WORKERS.c
    ours = (row.status == "ENQUEUED", row.application_version == me.version)
    takeovers = sa.select(sa.func.count()).select_from(WORKFLOWS).where(row.queue_name == TAKEOVERS, *ours)
    anything = sa.exists().where(row.queue_name == QUEUE, *ours)
    due = sa.select(sa.func.min(worker.seen + worker.dead_after) - now()).where(worker.id != me.id)
    with database.reading() as connection:
        found = connection.execute(
            sa.select(
                takeovers.scalar_subquery().label("takeovers"),
                anything.label("anything"),
                (due.scalar_subquery() if others else sa.null()).label("due"),
            )
        ).one()
    due_in = None if found.due is None else float(found.due)
    return Outlook(int(found.takeovers), bool(found.anything), due_in)


def queued_versions(database: Database) -> Sequence[str]:
    """Return the versions of the programs that asked for what is queued."""
    row = WORKFLOWS.c
    statement = (
        sa.select(row.application_version)
        .where(row.status == "ENQUEUED", row.queue_name.in_(_OURS))
        .distinct()
    )
    with database.reading() as connection:
        return [each for each in connection.execute(statement).scalars() if each is not None]


def adopt(database: Database, versions: Collection[str], version: str) -> int:
    """Let workers of a version take what programs of other versions have queued; return how many."""
    row = WORKFLOWS.c
    statement = (
        sa.update(WORKFLOWS)
        .where(
            row.status == "ENQUEUED",
            row.queue_name.in_(_OURS),
            row.application_version.in_(versions),
        )
        .values(application_version=version)
    )
    with database.writing() as connection:
        return connection.execute(statement).rowcount


def _now() -> sa.ColumnElement[int]:
    return sa.cast(sa.func.extract("epoch", sa.func.clock_timestamp()) * 1000, sa.BigInteger)
