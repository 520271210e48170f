"""What a worker has to know of a wish that it has just taken from a queue of DBOS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from environments.fleet.engine.names import CANCEL, TAKEOVERS, WISH
from environments.fleet.engine.requeue import WORKFLOWS

if TYPE_CHECKING:
    from statechart.storage.sql.database import Database


@dataclass(frozen=True, slots=True)
class Standing:
    """A wish that a worker has taken.

    Attributes:
        queue: The queue it was taken from.
        cancelled_by: Who asked to cancel the wish; empty if nobody did.
        waits: Whether an older wish for the same environment is in hand, or waits to be taken over.
    """

    queue: str
    cancelled_by: str
    waits: bool


def standing(database: Database, wish: str) -> Standing:
    """Read, by one statement, how a wish stands that a worker has taken."""
    (row,) = database.asked(_ASKED, {"wish": wish})
    return Standing(str(row.queue_name), str(row.cancelled_by or ""), bool(row.waits))


def _asked() -> sa.Select[Any, Any, bool]:
    row, other = WORKFLOWS.c, WORKFLOWS.alias().c
    older = sa.exists().where(
        other.queue_partition_key == row.queue_partition_key,
        other.name == WISH,
        (other.status == "PENDING") | ((other.status == "ENQUEUED") & (other.queue_name == TAKEOVERS)),
        other.workflow_uuid != row.workflow_uuid,
        other.created_at < row.created_at,
    )
    cancelled_by = row.attributes.op("->>")(sa.literal(CANCEL, sa.Text)).label("cancelled_by")
    return sa.select(row.queue_name, cancelled_by, older.correlate(WORKFLOWS).label("waits")).where(
        row.workflow_uuid == sa.bindparam("wish", type_=sa.Text)
    )


# Built once: each wish asks.
_ASKED: Final = _asked()
