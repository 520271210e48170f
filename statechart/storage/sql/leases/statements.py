"""The statements of a name that is held, built once: that takes longer than the server needs for one."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from statechart.storage.sql.clock import now
from statechart.storage.sql.reading import HEAD, with_lines
from statechart.storage.sql.tables import NAMES, RECORDS


def _given(*names: str) -> dict[str, sa.BindParameter[object]]:
    return {name: sa.bindparam(name) for name in names}


MOVE: Final = (
    sa.update(NAMES)
    .where(
        NAMES.c.lineage == sa.bindparam("of"),
        NAMES.c.seq == sa.bindparam("before"),
        NAMES.c.hash == sa.bindparam("hash_before"),
        NAMES.c.fence == sa.bindparam("mine"),
    )
    .values(_given("seq", "revision", "hash", "size", "segment"))
)
"""Move the head of a name, if the name is as it was left."""

MOVE_AND_SHOW: Final = MOVE.values(_given("value", "schema_version", "due"))
PUT: Final = sa.insert(RECORDS)


def _appending(move: sa.Update) -> sa.Insert:
    """Return one statement for both, so that a commit is one round trip; SQLite has no such statement."""
    moved = move.returning(NAMES.c.lineage).cte("moved")
    given = [sa.bindparam(each, type_=RECORDS.c[each].type) for each in ("seq", "segment", "line")]
    columns = ["lineage", "seq", "segment", "line"]
    put = sa.insert(RECORDS).from_select(columns, sa.select(moved.c.lineage, *given))
    return put.returning(RECORDS.c.seq)


APPEND: Final = _appending(MOVE)
APPEND_AND_SHOW: Final = _appending(MOVE_AND_SHOW)

LET_GO: Final = (
    sa.update(NAMES)
    .where(NAMES.c.lineage == sa.bindparam("of"), NAMES.c.holder == sa.bindparam("me"))
    .values(
        holder=sa.bindparam("next_holder", type_=sa.Text),
        lease_until=sa.bindparam("until", type_=sa.Float),
        released_by=sa.func.coalesce(sa.bindparam("by", type_=sa.Text), NAMES.c.released_by),
        fence=NAMES.c.fence + sa.bindparam("more", type_=sa.BigInteger),
    )
    .returning(NAMES.c.fence)
)
"""Let a name go; by the holder, since the fence may have moved unnoticed."""

STILL: Final = sa.select(NAMES.c.fence).where(
    NAMES.c.lineage == sa.bindparam("of"), NAMES.c.holder == sa.bindparam("me")
)
"""Read the fence of a holder."""

_TAKEN: Final = (
    sa.update(NAMES)
    .where(
        NAMES.c.collection == sa.bindparam("of_collection"),
        NAMES.c.name == sa.bindparam("of_name"),
        NAMES.c.holder.is_(None),
    )
    .values(
        holder=sa.bindparam("me"),
        fence=NAMES.c.fence + 1,
        lease_until=now() + sa.bindparam("ttl", type_=sa.Float),
    )
    .returning(*(NAMES.c[each] for each in (*HEAD, "value", "released_by")))
    .cte("taken")
)

TAKE_AND_READ: Final = with_lines(_TAKEN, "released_by")
"""Take a name that nobody has, and read its present segment, in one round trip; not for SQLite.

The records are of the moment at which the statement begins. A holder that let the name go after that may
have appended others: the last row then has no value.
"""
