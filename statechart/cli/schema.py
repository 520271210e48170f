"""Schema: the tables of a store in a database, checked or migrated; for each program with such a store."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from statechart.storage.sql.urls import read_url, require_driver
from statechart.terminal.output import emit, note
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.report import ExitCode
from statechart.wording import listed, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statechart.storage.sql.database import Database
    from statechart.storage.sql.inspection import Inspection
    from statechart.storage.sql.roles import Right
    from statechart.storage.sql.schema import Found, Schema
    from statechart.terminal.program.parameters import Decorator
    from statechart.terminal.settings import ProgramSettings

_ACTIONS = ("migrate", "check")

grant_option: Decorator = click.option(
    "--grant",
    "granted",
    metavar="ROLE[:RIGHT]",
    multiple=True,
    help="With migrate: let a role of PostgreSQL read, append (the default) or purge; repeatable. "
    "A role that appends can't change or delete records.",
)
sql_option: Decorator = click.option(
    "--sql", is_flag=True, help="With migrate: print the SQL for an empty database, and change nothing."
)


def tend(
    settings: ProgramSettings,
    action: str,
    place: Path | str | None,
    schema: str,
    *,
    granted: tuple[str, ...],
    sql: bool,
) -> None:
    """Check or migrate the tables of a store.

    Args:
        settings: How to print.
        action: `migrate` or `check`, as typed.
        place: The store, as typed or set.
        schema: The schema, as `module:attribute`; it is loaded when the driver is known to be there.
        granted: Roles with their rights, as typed.
        sql: Whether the SQL is to be printed instead.

    Raises:
        UsageRefused: The words make no sense.
        InvalidUrl, DriverMissing, DatabaseFailed: See there.
        click.exceptions.Exit: The tables can't be used; the exit code is 8.
    """
    _require_sense(settings, action, granted, sql=sql)
    if sql and not isinstance(place, str):
        place = "postgresql://"  # the SQL is the same for each database
    if not isinstance(place, str):
        raise UsageRefused(*_no_database(settings, place))
    url = read_url(place)
    require_driver(url)
    if (granted or sql) and url.dialect != "postgresql":
        raise UsageRefused(
            "--grant and --sql are for PostgreSQL: a file of SQLite has no roles",
            (settings.spell("store migrate"),),
        )
    module, _, attribute = schema.partition(":")
    loaded: Schema = getattr(import_module(module), attribute)
    rights = [_read_right(settings, each) for each in granted]
    if sql:
        _print_sql(settings, loaded, rights)
        return
    database: Database = import_module("statechart.storage.sql.database").Database.of(place)
    (_migrate if action == "migrate" else _check)(settings, loaded, database, rights)


def _require_sense(settings: ProgramSettings, action: str, granted: tuple[str, ...], *, sql: bool) -> None:
    if action not in _ACTIONS:
        meant = nearest(action, _ACTIONS) or "check"
        raise UsageRefused(
            f"unknown action {action!r}: use {listed(_ACTIONS)}", (settings.spell(f"store {meant}"),)
        )
    if action == "check" and (granted or sql):
        raise UsageRefused(
            "check changes nothing: --grant and --sql belong to migrate", (settings.spell("store migrate"),)
        )


def _no_database(settings: ProgramSettings, place: Path | None) -> tuple[str, tuple[str, ...]]:
    if place is not None:
        told = f"{place} is a directory, and a store in files has no tables to migrate: name a database"
    else:
        told = "no database is named"
    return told, (f"{settings.program} store check --store postgresql://USER@HOST/DATABASE",)


def _read_right(settings: ProgramSettings, typed: str) -> tuple[str, Right]:
    rights = import_module("statechart.storage.sql.roles").Right
    role, colon, word = typed.rpartition(":")
    if not colon:
        role, word = typed, "append"
    known = [each.value for each in rights]
    if not role or word not in known:
        raise UsageRefused(
            f"--grant {typed!r} is not of the form ROLE:RIGHT, with the right {listed(known)}",
            (settings.spell(f"store migrate --grant {role or 'ROLE'}:{nearest(word, known) or 'append'}"),),
        )
    found: Right = rights(word)
    return role, found


def _print_sql(settings: ProgramSettings, schema: Schema, rights: Iterable[tuple[str, Right]]) -> None:
    text: str = import_module("statechart.storage.sql.migrating").statements(schema)
    grants = import_module("statechart.storage.sql.roles").grants
    for role, right in rights:
        text += "".join(f"\n{statement};" for statement in grants(schema, role, right)) + "\n"
    emit(settings, {"sql": text}, text, raw=True)


def _migrate(
    settings: ProgramSettings, schema: Schema, database: Database, rights: list[tuple[str, Right]]
) -> None:
    found = schema.migrate(database)
    for role, right in rights:
        import_module("statechart.storage.sql.roles").grant(schema, database, role, right)
    document = {
        "store": database.where,
        "changed": any(not each.is_usable for each in found),
        "schemas": [{"name": each.name, "before": each.revision, "after": _after(each)} for each in found],
        "granted": [{"role": role, "right": right.value} for role, right in rights],
    }
    lines = [f"{each.name}: {_told(each)}" for each in found]
    lines += [f"{role} may {_WORDS[right.value]}" for role, right in rights]
    emit(settings, document, "\n".join(lines))


_WORDS = {
    "read": "read",
    "append": "read and append, and neither change nor delete records",
    "purge": "read, append, and delete whole names",
}


def _after(found: Found) -> str | None:
    return found.revision if found.is_usable else found.known


def _told(found: Found) -> str:
    if found.is_usable:
        return f"{found.revision}, nothing to migrate"
    return f"migrated from {found.revision} to {found.known}" if found.revision else f"{found.known}, made"


def _check(settings: ProgramSettings, schema: Schema, database: Database, _rights: object) -> None:
    seen: Inspection = import_module("statechart.storage.sql.inspection").inspect(schema, database)
    emit(settings, _document(seen), "\n".join(_lines(seen)))
    if not seen.is_usable:
        for step in seen.next:
            told = settings.spell(step) if step.startswith("store ") else step
            note(f"next: {told.replace('envchart store', f'{settings.program} store')}")
        raise click.exceptions.Exit(ExitCode.DIFFERENCE)


def _document(seen: Inspection) -> dict[str, Any]:
    return {
        "store": seen.where,
        "usable": seen.is_usable,
        "server": seen.server,
        "schemas": [
            {
                "name": each.name,
                "revision": each.revision,
                "known": each.known,
                "condition": each.condition.value,
            }
            for each in seen.schemas
        ],
        "role": seen.role,
        "right": seen.right.value if seen.right is not None else None,
        "owner": seen.owns,
        "writable": seen.is_writable,
        "pooled": seen.is_pooled,
        "durable": seen.is_durable,
        "clock_ahead_seconds": round(seen.ahead, 3),
    }


def _lines(seen: Inspection) -> list[str]:
    pooler = ", through a pooler" if seen.is_pooled else ""
    lines = [f"store: {seen.where}", f"server: {seen.server}{pooler}"]
    for each in seen.schemas:
        needed = "" if each.is_usable else f"; this program needs {each.known}"
        lines.append(f"{each.name}: {each.revision or 'no tables'} ({each.condition.value}){needed}")
    if seen.role is not None:
        lines.append(f"role: {seen.role}{_may(seen) if seen.schemas[0].revision else ''}")
    if not seen.is_writable:
        lines.append("read-only: a replica, or a file that this user can't write")
    if not seen.is_durable:
        lines.append(
            "not durable: synchronous_commit or fsync is off, so a crash can lose acknowledged changes"
        )
    if abs(seen.ahead) > 1:
        way = "ahead of" if seen.ahead > 0 else "behind"
        lines.append(f"clock: {abs(seen.ahead):.0f} s {way} this machine's; leases follow the database's")
    return lines


def _may(seen: Inspection) -> str:
    if seen.owns:
        return " owns the tables: it can migrate them, and switch the protection of histories off"
    if seen.right is None:
        return " may not read the tables"
    return f" may {_WORDS[seen.right.value]}"
