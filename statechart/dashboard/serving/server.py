"""The server: a site on a port of its own, from its start to the end of its last stream."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import psutil
import uvicorn

from statechart.dashboard.serving.errors import AddressInUse, AddressUnusable

if TYPE_CHECKING:
    from statechart.dashboard.site import Site


_PATIENCE: Final = 2  # seconds, that an answer may take when the server stops


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to an address; port 0 is any that is free.

    Raises:
        AddressInUse: Another process listens there.
        AddressUnusable: The host is none of this machine, or the port is reserved.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
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
        await super().shutdown(sockets)
        await self.site.following.stop()


def _configuration(
    site: Site[Any],  # Any: rows of any kind
    root_path: str,
) -> uvicorn.Config:
    return uvicorn.Config(
        site,
        root_path=root_path,
        log_level="error",
        access_log=False,  # addresses hold searches
        server_header=False,
        proxy_headers=False,  # any user of this machine could send them
        ws="none",
        lifespan="off",  # a second Ctrl-C would leave its end out, and say so at length
        timeout_graceful_shutdown=_PATIENCE,
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
    with listening:
        Server(site, ready, root_path).run(sockets=[listening])
