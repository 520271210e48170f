"""Clients of a dashboard that take their time, are too many, or speak no HTTP."""

import asyncio
import resource

import httpx
import pytest

from statechart.dashboard.serving import connections
from tests.statechart.dashboard.sample import KNOWN, TOKEN, SampleRow, SampleSource, running, until


async def connected(address: str, said: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host = address.removeprefix("http://")
    reader, writer = await asyncio.open_connection(*host.split(":"))
    writer.write(said.format(ours=f"Host: {host}\r\nAuthorization: Bearer {TOKEN}\r\n").encode())
    await writer.drain()
    return reader, writer


@pytest.mark.parametrize(
    "said",
    ["", "GET / HTTP/1.1\r\n", "POST /form HTTP/1.1\r\n{ours}Content-Length: 9\r\n\r\na=1"],
    ids=["nothing", "half a head", "half a body"],
)
async def test_a_client_that_does_not_ask_in_time_is_left(monkeypatch, capfd, said):
    monkeypatch.setattr(connections, "_PATIENCE", 0.05)
    async with running(SampleSource()) as (address, _):
        reader, writer = await connected(address, said)
        async with asyncio.timeout(30):
            assert await reader.read() == b""
        writer.close()
    assert capfd.readouterr().err == ""


async def test_clients_that_wait_make_room_and_streams_stay(monkeypatch):
    monkeypatch.setattr(connections, "_most", lambda: 3)
    async with running(SampleSource({"web": SampleRow("web")})) as (address, server):
        stream, kept = await connected(address, "GET /events HTTP/1.1\r\n{ours}\r\n")
        await stream.readuntil(b"event: version")
        idle = [await connected(address, "GET / HTTP/1.1\r\n") for _ in range(6)]
        async with httpx.AsyncClient(base_url=address, headers=KNOWN) as client:
            assert (await client.get("/")).text == "web"
        await until(lambda: len(server.server_state.connections) <= 3)
        assert len(server.site.board.hub) == 1
        for _, writer in (*idle, (stream, kept)):
            writer.close()


@pytest.mark.parametrize("path", ["/", "/form", "/events", "/nowhere"])
async def test_a_request_that_is_no_http_in_the_end_leaves_no_fault(capfd, path):
    said = f"POST {path} HTTP/1.1\r\n{{ours}}Transfer-Encoding: chunked\r\n\r\nzz\r\n"
    async with running(SampleSource()) as (address, _):
        reader, writer = await connected(address, said)
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        writer.close()
    assert capfd.readouterr().err == ""


async def test_a_browser_that_is_closed_while_it_sends_leaves_no_fault(capfd):
    async with running(SampleSource()) as (address, server):
        _, writer = await connected(address, "POST /form HTTP/1.1\r\n{ours}Content-Length: 9\r\n\r\na=1")
        await until(lambda: server.server_state.tasks)
        writer.close()
        await until(lambda: not server.server_state.tasks)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "said",
    ["GET /slow HTTP/1.1\r\n{ours}\r\n", "POST /form HTTP/1.1\r\n{ours}Content-Length: 9\r\n\r\na=1"],
    ids=["an answer that takes long", "half a body"],
)
async def test_a_client_without_its_answer_does_not_hold_up_the_end(monkeypatch, capfd, said):
    monkeypatch.setattr("statechart.dashboard.serving.server._PATIENCE", 0.05)
    async with running(SampleSource()) as (address, server):
        reader, writer = await connected(address, said)
        await until(lambda: server.server_state.tasks)
    assert await reader.read() == b""
    writer.close()
    assert capfd.readouterr().err == ""


def test_more_files_may_be_open_but_never_more_than_the_machine_allows(monkeypatch):
    limits = {resource.RLIMIT_NOFILE: (1024, 2000)}
    monkeypatch.setattr(resource, "getrlimit", limits.get)
    monkeypatch.setattr(resource, "setrlimit", limits.__setitem__)

    connections.allow_connections()
    assert limits == {resource.RLIMIT_NOFILE: (2000, 2000)}

    limits[resource.RLIMIT_NOFILE] = (9000, resource.RLIM_INFINITY)
    connections.allow_connections()
    assert limits == {resource.RLIMIT_NOFILE: (9000, resource.RLIM_INFINITY)}
