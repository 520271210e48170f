"""What goes with environments from machine to machine, and the workers of a fleet."""

from __future__ import annotations

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0001_since_0001"
down_revision = None

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _make_tables_of_environments()
    _make_tables_of_workers()
    _make_tables_of_artifacts()


def _make_tables_of_environments() -> None:
    identity = op.create_table("envchart_identity", sa.Column("id", sa.String(32), primary_key=True))
    if op.get_context().as_sql:
        op.execute("INSERT INTO envchart_identity SELECT replace(gen_random_uuid()::text, '-', '')")
    else:
        op.bulk_insert(identity, [{"id": uuid4().hex}])
    op.create_table(
        "envchart_trace",
        sa.Column("lineage", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_table(
        "envchart_look",
        sa.Column("lineage", sa.String(64), primary_key=True),
        sa.Column("document", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "envchart_tfstate",
        sa.Column("lineage", sa.String(64), primary_key=True),
        sa.Column("n", _BIG, primary_key=True),
        sa.Column("fence", _BIG, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )


def _make_tables_of_workers() -> None:
    op.create_table(
        "envchart_worker",
        sa.Column("id", sa.String(100), primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("slots", sa.Integer, nullable=False),
        sa.Column("spare", sa.Integer, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
        sa.Column("seen", sa.Float, nullable=False),
        sa.Column("dead_after", sa.Float, nullable=False),
        sa.Column("drain_until", sa.Float),
    )


def _make_tables_of_artifacts() -> None:
    op.create_table(
        "envchart_artifact",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("size", _BIG, nullable=False),
        sa.Column("made", sa.Float, nullable=False),
        sa.Column("seen", sa.Float, nullable=False),
    )
    op.create_table(
        "envchart_artifact_chunk",
        sa.Column(
            "digest",
            sa.String(64),
            sa.ForeignKey("envchart_artifact.digest", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("bytes", sa.LargeBinary, nullable=False),
    )
    if op.get_context().dialect.name == "postgresql":
        # The bytes are compressed already.
        op.execute("ALTER TABLE envchart_artifact_chunk ALTER COLUMN bytes SET STORAGE EXTERNAL")
