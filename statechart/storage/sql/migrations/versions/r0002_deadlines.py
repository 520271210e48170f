"""The earliest deadline of each name, with an index."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import context, op

revision = "0002_since_0001"
down_revision = "0001_since_0001"

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_NAMES = sa.table("envchart_name", sa.column("lineage"), sa.column("value"), sa.column("due"))


def upgrade() -> None:
    """Add the column and its index, and fill it."""
    op.add_column("envchart_name", sa.Column("due", _BIG))
    runs = sa.text("due IS NOT NULL")
    op.create_index(
        "envchart_name_due",
        "envchart_name",
        ["collection", "due"],
        postgresql_where=runs,
        sqlite_where=runs,
    )
    if op.get_context().dialect.name == "postgresql":
        op.execute(_GRANTED)
    if not context.is_offline_mode():  # statements for an administrator are for an empty database
        _fill(op.get_bind())


# The rights of a role that appends are by column.
_GRANTED = """
    DO $do$
    DECLARE role text;
    BEGIN
        FOR role IN
            SELECT DISTINCT CAST(CAST(given.grantee AS regrole) AS text)
            FROM pg_attribute AS attribute, aclexplode(attribute.attacl) AS given
            WHERE attribute.attrelid = CAST('envchart_name' AS regclass)
                AND attribute.attname = 'lease_until'
                AND given.privilege_type = 'UPDATE' AND given.grantee <> 0
        LOOP
            EXECUTE 'GRANT UPDATE (due) ON envchart_name TO ' || role;
        END LOOP;
    END
    $do$
"""


def _fill(connection: sa.Connection) -> None:
    with_timers = sa.select(_NAMES.c.lineage, _NAMES.c.value).where(_NAMES.c.value.contains('"timers":{"'))
    for row in connection.execute(with_timers).all():
        due = _earliest(row.value)
        if due is not None:
            connection.execute(sa.update(_NAMES).where(_NAMES.c.lineage == row.lineage).values(due=due))


def _earliest(content: str) -> int | None:
    try:
        timers = json.loads(content)["state"]["timers"]
        first = min(datetime.fromisoformat(text) for text in timers.values())
    except (ValueError, TypeError, KeyError, AttributeError):
        return None  # another field of this name
    return (first - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
