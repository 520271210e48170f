"""Run the migrations of a schema with alembic, one process at a time."""

from __future__ import annotations

from io import StringIO
from threading import Lock
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from alembic import command, context
from alembic.config import Config

from statechart.storage.sql.errors import SchemaNewer, WrongEncoding
from statechart.storage.sql.schema import Condition, Found, revision_of

if TYPE_CHECKING:
    from statechart.storage.sql.schema import Connects, Schema

_LOCK: Final = 0x656E766368617274  # "envchart": of the database, held to the end of the transaction
_PATIENCE: Final = "10s"  # a table that is in use makes all others wait for as long as a migration waits

_one_thread = Lock()
"""Alembic keeps its connection in globals of its modules."""


def migrate(schema: Schema, database: Connects) -> tuple[Found, ...]:
    """Bring a schema and those beneath to their newest revisions; see `Schema.migrate`."""
    database.make_file()
    with _one_thread, database.writing() as connection:
        _take_turns(connection, database)
        found = tuple(_found(each, connection) for each in schema.chain)
        for each, before in zip(schema.chain, found, strict=True):
            if before.condition is Condition.NEWER:
                raise SchemaNewer(database.where, str(before.revision), before.known)
            if before.condition in (Condition.MISSING, Condition.OLDER):
                command.upgrade(_configuration(each, connection=connection), each.head)
    return found


def statements(schema: Schema) -> str:
    """Return the SQL by which an administrator makes all tables of an empty PostgreSQL database."""
    parts = []
    for each in schema.chain:
        written = StringIO()
        with _one_thread:
            command.upgrade(_configuration(each, output=written), each.head, sql=True)
        parts.append(written.getvalue().strip())
    return "\n\n".join(parts) + "\n"


def run() -> None:
    """Run migrations in the environment that alembic has set up: what `env.py` does."""
    given = context.config.attributes
    if context.is_offline_mode():
        context.configure(dialect_name="postgresql", version_table=given["name"], literal_binds=True)
    else:
        context.configure(
            connection=given["connection"],
            version_table=given["name"],
            transactional_ddl=True,  # for SQLite as well, where a migration writes from its beginning
        )
    with context.begin_transaction():
        context.run_migrations()


def _configuration(
    schema: Schema, *, connection: sa.Connection | None = None, output: StringIO | None = None
) -> Config:
    configuration = Config(output_buffer=output)
    configuration.set_main_option("script_location", schema.package.replace(".", ":", 1).replace(".", "/"))
    configuration.set_main_option("path_separator", "os")
    configuration.attributes.update(name=schema.name, connection=connection)
    return configuration


def _take_turns(connection: sa.Connection, database: Connects) -> None:
    """Let one process migrate at a time. In SQLite the transaction already keeps all others waiting."""
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.execute(sa.text("SHOW server_encoding")).scalar_one()
    if encoding != "UTF8":
        raise WrongEncoding(database.where, f"but in {encoding}")
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    connection.execute(sa.text(f"SET LOCAL lock_timeout = '{_PATIENCE}'"))


def _found(schema: Schema, connection: sa.Connection) -> Found:
    # Looked up, since the error of a missing table would end the transaction.
    is_there = sa.inspect(connection).has_table(schema.name)
    return Found(schema.name, revision_of(connection, schema.name) if is_there else None, schema.head)
