"""Names and records, with the triggers that protect histories."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_since_0001"
down_revision = None

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_NAME = sa.String(100).with_variant(sa.String(100, collation="C"), "postgresql")
_LINEAGE = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables and their triggers."""
    op.create_table(
        "envchart_name",
        sa.Column("collection", _NAME, primary_key=True),
        sa.Column("name", _NAME, primary_key=True),
        sa.Column("lineage", _LINEAGE, nullable=False, unique=True),
        sa.Column("seq", _BIG, nullable=False),
        sa.Column("revision", _BIG, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("size", _BIG, nullable=False),
        sa.Column("segment", _BIG, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("schema_version", sa.Integer, nullable=False),
        sa.Column("fence", _BIG, nullable=False),
        sa.Column("holder", sa.Text),
        sa.Column("lease_until", sa.Float),
        sa.Column("released_by", sa.Text),
    )
    op.create_table(
        "envchart_record",
        sa.Column("lineage", _LINEAGE, primary_key=True),
        sa.Column("seq", _BIG, primary_key=True),
        sa.Column("segment", _BIG, nullable=False),
        sa.Column("line", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "envchart_effects",
        sa.Column("lineage", _LINEAGE, primary_key=True),
        sa.Column("settled", _BIG, nullable=False),
        sa.Column("holder", sa.Text),
        sa.Column("lease_until", sa.Float),
    )
    for statement in _POSTGRESQL if op.get_context().dialect.name == "postgresql" else _SQLITE:
        op.execute(statement)


_REFUSED = "records of a history are neither changed nor deleted while their name exists"

_POSTGRESQL = (
    # The function looks for the name in the schema of its table: a search path could hide it.
    f"""
    CREATE FUNCTION envchart_protect() RETURNS trigger LANGUAGE plpgsql AS $function$
    DECLARE is_named boolean := true;
    BEGIN
        IF TG_OP = 'DELETE' THEN
            EXECUTE 'SELECT EXISTS (SELECT FROM ' || quote_ident(TG_TABLE_SCHEMA)
                || '.envchart_name WHERE lineage = $1)' INTO is_named USING OLD.lineage;
        END IF;
        IF is_named THEN
            RAISE EXCEPTION '{_REFUSED}' USING ERRCODE = 'EC001';
        END IF;
        RETURN OLD;
    END
    $function$
    """,
    """
    CREATE TRIGGER envchart_protect BEFORE UPDATE OR DELETE ON envchart_record
    FOR EACH ROW EXECUTE FUNCTION envchart_protect()
    """,
    """
    CREATE TRIGGER envchart_protect_all BEFORE TRUNCATE ON envchart_record
    FOR EACH STATEMENT EXECUTE FUNCTION envchart_protect()
    """,
)

_SQLITE = (
    f"""
    CREATE TRIGGER envchart_protect_change BEFORE UPDATE ON envchart_record
    BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END
    """,
    f"""
    CREATE TRIGGER envchart_protect BEFORE DELETE ON envchart_record
    WHEN EXISTS (SELECT 1 FROM envchart_name WHERE lineage = OLD.lineage)
    BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END
    """,
)
