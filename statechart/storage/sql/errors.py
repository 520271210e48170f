"""The errors of a store in a database::

    StorageError
    ├── InvalidUrl (ValueError)     a URL that can't be read, or of a database that is not supported
    ├── DriverMissing (ImportError) the packages of the extra `sql` are not installed
    └── DatabaseFailed              the database did not do what it was asked
        ├── StoreUnreachable        no database answers, or the connection was lost
        ├── TooManyConnections      the server, or the pool of this process, has no connection to give
        ├── StoreBusy               another transaction kept the database for too long
        ├── WrongCredentials        the server refuses the user or the password
        ├── NoSuchDatabase (LookupError)   the server has no database of this name
        ├── NotADatabase            the file is not of SQLite
        ├── WrongEncoding           the database does not keep its text in UTF-8
        ├── NotPermitted            the role may not do this
        ├── ReadOnlyStore           the database, or its file, can only be read
        ├── StoreFull               there is no space
        ├── HistoryProtected        records are neither changed nor deleted
        ├── SchemaMissing           the tables were not made yet
        ├── SchemaOlder             a migration has to run first
        └── SchemaNewer             a newer version of the program migrated the tables

Each says where, without a password, and the next action. SQLAlchemy is not imported.
"""

from __future__ import annotations

import re
import shlex
from typing import Final
from urllib.parse import unquote

from statechart.errors import StorageError

_WORD: Final = re.compile(r"\b(?:URL|OWNERS|ROLE)\b")
_USER: Final = re.compile(r"//([^@/?]+)@")


class InvalidUrl(StorageError, ValueError):
    """A URL can't be read, or names a database that is not supported.

    Attributes:
        where: The URL, as far as it surely holds no password.
        problem: The problem, with a correct form.
        instead: A correct URL to begin from.
    """

    def __init__(self, where: str, problem: str, instead: str = "postgresql://USER@HOST/DATABASE") -> None:
        self.where = where
        self.problem = problem
        self.instead = instead
        super().__init__(f"{where} is not the URL of a store: {problem}")


class DriverMissing(StorageError, ImportError):
    """The packages that reach a database are not installed.

    Attributes:
        where: The URL, without a password.
        package: The missing package.
    """

    def __init__(self, where: str, package: str) -> None:
        self.where = where
        self.package = package
        StorageError.__init__(
            self,
            f"{where} needs the package {package}: pip install 'envchart[sql]'",
        )

    def __str__(self) -> str:
        return str(self.args[0])


class DatabaseFailed(StorageError):
    """The database did not do what it was asked. The driver's error is `__cause__`.

    Attributes:
        where: The URL, without a password.
        problem: The database's own words, in one line, or an empty string.
        summary: What happened, with these words.
        next: What to do: a command, or a sentence that ends in a command. The message has the first.
    """

    told: str = "failed"
    """What happened, said of the place."""
    advice: tuple[str, ...] = ()
    """The usual next steps; URL stands for the place, OWNERS for that of its owner, ROLE for the user."""

    def __init__(self, where: str, problem: str = "", next: tuple[str, ...] | None = None) -> None:
        self.where = where
        self.problem = problem
        self.summary: str = f"{where} {self.told}{f': {problem}' if problem else ''}"
        usual = tuple(_filled(step, where) for step in self.advice)
        self.next: tuple[str, ...] = usual if next is None else next
        super().__init__("; ".join([self.summary, *self.next[:1]]))


def as_owner(where: str) -> str:
    """Return the URL by which the owner of the tables connects to a place."""
    return _USER.sub("//OWNER@", where)


def _filled(step: str, where: str) -> str:
    """Return a step with the words of a place."""
    user = _USER.search(where)
    words = {
        "URL": where,
        "OWNERS": as_owner(where),
        "ROLE": unquote(user[1]) if user is not None else "ROLE",
    }
    return _WORD.sub(lambda matched: shlex.quote(words[matched[0]]), step)


class StoreUnreachable(DatabaseFailed):
    """No database answers at the place, or the connection was lost.

    Attributes:
        begun: Whether there was a connection: what was asked for may have been done.
    """

    begun: bool = True

    told: str = "can't be reached"
    advice: tuple[str, ...] = ("check that the database runs, and its host and port",)


