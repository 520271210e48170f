"""Health checks over HTTP, with proof that the expected instance answered."""

from __future__ import annotations

import asyncio
import socket
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, RemoteDisconnected
from ssl import SSLContext, SSLError

from environments.providers.common.addresses import host_port
from statechart.following.cancellation import in_thread

HOST = "127.0.0.1"
TOKEN_HEADER = "X-Envchart-Instance"
_LIMIT = 65_536
_ZLIB_OR_GZIP = 32 + zlib.MAX_WBITS


class HealthVerdict(StrEnum):
    """The meaning of an answer."""

    HEALTHY = "healthy"
    SILENT = "silent"
    UNHEALTHY = "unhealthy"
    UNPROVEN = "nameless"
    """HTTP 200 without the token of the instance."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict, with its reason in one line; `waiting` says it while the service starts."""

    kind: HealthVerdict
    detail: str = ""
    waiting: str = ""

    @property
    def yet(self) -> str:
        """The reason to go on waiting for the service, empty once it is healthy."""
        return self.waiting or self.detail


async def ask(
    port: int,
    path: str,
    token: str,
    *,
    host: str = HOST,
    within: float = 2.0,
    tls: SSLContext | None = None,
) -> Answer:
    """Request a path once and look for the token in the headers and the body of the answer.

    The connection is direct: no proxy is used and no redirect is followed. Reading ends when the token
    is found, the answer ends, 64 KiB of the body are read, or `within` seconds after the call.

    Args:
        port: The TCP port.
        path: The path, with its query.
        token: Proves that the expected instance answers.
        host: An address or a name.
        within: Seconds for the whole check, from looking up the name to the last byte.
        tls: Makes the request one of HTTPS.
    """
    exchange = _Exchange(host, port, path, token, tls)
    late = False
    try:
        async with asyncio.timeout(within):
            with await _connect(host, port) as connection, connection.dup() as handle:
                # Only a shutdown wakes a thread that waits for a server which sends nothing, or a
                # byte now and then. The duplicate stays valid while the thread wraps and closes its own.
                await in_thread(partial(exchange.run, connection), on_cancel=partial(_cut, handle))
    except TimeoutError:
        late = True
    except OSError as error:
        exchange.error = error
    return exchange.answer(f"no answer on port {port} within {within:.1f} s", late=late)


async def _connect(host: str, port: int) -> socket.socket:
    """Connect to the first address of a host that accepts.

    Raises:
        OSError: No address accepts; the error of the last.
    """
    loop = asyncio.get_running_loop()
    failure = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.setblocking(False)
            await loop.sock_connect(connection, address)
        except OSError as error:
            connection.close()
            failure = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise failure


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):  # the server was faster
        connection.shutdown(socket.SHUT_RDWR)


@dataclass(slots=True)
class _Exchange:
    """A request, with the part of its answer that has been read."""

    host: str
    port: int
    path: str
    token: str
    tls: SSLContext | None
    status: int | None = None
    proven: bool = False
    error: Exception | None = None

    def run(self, connection: socket.socket) -> None:
        """Send the request and read the answer. Failures of the network are kept, not raised."""
        try:
            connection.setblocking(True)
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_hostname=self.host)
            client = HTTPConnection(self.host, self.port)
            client.sock = connection
            with connection:
                client.request("GET", self.path, headers=self._headers())
                with client.getresponse() as response:
                    self.status = response.status
                    self.proven = self.status == 200 and _holds(response, self.token)
        except (OSError, HTTPException, zlib.error) as error:
            self.error = error

    def _headers(self) -> dict[str, str]:
        host, _, _zone = self.host.partition("%")  # the zone of an address means nothing to the server
        return {"Host": host_port(host, self.port), "User-Agent": "envchart", "Connection": "close"}

    def answer(self, silence: str, *, late: bool) -> Answer:
        """Return the verdict; `silence` describes a server without an answer in time."""
        if self.status is None:
            return self._unanswered(silence, late=late)
        if self.status != 200:
            return Answer(HealthVerdict.UNHEALTHY, f"GET {self.path} answered HTTP {self.status}")
        if not self.proven:
            detail = f"GET {self.path} answered HTTP 200 without the token of the instance"
            return Answer(HealthVerdict.UNPROVEN, detail)
        return Answer(HealthVerdict.HEALTHY)

    def _unanswered(self, silence: str, *, late: bool) -> Answer:
        match self.error:
            case ConnectionRefusedError():
                closed = f"port {self.port} not open yet"
                return Answer(HealthVerdict.SILENT, f"nothing listens on port {self.port}", closed)
            case OSError() | None if late:  # what the shutdown at the deadline looks like to the thread
                return Answer(HealthVerdict.SILENT, silence)
            case RemoteDisconnected():
                return Answer(HealthVerdict.UNHEALTHY, "the connection was closed without an answer")
            case SSLError() as error:
                reason = error.strerror or str(error)
                return Answer(HealthVerdict.UNHEALTHY, f"port {self.port}: TLS failed: {reason.lower()}")
            case OSError() as error:
                reason = (error.strerror or str(error)).lower()
                return Answer(HealthVerdict.SILENT, f"port {self.port}: {reason}")
            case _:
                return Answer(HealthVerdict.UNHEALTHY, "the answer is not HTTP")


def _holds(response: HTTPResponse, token: str) -> bool:
    """Look for a token in the headers, then in the decoded body as it arrives."""
    if any(token in value for value in response.headers.values()):
        return True
    decode = _decoder(response.headers.get("Content-Encoding", ""))
    body = bytearray()
    taken = 0
    while taken < _LIMIT and len(body) < _LIMIT and (piece := response.read1(_LIMIT)):
        taken += len(piece)
        body += decode(piece, _LIMIT - len(body))
        if token.encode() in body:
            return True
    return False


def _decoder(encoding: str) -> Callable[[bytes, int], bytes]:
    # The request asks for no compression; some proxies and frameworks compress all the same.
    if encoding.strip().lower() in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(_ZLIB_OR_GZIP).decompress
    return lambda piece, _limit: piece
