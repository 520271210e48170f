"""The rights of roles on the tables of a store in PostgreSQL."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import sqlalchemy as sa

from statechart.storage.sql.errors import DatabaseFailed
from statechart.storage.sql.tables import NAMES, RECORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statechart.storage.sql.schema import Connects, Schema


class Right(Enum):
    """What a role may do with a store; each includes those before."""

    READ = "read"
    APPEND = "append"  # create names and records, never change or delete a record
    PURGE = "purge"  # delete whole names, with their histories


def grants(schema: Schema, role: str, right: Right) -> list[str]:
    """Return the statements that give a role its rights in the schema that tables are made in.

    A right that the role had before, and that is not included, is taken away.
    """
    to = _quoted(role)
    tables = [table for each in schema.chain for table in each.tables.sorted_tables]
    versions = [each.name for each in schema.chain]
    named = ", ".join([*versions, *(table.name for table in tables)])
    readable = [table.name for table in tables if right is not Right.READ or table.info.get("read", True)]
    statements = [
        f"REVOKE ALL ON {named} FROM {to}",
        f"GRANT SELECT ON {', '.join([*versions, *readable])} TO {to}",
    ]
    if right is not Right.READ:
        statements += [f"GRANT {rights} ON {table} TO {to}" for table, rights in _appending(tables)]
    if right is Right.PURGE:
        statements.append(f"GRANT DELETE ON {', '.join(table.name for table in tables)} TO {to}")
    return statements


def _grants_beside(name: str, role: str, right: Right) -> list[str]:
    """Return the statements for a schema of another program, in which a role that appends changes all."""
    place, to = _quoted(name), _quoted(role)
    if right is Right.READ:
        return [f"REVOKE ALL ON ALL TABLES IN SCHEMA {place} FROM {to}"]
    return [
        f"GRANT USAGE ON SCHEMA {place} TO {to}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {place} TO {to}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {place} TO {to}",
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {place} TO {to}",
    ]


def grant(schema: Schema, database: Connects, role: str, right: Right) -> None:
    """Give a role its rights, and take away those that are not included.

    Raises:
        NotPermitted: This role does not own the tables.
        DatabaseFailed: The server has no such role.
    """
    with database.writing() as connection:
        known = sa.text("SELECT 1 FROM pg_roles WHERE rolname = :role")
        if connection.execute(known, {"role": role}).scalar_one_or_none() is None:
            advice = (f"create it: CREATE ROLE {_quoted(role)} LOGIN",)
            raise DatabaseFailed(database.where, f"it has no role {role!r}", advice)
        name = connection.execute(sa.text("SELECT current_schema()")).scalar_one()
        usage = f"GRANT USAGE ON SCHEMA {_quoted(name)} TO "
        as_it_is = connection.execution_options(no_parameters=True)  # a role's name may hold a %
        statements = [usage + _quoted(role), *grants(schema, role, right)]
        there = set(connection.execute(sa.text("SELECT nspname FROM pg_namespace")).scalars())
        for beside in there.intersection(schema.beside):
            statements += _grants_beside(beside, role, right)
        for statement in statements:
            as_it_is.exec_driver_sql(statement)


def right_of(connection: sa.Connection) -> Right | None:
    """Return the right of the present role on the tables of histories, or None if it may not read them."""
    asked = sa.text(
        "SELECT has_table_privilege(:names, 'SELECT') AND has_table_privilege(:records, 'SELECT'),"
        " has_column_privilege(:names, 'seq', 'UPDATE') AND has_table_privilege(:records, 'INSERT'),"
        " has_table_privilege(:names, 'DELETE') AND has_table_privilege(:records, 'DELETE')"
    )
    may = connection.execute(asked, {"names": NAMES.name, "records": RECORDS.name}).one()
    found = [right for right, is_given in zip(Right, may, strict=True) if is_given]
    return found[-1] if found else None


def _appending(tables: list[sa.Table]) -> Iterator[tuple[str, str]]:
    """Yield the rights on each table of a role that appends."""
    for table in tables:
        if table is RECORDS:
            yield table.name, "INSERT"
        elif table is NAMES:
            # A name that could be led to another lineage would have another history.
            fixed = {NAMES.c.collection, NAMES.c.name, NAMES.c.lineage}
            columns = ", ".join(column.name for column in NAMES.columns if column not in fixed)
            yield table.name, f"INSERT, UPDATE ({columns})"
        else:
            yield table.name, "INSERT, UPDATE, DELETE"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
