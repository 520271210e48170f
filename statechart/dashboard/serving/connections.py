"""Connections: how long a client may take to ask, and how many there may be."""

from __future__ import annotations

import asyncio
import resource
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

_PATIENCE: Final = 10.0  # seconds that a client may take for a request, from its first byte to its last
_FILES: Final = 4096  # open files, of which each connection is one
BACKLOG: Final = 64
"""The connections that are accepted at a time."""

# Those of the store, of its watch and of commands, and of connections that are just accepted or aborted.
_OTHER_FILES: Final = 64 + 3 * BACKLOG


class Connection(H11Protocol):
    """A connection of a client, which has to ask in time, and makes room where there are too many.

    Any user of this machine can open connections, before a token is asked for.
    """

    def __init__(self, *given: Any, **named: Any) -> None:  # Any: as uvicorn makes them
        super().__init__(*given, **named)
        self._deadline: asyncio.TimerHandle | None = None
        self._since = 0.0

    @property
    def is_waited_for(self) -> bool:
        """Whether there is nothing to answer: the request is not there yet, or not whole."""
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request; of too many connections, end the one that waits longest."""
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > _most():
            idle = (
                each for each in self.connections if isinstance(each, Connection) and each.is_waited_for
            )
            min(idle, key=lambda each: each._since).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        super().connection_lost(exc)
        self._end_wait()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._wait()

    def shutdown(self) -> None:
        """Let the server stop: at once, unless a whole request waits for its answer."""
        if self.is_waited_for:
            self.transport.close()
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP. A request that it was a part of gets no other answer."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.close()
                return
        super().send_400_response(msg)

    def _wait(self) -> None:
        self._end_wait()
        self._since = self.loop.time()
        if not self.transport.is_closing():
            self._deadline = self.loop.call_later(_PATIENCE, self._give_up)

    def _end_wait(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        if self.is_waited_for:
            self.transport.close()


def _most() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _FILES if soft == resource.RLIM_INFINITY else max(1, soft - _OTHER_FILES)


def allow_connections() -> None:
    """Let this process open as many files as it may, since streams take a thousand."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft not in (resource.RLIM_INFINITY, wanted) and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
