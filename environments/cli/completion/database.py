"""Names and documents of environments in a database, for completion: read by the driver alone.

SQLAlchemy, and the repository above it, take longer to load than a shell's user is ready to wait.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from statechart.errors import StorageError
from statechart.storage.sql.urls import StoreUrl, read_url, require_driver

_COLLECTION: Final = "environments"
_PATIENCE: Final = 2  # seconds
_NAMES: Final = "SELECT name, '' FROM envchart_name WHERE collection = {}"
_DOCUMENTS: Final = "SELECT name, value FROM envchart_name WHERE collection = {}"


def names(url: str) -> list[str]:
    """Return all names.

    Raises:
        StorageError: The database can't be read at once.
    """
    return [name for name, _ in _rows(url, _NAMES)]


def documents(url: str, wanted: Iterable[str]) -> dict[str, str]:
    """Return the present values of some environments, as JSON.

    Raises:
        StorageError: The database can't be read at once.
    """
    chosen = set(wanted)
    return {name: value for name, value in _rows(url, _DOCUMENTS) if name in chosen}


def _rows(url: str, statement: str) -> list[Any]:  # Any: pairs of text
    place = read_url(url)
    require_driver(place)
    collection = place.collection if place.collection is not None else _COLLECTION
    try:
        return (_of_sqlite if place.file else _of_postgresql)(place, statement, collection)
    except Exception as error:  # of a driver that is loaded only here
        if not isinstance(error, OSError) and not type(error).__module__.startswith(("sqlite3", "psycopg")):
            raise
        raise StorageError(f"{place.where} can't be read: {error}") from error


def _of_sqlite(place: StoreUrl, statement: str, collection: str) -> list[Any]:
    # For reading only, as a connection would make a file that is missing.
    file = f"{Path(place.file).absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(file, uri=True, timeout=_PATIENCE)) as connection:
        return connection.execute(statement.format("?"), (collection,)).fetchall()


def _of_postgresql(place: StoreUrl, statement: str, collection: str) -> list[Any]:
    driver = import_module("psycopg")
    url = place.connect.replace("postgresql+psycopg://", "postgresql://", 1)
    with driver.connect(url, connect_timeout=_PATIENCE) as connection:
        found: list[Any] = connection.execute(statement.format("%s"), (collection,)).fetchall()
        return found
