"""The tables of environments in a database, beside those of the store.

All moments are the database's own, in seconds since 1970.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

TABLES: Final = sa.MetaData()

_BIG: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")

IDENTITY: Final = sa.Table(
    "envchart_identity",
    TABLES,
    sa.Column("id", sa.String(32), primary_key=True),  # one row: a database is known by it on each machine
)

TRACES: Final = sa.Table(
    "envchart_trace",
    TABLES,
    sa.Column("lineage", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(200), primary_key=True),  # of the file, without its directory
    sa.Column("text", sa.Text, nullable=False),
)

LOOKS: Final = sa.Table(
    "envchart_look",
    TABLES,
    sa.Column("lineage", sa.String(64), primary_key=True),
    sa.Column("document", sa.LargeBinary, nullable=False),  # the bytes of drift.json
)

# A provider's own state, such as Terraform's: the last versions of each environment.
STATES: Final = sa.Table(
    "envchart_tfstate",
    TABLES,
    sa.Column("lineage", sa.String(64), primary_key=True),
    sa.Column("n", _BIG, primary_key=True),  # from 1
    sa.Column("fence", _BIG, nullable=False),  # of the holder that stored the version
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    info={"read": False},  # it holds secrets, which a role that only looks must not see
)

WORKERS: Final = sa.Table(
    "envchart_worker",
    TABLES,
    sa.Column("id", sa.String(100), primary_key=True),  # never used again: name, number and a random part
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("holder", sa.Text, nullable=False),  # the process, as a lock describes its holder, in JSON
    sa.Column("version", sa.String(64), nullable=False),  # of the program
    sa.Column("slots", sa.Integer, nullable=False),
    sa.Column("spare", sa.Integer, nullable=False),  # more slots, for work of workers that died
    sa.Column("since", sa.Float, nullable=False),
    sa.Column("seen", sa.Float, nullable=False),
    sa.Column("dead_after", sa.Float, nullable=False),  # seconds without a sign of life
    sa.Column("drain_until", sa.Float),  # the time at which a worker that drains hands its work over
)

ARTIFACTS: Final = sa.Table(
    "envchart_artifact",
    TABLES,
    sa.Column("digest", sa.String(64), primary_key=True),  # the SHA-256 of the content
    sa.Column("size", _BIG, nullable=False),  # of the content, in bytes
    sa.Column("made", sa.Float, nullable=False),
    sa.Column("seen", sa.Float, nullable=False),  # stored once more, or found in a record
)

# On PostgreSQL the bytes are EXTERNAL: they are compressed already.
ARTIFACT_CHUNKS: Final = sa.Table(
    "envchart_artifact_chunk",
    TABLES,
    sa.Column(
        "digest", sa.String(64), sa.ForeignKey(ARTIFACTS.c.digest, ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("n", sa.Integer, primary_key=True),  # from 0
    sa.Column("bytes", sa.LargeBinary, nullable=False),  # a MiB of the content, compressed by zlib
)
