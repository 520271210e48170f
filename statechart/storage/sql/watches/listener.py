"""Listen to the notices of PostgreSQL, which each process sends after its commits."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import psycopg

from statechart.errors import StorageError
from statechart.storage.sql.threads.telling import CHANNEL

if TYPE_CHECKING:
    from statechart.storage.sql.reading import Names

_PROBE: Final = 3.0
"""The seconds within which a notice of our own has to arrive."""

_AGAIN: Final = 30.0
"""The seconds after which a server whose notices do not arrive is asked again."""

_CONNECTION: Final = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 2,
    "tcp_user_timeout": 8000,
    "prepare_threshold": None,  # PgBouncer
}


def watch(names: Names) -> Listener:
    """Return a listener for the changes of a collection."""
    return Listener(names)


class Listener:
    """Listens on a connection of its own; see `statechart.storage.sql.watches.changes.Watch`.

    Attributes:
        watching: How changes are noticed.
    """

    def __init__(self, names: Names) -> None:
        self.watching: str = "listen"
        self._engine = names.database.engine
        self._begins = f"{names.collection}/"
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._not_before = 0.0

    async def begin(self) -> None:
        """Listen, unless a connection listens already, or its notices did not arrive a moment ago."""
        if self._connection is not None or monotonic() < self._not_before:
            return
        try:
            self._connection = await self._connect()
            await self._connection.execute(f"LISTEN {CHANNEL}")
            arrives = await self._arrives(self._connection)
        except (psycopg.Error, OSError, StorageError) as error:
            await self._lose(f"{' '.join(str(error).split())}")
            return
        self.watching = "listen"
        if not arrives:
            self._not_before = monotonic() + _AGAIN
            await self._lose("notices do not arrive, as behind PgBouncer in its transaction mode")

    async def wait(self, seconds: float) -> frozenset[str] | None:
        """Wait for notices, and return the names."""
        if self._connection is None:
            await asyncio.sleep(seconds)
            return None
        try:
            told = [each async for each in self._connection.notifies(timeout=seconds, stop_after=1)]
        except (psycopg.Error, OSError) as error:
            await self._lose(f"the connection was lost ({' '.join(str(error).split())})")
            return None
        payloads = [each.payload for each in told]
        return frozenset(
            each.removeprefix(self._begins) for each in payloads if each.startswith(self._begins)
        )

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        words, options = self._engine.dialect.create_connect_args(self._engine.url)
        return await psycopg.AsyncConnection.connect(*words, **{**_CONNECTION, **options}, autocommit=True)

    async def _arrives(self, connection: psycopg.AsyncConnection[Any]) -> bool:
        """Return whether a notice of another connection arrives: PgBouncer hands it to nobody."""
        token = f"//{uuid4().hex}"  # no name
        async with await self._connect() as other:
            await other.execute("SELECT pg_notify(%s, %s)", (CHANNEL, token))
        until = monotonic() + _PROBE
        while (left := until - monotonic()) > 0:
            told = [each async for each in connection.notifies(timeout=left, stop_after=1)]
            if any(each.payload == token for each in told):
                return True
        return False

    async def _lose(self, reason: str) -> None:
        self.watching = f"polling: {reason}"
        await self.close()
