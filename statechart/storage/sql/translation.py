"""Translate the errors of SQLAlchemy and its drivers into the errors of a store."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, TimeoutError as PoolTimeout

from statechart.errors import StorageError
from statechart.storage.sql.errors import (
    DatabaseFailed,
    HistoryProtected,
    InvalidUrl,
    NoSuchDatabase,
    NotADatabase,
    NotPermitted,
    ReadOnlyStore,
    SchemaMissing,
    StoreBusy,
    StoreFull,
    StoreUnreachable,
    TooManyConnections,
    WrongCredentials,
)

PROTECTED: Final = "EC001"
"""The SQLSTATE by which triggers refuse to change a history."""

_BY_SQLSTATE: Final[dict[str, type[DatabaseFailed]]] = {
    PROTECTED: HistoryProtected,
    "08": StoreUnreachable,  # connection exceptions
    "25006": ReadOnlyStore,  # read_only_sql_transaction
    "28": WrongCredentials,  # invalid authorization
    "3D000": NoSuchDatabase,
    "40": StoreBusy,  # deadlock, serialization failure
    "42501": NotPermitted,
    "42P01": SchemaMissing,  # undefined_table
    "3F000": SchemaMissing,  # no schema to make tables in
    "53100": StoreFull,
    "53200": StoreFull,  # out of memory
    "53300": TooManyConnections,
    "53400": StoreFull,  # a limit of the configuration
    "55P03": StoreBusy,  # lock_not_available
    "57014": StoreBusy,  # statement_timeout
    "57P": StoreUnreachable,  # shut down, crashed, starting
    "58030": StoreFull,  # the server can't write a file
}

# A refused connection has no SQLSTATE: libpq gives only the text, in the language of the server.
_BY_TEXT: Final[tuple[tuple[re.Pattern[str], type[DatabaseFailed]], ...]] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r'database ".*" does not exist', NoSuchDatabase),
        (r"too many (clients|connections)|connection slots are reserved", TooManyConnections),
        (r"no more connections allowed|max_client_conn", TooManyConnections),  # PgBouncer
        (r'no such database|database ".*" is disabled', NoSuchDatabase),  # PgBouncer
        (
            r"authentication failed|no password supplied|role \".*\" does not exist|pg_hba.conf"
            r"|is not permitted to log in|permission denied for database|no such user",
            WrongCredentials,
        ),
    )
)
_INVALID_OPTION = re.compile(r"invalid (connection option|URI query parameter|sslmode value|port number).*")

# The place is told already.
_PREFIX = re.compile(
    r"(?:connection (?:failed|is bad): )?(?:connection to server .*? failed: )?(?:(?:ERROR|FATAL): +)?"
)

_WRITABLE: Final = ("let this user write the file and its directory, where SQLite keeps a journal",)

_BY_SQLITE: Final[dict[str, type[DatabaseFailed]]] = {
    "SQLITE_BUSY": StoreBusy,
    "SQLITE_LOCKED": StoreBusy,
    "SQLITE_FULL": StoreFull,
    "SQLITE_READONLY": ReadOnlyStore,
    "SQLITE_NOTADB": NotADatabase,
    "SQLITE_CORRUPT": NotADatabase,
    "SQLITE_PERM": ReadOnlyStore,
    "SQLITE_AUTH": ReadOnlyStore,
}


@contextmanager
def translated(where: str, file: str = "") -> Iterator[None]:
    """Translate the errors of a database that are raised inside.

    Args:
        where: The URL, without a password.
        file: The file of a database of SQLite.

    Raises:
        DatabaseFailed: The database failed; the error of SQLAlchemy is its cause.
        InvalidUrl: The URL has a parameter that the driver does not know.
    """
    try:
        yield
    except DBAPIError as error:
        raise typed(error, where, file) from error
    except PoolTimeout as error:
        raise TooManyConnections(where, "all connections of this process are in use") from error


def typed(error: DBAPIError, where: str, file: str = "") -> StorageError:
    """Return the typed error of an error of the database."""
    original = error.orig
    told = _one_line(str(original))
    name = getattr(original, "sqlite_errorname", None)
    if name is not None or type(original).__module__.startswith("sqlite3"):
        return _of_sqlite(str(name or ""), told, where, file)
    sqlstate = getattr(original, "sqlstate", None)
    if sqlstate is None and (matched := _INVALID_OPTION.search(told)):
        return InvalidUrl(where, matched[0])
    kind = _by_sqlstate(sqlstate) if sqlstate else _by_text(told, error)
    return kind(where, told)


def _by_sqlstate(sqlstate: str) -> type[DatabaseFailed]:
    lengths = range(len(sqlstate), 1, -1)
    found = (_BY_SQLSTATE.get(sqlstate[:length]) for length in lengths)
    return next(filter(None, found), DatabaseFailed)


def _by_text(told: str, error: DBAPIError) -> type[DatabaseFailed]:
    for pattern, kind in _BY_TEXT:
        if pattern.search(told):
            return kind
    lost = error.connection_invalidated or type(error).__name__ in ("OperationalError", "InterfaceError")
    return StoreUnreachable if lost else DatabaseFailed


def _of_sqlite(name: str, told: str, where: str, file: str) -> DatabaseFailed:
    if name.startswith("SQLITE_CANTOPEN") and file:
        return not_opened(where, file)
    if name == "SQLITE_CONSTRAINT_TRIGGER":
        return HistoryProtected(where, told)
    if told.startswith("no such table"):
        return SchemaMissing(where, told)
    short = "_".join(name.split("_")[:2])  # SQLITE_READONLY_DIRECTORY is a SQLITE_READONLY
    kind = _BY_SQLITE.get(short, DatabaseFailed)
    return kind(where, told, _WRITABLE if kind is ReadOnlyStore else None)


def not_opened(where: str, file: str) -> DatabaseFailed:
    """Return the error of a file that SQLite can't open, for which it gives no reason."""
    directory = os.path.dirname(os.path.abspath(file))
    if os.path.isdir(file):
        return DatabaseFailed(where, "this is a directory", ("name a file below the directory",))
    if not os.path.isdir(directory):
        advice = ("create the directory, or correct the path",)
        return DatabaseFailed(where, f"there is no directory {directory}", advice)
    return ReadOnlyStore(where, "this user can't open the file", _WRITABLE)


def _one_line(told: str) -> str:
    """Return the words of a driver in one line, without what it says of itself and of other attempts."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    first = lines[0] if lines else ""
    first = _PREFIX.sub("", first)
    hint = next((line for line in lines[1:] if line.startswith("HINT:")), "")
    return f"{first} ({hint.removeprefix('HINT:').strip()})" if hint else first
