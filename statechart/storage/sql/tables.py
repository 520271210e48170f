"""The tables of a store in a database.

The lines of a name's history are the bytes of its journal: all of them, in order, are `history.jsonl` and
the ended segments before it. All moments of leases are the database's own, in seconds since 1970.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

TABLES: Final = sa.MetaData()

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
# By code points, as SQLite and Python sort: a language's rules would differ from machine to machine.
_NAME = sa.String(100).with_variant(sa.String(100, collation="C"), "postgresql")
_LINEAGE = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")

NAMES: Final = sa.Table(
    "envchart_name",
    TABLES,
    sa.Column("collection", _NAME, primary_key=True),  # names of one database that are apart
    sa.Column("name", _NAME, primary_key=True),
    sa.Column("lineage", _LINEAGE, nullable=False, unique=True),
    sa.Column("seq", _BIG, nullable=False),  # of the last record
    sa.Column("revision", _BIG, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("size", _BIG, nullable=False),  # of the present segment, in bytes
    sa.Column("segment", _BIG, nullable=False),  # the number of its first record
    sa.Column("value", sa.Text, nullable=False),  # after the last record, as JSON
    sa.Column("schema_version", sa.Integer, nullable=False),
    sa.Column("fence", _BIG, nullable=False),  # raised whenever the name is taken
    sa.Column("holder", sa.Text),
    sa.Column("lease_until", sa.Float),
    sa.Column("released_by", sa.Text),
    sa.Column("due", _BIG),  # the earliest deadline of a timer that runs, in microseconds since 1970
)

sa.Index(
    "envchart_name_due",
    NAMES.c.collection,
    NAMES.c.due,
    postgresql_where=NAMES.c.due.is_not(None),
    sqlite_where=NAMES.c.due.is_not(None),
)

LEFT: Final = "/moved"
"""The end of the collection in which names are kept that were moved to another store, by lineage.

Their `released_by` is a note with `name`, `to` and `at`, in this order.
"""

RECORDS: Final = sa.Table(
    "envchart_record",
    TABLES,
    sa.Column("lineage", _LINEAGE, primary_key=True),
    sa.Column("seq", _BIG, primary_key=True),
    sa.Column("segment", _BIG, nullable=False),
    sa.Column("line", sa.LargeBinary, nullable=False),  # the exact bytes, with the line break
)

EFFECTS: Final = sa.Table(
    "envchart_effects",
    TABLES,
    sa.Column("lineage", _LINEAGE, primary_key=True),
    sa.Column("settled", _BIG, nullable=False),  # the number of a last record after which nothing was due
    sa.Column("holder", sa.Text),  # who runs the effects
    sa.Column("lease_until", sa.Float),
)
