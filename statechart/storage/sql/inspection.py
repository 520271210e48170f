"""Inspect a database: its schema, the rights of its role, and whether a pooler lies in between."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from statechart.storage.sql.errors import SchemaMissing, as_owner
from statechart.storage.sql.roles import Right, right_of
from statechart.storage.sql.schema import Condition
from statechart.storage.sql.tables import RECORDS

if TYPE_CHECKING:
    from statechart.storage.sql.database import Database
    from statechart.storage.sql.schema import Found, Schema


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found in a database.

    Attributes:
        where: The URL, without a password.
        schemas: The schemas, the lowest first.
        server: The program and its version.
        role: The role that connected; None for a file.
        right: The role's right on the tables; None if there are no tables, or if it may not read them.
        owns: Whether the role owns the tables: it may migrate them, and switch their protection off.
        is_writable: Whether the database takes changes.
        is_pooled: Whether a pooler, such as PgBouncer, lies in between.
        ahead: The seconds by which the database's clock is ahead of this machine's.
        is_durable: Whether a commit is on the server's disk when it is acknowledged.
    """

    where: str
    schemas: tuple[Found, ...]
    server: str
    role: str | None = None
    right: Right | None = None
    owns: bool = True
    is_writable: bool = True
    is_pooled: bool = False
    ahead: float = 0.0
    is_durable: bool = True

    @property
    def is_usable(self) -> bool:
        """Whether a program can read and append."""
        usable = all(each.is_usable for each in self.schemas)
        return usable and self.is_writable and self.right in (Right.APPEND, Right.PURGE)

    @property
    def next(self) -> tuple[str, ...]:
        """The steps to a usable store, as commands without the program's name, or as sentences."""
        conditions = {each.condition for each in self.schemas}
        if Condition.NEWER in conditions:
            return ("update the program: pip install --upgrade 'envchart[sql]'",)
        if not self.is_writable:
            return ("name the primary server instead of a replica, or make the database writable",)
        if conditions & {Condition.MISSING, Condition.OLDER}:
            return ("store migrate",)
        if self.is_usable:
            return ()
        # This role can't do it.
        grant = f"envchart store migrate --store {quote(as_owner(self.where))} --grant {self.role}"
        return (f"its owner grants it: {grant}",)


def inspect(schema: Schema, database: Database) -> Inspection:
    """Look at a database.

    Raises:
        DatabaseFailed: It can't be reached or read.
    """
    schemas = schema.check(database)
    if database.file is not None:
        return _of_file(database, schemas)
    with database.translated(), database.engine.connect() as connection:
        return _of_server(database.where, schemas, connection)


def _of_file(database: Database, schemas: tuple[Found, ...]) -> Inspection:
    assert database.file is not None
    place = database.file if database.file.exists() else database.file.parent
    # A journal is written beside the file.
    writable = all(os.access(each, os.W_OK, effective_ids=True) for each in (place, database.file.parent))
    with suppress(SchemaMissing), database.reading() as reader:
        version = reader.execute(sa.text("SELECT sqlite_version()")).scalar_one()
        return Inspection(
            database.where, schemas, f"SQLite {version}", right=Right.PURGE, is_writable=writable
        )
    return Inspection(database.where, schemas, "SQLite", is_writable=writable)


_ASKED = sa.text(
    "SELECT current_setting('server_version') AS version, current_user AS role,"
    " current_setting('transaction_read_only') AS read_only, pg_backend_pid() AS pid,"
    " current_setting('synchronous_commit') AS synchronous, current_setting('fsync') AS fsync,"
    " extract(epoch from clock_timestamp()) AS now,"
    " (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass(:records)) AS owns"
)


def _of_server(where: str, schemas: tuple[Found, ...], connection: sa.Connection) -> Inspection:
    before = time.time()
    row = connection.execute(_ASKED, {"records": RECORDS.name}).one()
    after = time.time()
    # A pooler answers for the server, under a number of its own.
    driver: Any = connection.connection.dbapi_connection  # Any: psycopg's, which SQLAlchemy does not type
    return Inspection(
        where,
        schemas,
        f"PostgreSQL {row.version.split()[0]}",
        role=row.role,
        right=None if row.owns is None else right_of(connection),
        owns=bool(row.owns),
        is_writable=row.read_only == "off",
        is_pooled=driver.info.backend_pid != row.pid,
        ahead=_ahead(float(row.now), before, after),
        is_durable=row.synchronous != "off" and row.fsync == "on",
    )


def _ahead(now: float, before: float, after: float) -> float:
    """Return the difference of the clocks that the time on the way can't explain."""
    return now - min(max(now, before), after)
