from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from socket import SO_LINGER, SOL_SOCKET
from struct import pack

import pytest

from environments.providers.common.health import HealthVerdict, ask

TOKEN = "t0k3n"


@asynccontextmanager
async def serving(*pieces, pause=0.0, hold=False):
    """Answer every connection with the pieces; then close it, or hold it open."""
    done, tasks = asyncio.Event(), set()

    async def answer(reader, writer):
        tasks.add(asyncio.current_task())
        with suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause)
            if hold:
                await done.wait()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        done.set()
        server.close()
        await asyncio.gather(*tasks)


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("pieces", "kind", "detail"),
    [
        ((OK + b"\r\n", b"my t0k3n"), HealthVerdict.HEALTHY, ""),
        ((OK + b"X-Envchart-Instance: t0k3n\r\n\r\n",), HealthVerdict.HEALTHY, ""),
        ((OK[:9], OK[9:], b"\r\n", b"t0k", b"3n"), HealthVerdict.HEALTHY, ""),
        (
            (OK + b"\r\n", b"somebody else"),
            HealthVerdict.UNPROVEN,
            "GET /health answered HTTP 200 without the token",
        ),
        ((b"HTTP/1.0 503 Busy\r\n\r\nt0k3n",), HealthVerdict.UNHEALTHY, "GET /health answered HTTP 503"),
        ((b"HTTP/1.0 302 Found\r\nLocation: /t0k3n\r\n\r\n",), HealthVerdict.UNHEALTHY, "HTTP 302"),
        ((b"SSH-2.0-OpenSSH\r\n",), HealthVerdict.UNHEALTHY, "the answer is not HTTP"),
        ((), HealthVerdict.UNHEALTHY, "closed without an answer"),
    ],
)
async def test_an_answer_is_judged_by_its_status_and_token(pieces, kind, detail):
    async with serving(*pieces, pause=0.01) as port:
        answer = await ask(port, "/health", TOKEN)

    assert answer.kind is kind
    assert detail in answer.detail


async def test_a_decided_answer_is_not_waited_out():
    async with serving(OK + b"\r\nt0k3n", hold=True) as port:
        async with asyncio.timeout(1):
            assert (await ask(port, "/", TOKEN, within=5)).kind is HealthVerdict.HEALTHY


async def test_an_answer_that_never_ends_is_cut_off():
    async with serving(OK + b"\r\n", *[b"x" * 60_000] * 4, hold=True) as port:
        async with asyncio.timeout(1):
            assert (await ask(port, "/", TOKEN, within=5)).kind is HealthVerdict.UNPROVEN


@pytest.mark.parametrize(
    ("pieces", "kind"), [((), HealthVerdict.SILENT), ((OK + b"\r\n",), HealthVerdict.UNPROVEN)]
)
async def test_time_ends_what_does_not_end_by_itself(pieces, kind):
    async with serving(*pieces, hold=True) as port:
        assert (await ask(port, "/", TOKEN, within=0.1)).kind is kind


async def test_nobody_listening_is_told():
    async with serving() as port:
        pass

    answer = await ask(port, "/", TOKEN)

    assert (answer.kind, answer.detail) == (HealthVerdict.SILENT, f"nothing listens on port {port}")


async def test_a_connection_that_is_reset_is_no_answer():
    async def reset(reader, writer):
        writer.transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
        writer.transport.abort()

    server = await asyncio.start_server(reset, "127.0.0.1", 0)
    async with server:
        answer = await ask(server.sockets[0].getsockname()[1], "/", TOKEN)

    assert (answer.kind, "reset" in answer.detail) == (HealthVerdict.SILENT, True)
