"""Health: one question over loopback, and whether it was this very instance that answered."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

HOST = "127.0.0.1"
TOKEN_HEADER = "X-Envchart-Instance"
_LIMIT = 65_536


class HealthVerdict(StrEnum):
    """What an answer amounts to."""

    HEALTHY = "healthy"
    SILENT = "silent"
    UNHEALTHY = "unhealthy"
    UNPROVEN = "nameless"
    """It says that all is well, and does not prove to be the instance."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and in one line why it is taken for that."""

    kind: HealthVerdict
    detail: str = ""


async def ask(port: int, path: str, token: str, *, host: str = HOST, within: float = 2.0) -> Answer:
    """Ask for a path, by default on the loopback interface, directly, and look for the token.

    The request is one of HTTP/1.0, so that the body arrives in one piece. Reading ends as soon as
    the answer is decided, the server closes, or time is up.
    """
    received = bytearray()
    try:
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(_request(host, port, path))
                while len(received) < _LIMIT and (piece := await reader.read(_LIMIT)):
                    received += piece
                    if _decided(received, token):
                        break
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
    except TimeoutError:
        if not received:
            return Answer(HealthVerdict.SILENT, f"no answer on port {port} within {within:.1f} s")
    except ConnectionRefusedError:
        return Answer(HealthVerdict.SILENT, f"nothing listens on port {port}")
    except OSError as error:
        if not received:
            return Answer(HealthVerdict.SILENT, f"port {port}: {(error.strerror or str(error)).lower()}")
    return _judge(bytes(received), path, token)


def _request(host: str, port: int, path: str) -> bytes:
    lines = (f"GET {path} HTTP/1.0", f"Host: {host}:{port}", "User-Agent: envchart", "Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _status(received: bytes) -> int | None:
    words = received.partition(b"\r\n")[0].split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        return None
    return int(words[1])


def _decided(received: bytearray, token: str) -> bool:
    if b"\r\n\r\n" not in received:
        return False
    return _status(bytes(received)) != 200 or token.encode() in received


def _judge(received: bytes, path: str, token: str) -> Answer:
    status = _status(received)
    if not received:
        return Answer(HealthVerdict.UNHEALTHY, "the connection was closed without an answer")
    if status is None:
        return Answer(HealthVerdict.UNHEALTHY, "the answer is not HTTP")
    if status != 200:
        return Answer(HealthVerdict.UNHEALTHY, f"GET {path} answered HTTP {status}")
    if token.encode() not in received:
        return Answer(
            HealthVerdict.UNPROVEN, f"GET {path} answered HTTP 200 without the token of the instance"
        )
    return Answer(HealthVerdict.HEALTHY)
