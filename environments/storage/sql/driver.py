"""Ask a database by its driver alone: SQLAlchemy takes longer to load than a short question."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from statechart.errors import StorageError
from statechart.storage.sql.urls import TCP, require_driver

if TYPE_CHECKING:
    from statechart.storage.sql.urls import StoreUrl

COLLECTION: Final = "environments"
"""The collection of environments, if a URL names none."""


class Ask(Protocol):
    """Asks for the rows of a statement, in which `{}` stands for the name of the collection."""

    def __call__(self, statement: str, /) -> list[Any]:  # Any: tuples of columns
        """Return the rows."""
        ...


@contextmanager
def asking(place: StoreUrl, *, patience: int) -> Iterator[Ask]:
    """Connect to a database for reading.

    Args:
        place: The URL.
        patience: The seconds to wait for a connection, or for another transaction.

    Raises:
        DriverMissing: The packages that reach the database are not installed.
        StorageError: The database can't be read.
    """
    require_driver(place)
    named = (COLLECTION if place.collection is None else place.collection,)
    mark = "?" if place.file else "%s"
    try:
        with closing(_connected(place, patience)) as connection:

            def ask(statement: str, /) -> list[Any]:
                given = named if "{}" in statement else ()
                found: list[Any] = connection.execute(statement.format(mark), given).fetchall()
                return found

            yield ask
            connection.rollback()  # a pooler would close its own connection, too, in a transaction
    except Exception as error:  # of a driver that is loaded only here
        if not isinstance(error, OSError) and not type(error).__module__.startswith(("sqlite3", "psycopg")):
            raise
        raise StorageError(f"{place.where} can't be read: {error}") from error


def _connected(place: StoreUrl, patience: int) -> Any:  # Any: either driver's
    if place.file:
        # For reading only, as a connection would make a file that is missing.
        file = f"{Path(place.file).absolute().as_uri()}?mode=ro"
        return sqlite3.connect(file, uri=True, timeout=patience)
    url = place.connect.replace("postgresql+psycopg://", "postgresql://", 1)
    settings = {**TCP, "connect_timeout": patience}
    connection = import_module("psycopg").connect(url, prepare_threshold=None, **settings)
    # Of this transaction only: a pooler would pass it on to other programs.
    connection.execute(f"SELECT set_config('lock_timeout', '{patience}s', true)")
    return connection
