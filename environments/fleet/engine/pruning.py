"""Delete wishes that have ended long ago, with the other finished workflows of the queue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from environments.fleet.engine.names import WISH
from environments.fleet.engine.requeue import WORKFLOWS
from statechart.storage.sql.clock import now
from statechart.storage.sql.tables import NAMES

if TYPE_CHECKING:
    from statechart.storage.sql.database import Database

_ENDED: Final = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")

_AT_ONCE: Final = 500
"""The workflows of one transaction: workers take wishes from the same table meanwhile."""


def prunable(database: Database, older_than: timedelta) -> Iterator[Sequence[str]]:
    """Yield the numbers of workflows to be deleted, some at a time, until none is left.

    The caller deletes those yielded. The last wish for an environment that still exists stays, however old:
    `status` tells it.
    """
    row, newer = WORKFLOWS.c, WORKFLOWS.alias().c
    ended_at = sa.func.coalesce(row.completed_at, row.updated_at)
    is_last = ~sa.exists().where(
        newer.name == WISH,
        newer.queue_partition_key == row.queue_partition_key,
        newer.created_at > row.created_at,
    )
    exists = sa.exists().where(NAMES.c.name == row.queue_partition_key)
    statement = (
        sa.select(row.workflow_uuid)
        .where(
            row.status.in_(_ENDED),
            ended_at <= (now() - older_than.total_seconds()) * 1000,
            ~((row.name == WISH) & exists & is_last),
        )
        .order_by(row.created_at)
        .limit(_AT_ONCE)
    )
    while True:
        with database.reading() as connection:
            found = list(connection.execute(statement).scalars())
        if not found:
            return
        yield found
