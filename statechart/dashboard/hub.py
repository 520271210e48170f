"""The hub: tells every open page what has changed, the newest only, however slowly it reads."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from statechart.dashboard.refusals import Refused

LIMIT: Final = 1000
"""The streams that are open at a time at most."""

PENDING: Final = 300
"""The changed rows that a page is told at most; beyond that, the page is told to ask for itself again."""

RESYNC: Final = b"event: resync\ndata: {}\n\n"


class Listener:
    """An open page.

    Attributes:
        name: The only name that it shows, or None for all.
    """

    def __init__(self, name: str | None) -> None:
        self.name = name
        self._rows: dict[str, bytes] = {}
        self._counts: bytes | None = None
        self._is_behind = False
        self._is_closed = False
        self._woken = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def put(self, rows: Mapping[str, bytes], counts: bytes) -> None:
        """Keep changes until the page is told them: of each row the newest, and of many none."""
        if self.name is not None:
            rows = {self.name: rows[self.name]} if self.name in rows else {}
        if not rows and (self.name is not None or counts == self._counts):
            return
        self._rows.update(rows)
        self._counts = counts
        if len(self._rows) > PENDING:
            self.resync()
        self._wake()

    def resync(self) -> None:
        """Tell the page to ask for itself again, in place of all changes."""
        self._rows.clear()
        self._is_behind = True
        self._wake()

    def close(self) -> None:
        """End the stream."""
        self._is_closed = True
        self._wake()

    def _wake(self) -> None:
        if asyncio.get_running_loop() is self._loop:
            self._woken.set()
        elif not self._loop.is_closed():
            # Of the several event loops of a process, one follows the store for all.
            self._loop.call_soon_threadsafe(self._woken.set)

    async def next(self) -> bytes | None:
        """Wait for changes, and return them as an event of a stream; None at the end."""
        await self._woken.wait()
        self._woken.clear()
        if self._is_closed:
            return None
        if self._is_behind:
            self._is_behind = False
            return RESYNC
        told, self._rows = self._rows, {}
        rows = b",".join(told.values())
        return b'event: change\ndata: {"rows":{%b},"counts":%b}\n\n' % (rows, self._counts or b"{}")


class Hub:
    """All open pages.

    Attributes:
        told: How often changes of rows were told.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._listeners: set[Listener] = set()
        self._is_closed = False
        self._process = secrets.token_hex(4)
        self.told: int = 0
        self._touched = 0

    @property
    def version(self) -> str:
        """The number of changes so far: a page that was made at another is asked for again."""
        return f"{self._process}-{self.told + self._touched}"

    def __len__(self) -> int:
        """Return the number of open streams."""
        return len(self._listeners)

    @property
    def shows_rows(self) -> bool:
        """Whether any page shows rows, so that they are worth to be drawn."""
        return any(each.name is None for each in self._listeners)

    def shows(self, name: str) -> bool:
        """Return whether any page shows this name only."""
        return any(each.name == name for each in self._listeners)

    def listen(self, name: str | None = None) -> Listener:
        """Open a stream: of all rows, or of one name.

        Raises:
            Refused: There are too many, or the server stops.
        """
        if self._is_closed or len(self._listeners) >= self._limit:
            raise Refused(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "too_many_streams",
                "the server stops" if self._is_closed else f"there are {self._limit} open pages already",
                ("the page still works: reload it to see changes",),
            )
        listener = Listener(name)
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Forget a stream that has ended."""
        self._listeners.discard(listener)

    def tell(self, rows: Mapping[str, object | None], counts: Mapping[str, int]) -> None:
        """Tell each page the rows that it shows: JSON values by name, None for what is gone."""
        self.told += 1
        told = {name: _member(name, value) for name, value in rows.items()}
        counted = json.dumps(counts).encode()
        for listener in [*self._listeners]:
            listener.put(told, counted)

    def touch(self, name: str) -> None:
        """Tell the pages that show this name only that it has changed: it need not be a row."""
        self._touched += 1
        for listener in [*self._listeners]:
            if listener.name == name:
                listener.put({name: _member(name, None)}, b"{}")

    def resync(self) -> None:
        """Tell all pages to ask for themselves again."""
        self.told += 1
        for listener in [*self._listeners]:
            listener.resync()

    def close(self) -> None:
        """End all streams, and open no others."""
        self._is_closed = True
        for listener in [*self._listeners]:
            listener.close()


def _member(name: str, value: object) -> bytes:
    return f"{json.dumps(name)}:{json.dumps(value)}".encode()