class TooManyConnections(DatabaseFailed):
    """The server, or the pool of this process, has no connection to give."""

    told: str = "has no connection left"
    advice: tuple[str, ...] = (
        "try again when others have ended, raise max_connections of the server, or put PgBouncer before it",
    )


class StoreBusy(DatabaseFailed):
    """Another transaction kept the database, or a row, for too long; nothing was written."""

    told: str = "is kept by another transaction"
    advice: tuple[str, ...] = ("try again, and look for a program that keeps a transaction open",)


class WrongCredentials(DatabaseFailed):
    """The server refuses the user or the password."""

    told: str = "refuses the user or the password"
    advice: tuple[str, ...] = ("correct the user, and the password in ~/.pgpass or PGPASSWORD",)


class NoSuchDatabase(DatabaseFailed, LookupError):
    """The server has no database of this name."""

    told: str = "does not exist"
    advice: tuple[str, ...] = ("create the database (createdb -E UTF8 NAME), or correct its name",)


class NotADatabase(DatabaseFailed):
    """A file is not a database of SQLite, or is damaged."""

    told: str = "is not a database of SQLite, or is damaged"
    advice: tuple[str, ...] = ("name another file, or restore this one from a backup",)


class WrongEncoding(DatabaseFailed):
    """A database does not keep its text in UTF-8."""

    told: str = "does not keep its text in UTF-8"
    advice: tuple[str, ...] = ("create another database: createdb -E UTF8 -T template0 NAME",)


class NotPermitted(DatabaseFailed):
    """The role may not do this; nothing was written."""

    told: str = "does not permit this to its user"
    advice: tuple[str, ...] = (
        "its owner grants it: envchart store migrate --store OWNERS --grant ROLE",
        "to delete or move whole names: envchart store migrate --store OWNERS --grant ROLE:purge",
    )


class ReadOnlyStore(DatabaseFailed):
    """The database, or its file, can only be read; nothing was written."""

    told: str = "can only be read"
    advice: tuple[str, ...] = (
        "name the primary server instead of a replica, or make the database writable",
    )


class StoreFull(DatabaseFailed):
    """The database has no space; nothing was written."""

    told: str = "has no space left"
    advice: tuple[str, ...] = (
        "free some space where the database keeps its files, then repeat the command",
    )


class HistoryProtected(DatabaseFailed):
    """Records are neither changed nor deleted while their name exists; nothing was written."""

    told: str = "refuses to change or delete records of a history"
    advice: tuple[str, ...] = ("delete the whole name instead",)


class SchemaMissing(DatabaseFailed):
    """The tables were not made yet, and this role may not make them."""

    told: str = "has no tables of this program"
    advice: tuple[str, ...] = ("make them: envchart store migrate --store URL",)

    @classmethod
    def not_permitted(cls, where: str, problem: str) -> SchemaMissing:
        """Return the error for a role that may not make the tables."""
        advice = "an administrator makes them: envchart store migrate --store OWNERS --grant ROLE"
        return cls(where, f"its user may not make them ({problem})", (_filled(advice, where),))


class _OtherSchema(DatabaseFailed):
    """The tables are of another version of the program.

    Attributes:
        found: The revision of the tables.
        known: The revision that this program needs.
    """

    def __init__(self, where: str, found: str, known: str) -> None:
        self.found = found
        self.known = known
        super().__init__(where, f"its tables are at revision {found}, and this program needs {known}")


class SchemaOlder(_OtherSchema):
    """A migration has to run before this program can use the tables; they were left as they are."""

    told: str = "is older than this program"
    advice: tuple[str, ...] = ("migrate it, after a backup: envchart store migrate --store URL",)


class SchemaNewer(_OtherSchema):
    """A newer version of the program migrated the tables; they were left as they are."""

    told: str = "is newer than this program"
    advice: tuple[str, ...] = ("update the program: pip install --upgrade 'envchart[sql]'",)


PASSING: Final = (StoreUnreachable, TooManyConnections, StoreBusy)
"""The errors of a database that is only away for a while."""
