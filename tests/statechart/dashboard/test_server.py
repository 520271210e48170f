"""A dashboard on a port: its streams, its limits and its end."""

import asyncio
import json
import os
import socket
from contextlib import asynccontextmanager

import httpx
import pytest

from statechart.dashboard.serving.errors import AddressInUse, AddressUnusable
from statechart.dashboard.serving.server import Server, bound
from tests.statechart.dashboard.sample import (
    KNOWN,
    TOKEN,
    SampleRow,
    SampleSource,
    running,
    sample_site,
    until,
)


@asynccontextmanager
async def listening(address: str, path: str = "/events"):
    """Open a stream, and yield its lines after the opening."""
    async with (
        httpx.AsyncClient(base_url=address, headers=KNOWN, timeout=30) as client,
        client.stream("GET", path) as stream,
    ):
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.aiter_lines()
        assert [await anext(lines) for _ in range(2)] == ["retry: 1000", "event: version"]
        assert (await anext(lines)).startswith("data: ")
        assert await anext(lines) == ""
        yield lines


async def told(lines) -> object:
    event, content, end = [await anext(lines) for _ in range(3)]
    assert event == "event: change"
    assert not end
    return json.loads(content.removeprefix("data: "))


async def test_a_change_reaches_all_open_pages():
    source = SampleSource({"web": SampleRow("web")})
    async with (
        running(source) as (address, _),
        listening(address) as all_,
        listening(address, "/events?name=web") as one,
    ):
        source.change(SampleRow("web", "failed"))

        html = {"html": "<tr>web</tr>"}
        counts = {"all": 1, "failed": 1, "idle": 0}
        assert await told(all_) == {"rows": {"web": {"group": "failed", **html}}, "counts": counts}
        assert (await told(one))["rows"]["web"]["group"] == "failed"

        source.remove("web")
        assert (await told(all_))["rows"] == {"web": None}


async def test_the_parts_of_an_answer_are_sent_without_delay():
    async with (
        running(SampleSource()) as (address, server),
        httpx.AsyncClient(base_url=address, headers=KNOWN) as client,
    ):
        await client.get("/")
        (connection,) = server.server_state.connections
        accepted = connection.transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_page_that_is_older_than_its_stream_can_tell():
    source = SampleSource({"web": SampleRow("web")})
    async with running(source) as (address, server):
        before = server.site.board.hub.version
        source.change(SampleRow("web", "failed"))
        await until(lambda: server.site.board.index.counts["failed"] == 1)
        await until(lambda: server.site.board.hub.version != before)
        async with (
            httpx.AsyncClient(base_url=address, headers=KNOWN) as client,
            client.stream("GET", "/events") as stream,
        ):
            lines = stream.aiter_lines()
            opening = [await anext(lines) for _ in range(3)]
    assert opening[2] == f"data: {server.site.board.hub.version}"


async def test_streams_are_limited_and_given_back():
    async with running(SampleSource(), limit=2) as (address, server):
        async with (
            listening(address),
            listening(address),
            httpx.AsyncClient(base_url=address, headers=KNOWN) as client,
        ):
            answer = await client.get("/events")
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "too_many_streams"
            assert (await client.get("/")).status_code == 200
        await until(
            lambda: len(server.site.board.hub) == 0
        )  # the end of a connection is noticed a moment later
        async with listening(address):
            pass


async def test_a_stream_without_news_says_that_it_is_alive(monkeypatch):
    monkeypatch.setattr("statechart.dashboard.streams._HEARTBEAT", 0.01)
    async with (
        running(SampleSource()) as (address, _),
        httpx.AsyncClient(base_url=address, headers=KNOWN, timeout=30) as client,
        client.stream("GET", "/events") as stream,
    ):
        assert stream.headers["x-accel-buffering"] == "no"  # a proxy passes each event on
        async with asyncio.timeout(30):
            async for line in stream.aiter_lines():
                if line == "event: alive":
                    break


async def test_it_stops_at_once_with_many_open_streams(capfd):
    source = SampleSource()
    async with running(source) as (address, server):
        host, port = address.removeprefix("http://").split(":")
        pairs = [await asyncio.open_connection(host, int(port)) for _ in range(50)]
        for reader, writer in pairs:
            writer.write(f"GET /events HTTP/1.1\r\nHost: {host}:{port}\r\n".encode())
            writer.write(f"Authorization: Bearer {TOKEN}\r\n\r\n".encode())
            await reader.readuntil(b"event: version")
        server.should_exit = True
        for reader, writer in pairs:
            await reader.read()
            writer.close()
    # uvicorn would say that it had to cancel them after its patience.
    assert capfd.readouterr().err == ""


async def test_a_client_that_never_reads_does_not_hold_up_the_others():
    source = SampleSource({f"e{number}": SampleRow(f"e{number}") for number in range(200)})
    async with running(source) as (address, server):
        host, port = address.removeprefix("http://").split(":")
        stubborn = socket.create_connection((host, int(port)))
        stubborn.sendall(
            f"GET /events HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
        )
        await until(lambda: len(server.site.board.hub) == 1)
        async with listening(address) as lines:
            for round_ in range(60):
                source.change(*(SampleRow(f"e{number}", words=str(round_)) for number in range(200)))
                await told(lines)
        pending = max(len(each._rows) for each in server.site.board.hub._listeners)
        stubborn.close()
        assert pending <= 300


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"a=1&b=%C3%A9&a=2", 200), (b"x" * 70_000, 413), (b"\xff=1", 400), (b"&".join([b"a=1"] * 200), 400)],
)
async def test_a_form_is_read_with_limits(content, status):
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(sample_site(SampleSource())), base_url="http://x"
    ) as client:
        answer = await client.post("/form", content=content)
    assert answer.status_code == status


async def test_a_fault_of_ours_is_said_without_details_and_the_server_lives_on():
    site = sample_site(SampleSource({"web": SampleRow("web")}))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(site, raise_app_exceptions=False), base_url="http://x"
    ) as client:
        answer = await client.get("/fault")
        assert answer.status_code == 500
        assert "ZeroDivision" not in answer.text
        assert "content-security-policy" in answer.headers
        assert (await client.get("/")).text == "web"


def test_a_port_in_use_says_who_has_it():
    with bound("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(AddressInUse, match=f"port {port} .*pid {os.getpid()}"):
            bound("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_refused(host):
    with pytest.raises(AddressUnusable, match=host):
        bound(host, 0)


def test_the_configuration_trusts_no_header_and_logs_no_address():
    config = Server(sample_site(SampleSource())).config

    assert (config.access_log, config.proxy_headers, config.server_header) == (False, False, False)
