"""Names and documents of environments in a database, for completion.

SQLAlchemy, and the repository above it, take longer to load than a shell's user is ready to wait.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from environments.storage.sql.driver import asking
from statechart.storage.sql.urls import read_url

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
    with asking(read_url(url), patience=_PATIENCE) as ask:
        return ask(statement)
