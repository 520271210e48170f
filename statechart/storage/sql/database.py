"""A database: its connections, and the ways to use them."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from errno import ENOSPC
from pathlib import Path
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from statechart.errors import OnNetwork
from statechart.storage.disk import network_filesystem
from statechart.storage.sql import engines
from statechart.storage.sql.direct import Direct
from statechart.storage.sql.errors import SchemaMissing, StoreFull, StoreUnreachable
from statechart.storage.sql.threads.heartbeat import Leases
from statechart.storage.sql.threads.telling import Telling
from statechart.storage.sql.translation import not_opened, translated
from statechart.storage.sql.urls import StoreUrl, read_url, require_driver


class Reader:
    """Reads from a database. A statement whose connection had died is tried once more.

    Each statement sees the database as it is then: numbers that have to agree are read by one statement.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._connection: sa.Connection | None = None

    def execute(
        self, statement: sa.Executable, parameters: Mapping[str, Any] | None = None
    ) -> sa.CursorResult[Any]:
        """Run a statement that changes nothing."""
        try:
            return self._attempt(statement, parameters)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            self.close()
        return self._attempt(statement, parameters)

    def _attempt(
        self, statement: sa.Executable, parameters: Mapping[str, Any] | None
    ) -> sa.CursorResult[Any]:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection.execute(statement, parameters)

    def close(self) -> None:
        """Give the connection back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class Database:
    """A database that this process uses, with a pool of connections.

    Attributes:
        where: The URL, without its password and without a collection.
        file: The file, if it is a database of SQLite.
        engine: The engine of SQLAlchemy.
        poll: The seconds between two attempts to take a name that another holder has.
        leases: The names that this process holds.
        released: Notified when this process lets a name go.
        let_go: By incarnation, the holder of this process that let it go while the database was away.
        wanted: When this process had to wait for a name, by place.
    """

    _known: ClassVar[weakref.WeakValueDictionary[str, Database]] = weakref.WeakValueDictionary()
    _guard: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, url: StoreUrl) -> None:
        require_driver(url)
        self.where: str = _without_collection(url.where)
        self.file: Final = Path(url.file).absolute() if url.file else None
        with translated(self.where):
            self.engine: sa.Engine = (
                engines.postgresql(url.connect) if self.file is None else engines.sqlite(self.file)
            )
        self._single = self.engine
        self._direct: Direct | None = None
        if self.file is None:
            self._single = self.engine.execution_options(isolation_level="AUTOCOMMIT")
            self._direct = Direct(self.engine)
        self.poll: float = 0.25 if self.file is None else 0.1
        self.let_go: dict[str, str] = {}
        self.wanted: dict[str, float] = {}
        self._is_local = False
        self._begin_threads()

    def _begin_threads(self) -> None:
        self.leases: Leases = Leases()
        self.released: threading.Condition = threading.Condition()
        self._telling = Telling(self._single) if self.file is None else None
        self._end = weakref.finalize(self, _close, self._telling, self.engine)

    @classmethod
    def of(cls, url: str) -> Database:
        """Return the database of a URL: the same one for the whole process, as long as it is used.

        Raises:
            InvalidUrl: The URL can't be read, or names a database that is not supported.
            DriverMissing: The packages for it are not installed.
        """
        read = read_url(url)
        key = str(Path(read.file).absolute()) if read.file else read.connect
        with cls._guard:
            found = cls._known.get(key)
            if found is None:
                found = cls._known[key] = cls(read)
            return found

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Read, without a transaction; a statement whose connection had died is tried once more.

        Raises:
            SchemaMissing: There are no tables; what could be read is empty.
            DatabaseFailed: The database can't be reached or read.
        """
        self.require_file()
        reader = Reader(self._single)
        with self.translated():
            try:
                yield reader
            finally:
                reader.close()

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Write in a transaction, which is committed at the end, and rolled back after an error.

        Raises:
            StoreUnreachable: The transaction may or may not be committed.
            DatabaseFailed: Nothing was written.
        """
        with self._connected(self.engine) as connection:
            connection.execution_options(**{engines.WRITES: True})
            with self.translated(), connection.begin():
                yield connection

    def changed(
        self, statement: sa.Executable, parameters: dict[str, Any] | None = None
    ) -> Sequence[sa.Row[Any]]:
        """Run a single statement that changes rows, durably, and return the rows that it returns.

        Args:
            statement: The statement.
            parameters: The values for a statement that is built once per process.

        Raises:
            DatabaseFailed: As `writing`.
        """
        if self._direct is None or parameters is None:
            with self._connected(self._single) as connection, self.translated():
                return connection.execute(statement, parameters).all()
        with self._connecting():
            lent = self._direct.borrow()
        with self.translated():
            return self._direct.run(lent, statement, parameters)

    def asked(self, statement: sa.Executable, parameters: dict[str, Any]) -> Sequence[sa.Row[Any]]:
        """Run a statement that only reads and is built once per process, and return its rows.

        It is tried once more if its connection had died.

        Raises:
            SchemaMissing, DatabaseFailed: As `reading`.
        """
        if self._direct is None:
            with self.reading() as reader:
                return reader.execute(statement, parameters).all()
        with self.translated():
            try:
                return self._direct.run(self._direct.borrow(), statement, parameters)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
            return self._direct.run(self._direct.borrow(), statement, parameters)

    def tell(self, name: str) -> None:
        """Tell those who listen that `collection/name` has changed; a file tells it by itself."""
        if self._telling is not None:
            self._telling.tell(name)

    def close(self) -> None:
        """Tell what is still to be told, and close the connections; the next use makes others."""
        _close(self._telling, self.engine)

    def _connected(self, engine: sa.Engine) -> sa.Connection:
        self.require_file()
        with self._connecting():
            return engine.connect()

    @contextmanager
    def _connecting(self) -> Iterator[None]:
        """Translate errors, and note that nothing was begun."""
        try:
            with self.translated():
                yield
        except StoreUnreachable as error:
            error.begun = False
            raise

    def require_file(self) -> None:
        """Check that there is a database at all: reading must not make a file of SQLite.

        Raises:
            SchemaMissing: There is no file.
        """
        if self.file is not None and not self.file.exists():
            raise SchemaMissing(self.where)

    def require_local(self) -> None:
        """Check that a database of SQLite is where its locks keep other machines out.

        Raises:
            OnNetwork: It is on a network file system.
        """
        if self.file is None or self._is_local:
            return
        with suppress(FileNotFoundError):
            kind = network_filesystem(self.file.parent)
            if kind is not None:
                raise OnNetwork(self.file.parent, kind)
            self._is_local = True

    def make_file(self) -> None:
        """Create the file of a database of SQLite, private to this user, if it is missing.

        Raises:
            OnNetwork: It would be on a network file system.
            DatabaseFailed: It can't be created.
        """
        if self.file is None:
            return
        self.require_local()
        try:
            engines.make_file(self.file)
        except OSError as error:
            if error.errno == ENOSPC:
                raise StoreFull(self.where, str(error)) from error
            raise not_opened(self.where, str(self.file)) from error

    def wait(self, seconds: float) -> None:
        """Wait until this process lets a name go, at most some seconds."""
        with self.released:
            self.released.wait(seconds)

    def translated(self) -> AbstractContextManager[None]:
        """Translate the errors of SQLAlchemy that are raised inside."""
        return translated(self.where, str(self.file or ""))

    def forget(self) -> None:
        """Leave connections and threads to the process that this one was forked from."""
        _inherited.append(self.engine.pool)
        self._end.detach()
        self.engine.dispose(close=False)
        # The threads are not in this process, and may have held the copies of the locks.
        self._begin_threads()


def _close(telling: Telling | None, engine: sa.Engine) -> None:
    if telling is not None:
        telling.flush()
    engine.dispose()


def _without_collection(where: str) -> str:
    place, _, query = where.partition("?")
    kept = "&".join(each for each in query.split("&") if not each.startswith("collection="))
    return f"{place}?{kept}" if kept else place


_inherited: list[sa.Pool] = []
"""Pools of a process that this one was forked from: to close their connections would end that process's."""


def _close_idle() -> None:
    # SQLite's bookkeeping of its locks does not survive a fork, as the locks themselves don't.
    for database in list(Database._known.values()):
        if database.file is not None:
            database.engine.dispose()


def _begin_anew() -> None:
    Database._guard = threading.Lock()  # another thread may have held the copy of it at the fork
    for database in list(Database._known.values()):
        database.forget()
    Database._known = weakref.WeakValueDictionary()


os.register_at_fork(before=_close_idle, after_in_child=_begin_anew)
