"""The server: a site on a port of its own, from its start to the end of its last stream."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import psutil
import uvicorn

from statechart.dashboard.serving.connections import BACKLOG, Connection, allow_connections
from statechart.dashboard.serving.errors import AddressInUse, AddressUnusable

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from statechart.dashboard.site import Site


_PATIENCE: Final = 2  # seconds, that an answer may take when the server stops


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to an address; port 0 is any that is free.

    Raises:
        AddressInUse: Another process listens there.
        AddressUnusable: The host is none of this machine, or the port is reserved.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends at once (TCP_NODELAY) only where the protocol is named; else the kernel keeps the second
    # part of each answer back until the client has acknowledged the first, which takes it 40 ms.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(128)  # here, not later: two sockets can be bound to one address
    except OSError as error:
        found.close()
        if isinstance(error, socket.gaierror) or error.errno not in _IN_USE:
            raise AddressUnusable(host, port, error.strerror or str(error)) from error
        raise AddressInUse(host, port, _listener(port)) from error
    return found


_IN_USE: Final = (errno.EADDRINUSE,)


def _listener(port: int) -> str | None:
    """Return the process that listens on a port, in words, or None if it belongs to somebody else."""
    try:
        found = next(
            each.pid
            for each in psutil.net_connections("tcp")
            if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr[1] == port and each.pid
        )
        return f"{psutil.Process(found).name()} (pid {found})"
    except (StopIteration, psutil.Error, OSError):
        return None


class Server(uvicorn.Server):
    """A server that says when it can be asked, and ends the streams before it waits for answers."""

    def __init__(
        self,
        site: Site[Any],  # Any: rows of any kind
        ready: Callable[[], None] = lambda: None,
        root_path: str = "",
    ) -> None:
        super().__init__(_configuration(site, root_path))
        self.site = site
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Read the store, listen, and say so."""
        await self.site.following.ready()
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then everything else."""
        self.site.board.hub.close()
        leaving = asyncio.get_running_loop().call_later(_PATIENCE, self._leave)
        await super().shutdown(sockets)
        leaving.cancel()
        await asyncio.gather(*self._leave())
        await self.site.following.stop()

    def _leave(self) -> list[asyncio.Task[None]]:
        """Leave the clients that have no answer yet, or don't read it; return the answers that end."""
        tasks = list(self.server_state.tasks)
        for connection in [*self.server_state.connections]:
            connection.transport.abort()
        for task in tasks:
            task.cancel()
        return tasks


def _ending_with_the_server(site: Site[Any]) -> ASGIApp:  # Any: rows of any kind
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        # Nothing but the end of the server cancels an answer, and uvicorn takes that for a fault.
        with suppress(asyncio.CancelledError):
            await site(scope, receive, send)

    return answer


def _configuration(
    site: Site[Any],  # Any: rows of any kind
    root_path: str,
) -> uvicorn.Config:
    return uvicorn.Config(
        _ending_with_the_server(site),
        interface="asgi3",
        # The only implementations that are tested, whatever else is installed or in the environment.
        http=Connection,
        loop="asyncio",
        workers=1,
        backlog=BACKLOG,
        root_path=root_path,
        log_level="error",
        access_log=False,  # addresses hold searches
        server_header=False,
        proxy_headers=False,  # any user of this machine could send them
        ws="none",
        lifespan="off",  # a second Ctrl-C would leave its end out, and say so at length
    )


def serve(
    site: Site[Any],  # Any: rows of any kind
    listening: socket.socket,
    *,
    root_path: str = "",
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve a site until a signal ends it, which is raised again afterwards.

    Args:
        site: The application.
        listening: The socket, which is closed at the end.
        root_path: The path below which a proxy offers the site.
        ready: Called when the first page can be asked for.
    """
    allow_connections()
    with listening:
        Server(site, ready, root_path).run(sockets=[listening])
