"""Notice changes of a file of SQLite: each commit of another connection changes its version."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from pathlib import Path

    from statechart.storage.sql.reading import Names

_EVERY: Final = 0.1
"""The seconds between two looks at the version, which take microseconds."""


def watch(names: Names) -> Version:
    """Return a watch on the version of a file, which changes with any of its tables."""
    assert names.database.file is not None
    return Version(names.database.file)


class Version:
    """Looks at the version of a file; see `statechart.storage.sql.watches.changes.Watch`.

    Attributes:
        watching: How changes are noticed.
    """

    def __init__(self, file: Path) -> None:
        self.watching: str = "file"
        self._file = file
        self._connection: sqlite3.Connection | None = None
        self._seen: int | None = None

    async def begin(self) -> None:
        """Take note of the version."""
        self._seen = self._version()

    async def wait(self, seconds: float) -> frozenset[str] | None:
        """Wait for another version, which may be of any name."""
        until = monotonic() + seconds
        while True:
            if self._seen is None or self._version() != self._seen:
                if self._seen is None:
                    await asyncio.sleep(min(_EVERY, max(0.0, until - monotonic())))
                return None
            if (left := until - monotonic()) <= 0:
                return frozenset()
            await asyncio.sleep(min(_EVERY, left))

    async def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _version(self) -> int | None:
        """Return the version, or None if it can't be read now: its writer is in the way."""
        try:
            if self._connection is None:
                uri = f"file:{quote(str(self._file))}?mode=ro"
                self._connection = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)
            version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error:
            with suppress(sqlite3.Error):
                if self._connection is not None:
                    self._connection.close()
            self._connection = None
            return None
        return version
