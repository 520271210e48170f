"""The schema of a store: which revision its tables are at, and whether this program can use them.

A revision is `NNNN_since_MMMM`: its number, and the oldest revision whose programs can use the tables, too.
So a migration that only adds something lets older programs go on, side by side with newer ones, and a
program refuses tables only if they are older than it needs, or changed in a way that it can't know.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from typing import Any, Final, Protocol
from weakref import WeakSet

import sqlalchemy as sa

from statechart.storage.sql.errors import (
    NotPermitted,
    SchemaMissing,
    SchemaNewer,
    SchemaOlder,
)
from statechart.storage.sql.tables import TABLES

_REVISION = re.compile(r"(\d{4})_since_(\d{4})")


class Executes(Protocol):
    """A connection for reading."""

    def execute(self, statement: sa.Executable) -> sa.CursorResult[Any]:
        """Run a statement."""
        ...


class Connects(Protocol):
    """A database, as far as its schema is concerned."""

    @property
    def where(self) -> str:
        """The URL, without a password."""
        ...

    def reading(self) -> AbstractContextManager[Executes]:
        """Connect for reading; errors are translated."""
        ...

    def writing(self) -> AbstractContextManager[sa.Connection]:
        """Connect in a transaction that writes; errors are translated."""
        ...

    def make_file(self) -> None:
        """Create the file of a database that is a file, private to this user, if it is missing."""
        ...


class Condition(Enum):
    """What a program can do with tables."""

    MISSING = "missing"
    OLDER = "older"
    CURRENT = "current"
    COMPATIBLE = "compatible"  # newer, and made for programs of this revision, too
    NEWER = "newer"


@dataclass(frozen=True, slots=True)
class Found:
    """The state of the tables of a schema in a database.

    Attributes:
        name: The table that keeps the revision.
        revision: The revision of the tables, or None if there are no tables.
        known: The revision that this program needs.
    """

    name: str
    revision: str | None
    known: str

    @property
    def condition(self) -> Condition:
        """What this program can do with the tables."""
        if self.revision is None:
            return Condition.MISSING
        if self.revision == self.known:
            return Condition.CURRENT
        found, known = _REVISION.fullmatch(self.revision), _REVISION.fullmatch(self.known)
        assert known is not None
        if found is None:
            return Condition.NEWER
        if found[1] <= known[1]:
            return Condition.OLDER
        return Condition.COMPATIBLE if found[2] <= known[1] else Condition.NEWER

    @property
    def is_usable(self) -> bool:
        """Whether this program can use the tables."""
        return self.condition in (Condition.CURRENT, Condition.COMPATIBLE)


class Schema:
    """The tables of a package of migrations, with their revision in a table of its own."""

    def __init__(
        self,
        package: str,
        name: str,
        head: str,
        tables: sa.MetaData,
        beneath: Schema | None = None,
        beside: Sequence[str] = (),
    ) -> None:
        """Name a schema.

        Args:
            package: The package of the migrations.
            name: The table that keeps the revision.
            head: The newest revision of the package.
            tables: The tables that this revision has.
            beneath: The schema that this one needs.
            beside: Schemas of PostgreSQL with tables of other programs; roles get rights there, too.
        """
        self.package = package
        self.name = name
        self.head = head
        self.tables = tables
        self.beneath = beneath
        self.beside: tuple[str, ...] = tuple(beside)
        self._ready: WeakSet[Connects] = WeakSet()

    @property
    def chain(self) -> tuple[Schema, ...]:
        """The schemas beneath, the lowest first, and this one."""
        return (*(self.beneath.chain if self.beneath is not None else ()), self)

    def find(self, database: Connects) -> Found:
        """Return the state of the tables, without those beneath.

        Raises:
            DatabaseFailed: The database can't be read.
        """
        return Found(self.name, self._revision(database), self.head)

    def check(self, database: Connects) -> tuple[Found, ...]:
        """Return the state of the tables, with those beneath, the lowest first."""
        return tuple(each.find(database) for each in self.chain)

    def is_there(self, database: Connects) -> bool:
        """Return whether there are tables for this program; a process asks each database only once.

        Raises:
            SchemaOlder: A migration has to run first.
            SchemaNewer: A newer program migrated the tables in a way that this one can't know.
            DatabaseFailed: The database can't be read.
        """
        if database in self._ready:
            return True
        for found in self.check(database):
            if found.condition is Condition.MISSING:
                return False
            self._require_usable(database, found)
        self._ready.add(database)
        return True

    def make(self, database: Connects) -> None:
        """Make the tables if there are none.

        Raises:
            SchemaMissing: This role may not make them.
            SchemaOlder, SchemaNewer, DatabaseFailed: See `is_there`.
        """
        if self.is_there(database):
            return
        try:
            self.migrate(database)
        except NotPermitted as error:
            raise SchemaMissing.not_permitted(database.where, error.problem) from error

    def migrate(self, database: Connects) -> tuple[Found, ...]:
        """Bring the tables to the revision of this program, and return what was found before.

        All is done in one transaction; of several processes, one migrates while the others wait.

        Raises:
            SchemaNewer: A newer program migrated the tables; nothing was changed.
            WrongEncoding: The database does not keep its text in UTF-8; nothing was changed.
            NotPermitted: This role may not change the tables; nothing was changed.
            DatabaseFailed: The database failed; nothing was changed.
        """
        # alembic takes longer to load than most commands run.
        found: tuple[Found, ...] = import_module("statechart.storage.sql.migrating").migrate(self, database)
        self._ready.add(database)
        return found

    def _require_usable(self, database: Connects, found: Found) -> None:
        where = database.where
        if found.condition is Condition.OLDER:
            raise SchemaOlder(where, str(found.revision), found.known)
        if found.condition is Condition.NEWER:
            raise SchemaNewer(where, str(found.revision), found.known)

    def _revision(self, database: Connects) -> str | None:
        try:
            with database.reading() as connection:
                return revision_of(connection, self.name)
        except SchemaMissing:
            return None


def revision_of(connection: Executes, name: str) -> str | None:
    """Return the revision that a table keeps, or None if it keeps none."""
    column = sa.column("version_num", sa.String)
    return connection.execute(sa.select(column).select_from(sa.table(name, column))).scalar_one_or_none()


ENGINE: Final = Schema("statechart.storage.sql.migrations", "envchart_schema", "0002_since_0001", TABLES)
"""The tables of histories."""
