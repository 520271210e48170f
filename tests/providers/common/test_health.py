from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import subprocess
import threading
import time
import zlib
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET
from struct import pack

import psutil
import pytest

from environments.providers.common.health import Answer, HealthVerdict, ask

TOKEN = "t0k3n"
# Without the time, which would stand in the names of tests, and differ between workers.
GZIPPED = gzip.compress(b"my t0k3n", mtime=0)
OK = b"HTTP/1.1 200 OK\r\n"


@asynccontextmanager
async def serving(*pieces, pause=0.0, hold=False, host="127.0.0.1", requests=None, tls=None):
    """Answer every connection with the pieces; then close it, or hold it open."""
    done, tasks = asyncio.Event(), set()

    async def answer(reader, writer):
        tasks.add(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await reader.readuntil(b"\r\n\r\n")
            if requests is not None:
                requests.append(request.decode())
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause)
            if hold:
                await done.wait()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(answer, host, 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        done.set()
        server.close()
        await asyncio.gather(*tasks)


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


@pytest.mark.parametrize(
    ("pieces", "kind", "detail"),
    [
        ((OK + b"\r\n", b"my t0k3n"), HealthVerdict.HEALTHY, ""),
        ((OK + b"X-Envchart-Instance: t0k3n\r\n\r\n",), HealthVerdict.HEALTHY, ""),
        ((OK[:9], OK[9:], b"\r\n", b"t0k", b"3n"), HealthVerdict.HEALTHY, ""),
        (
            (OK + b"\r\n", b"somebody else"),
            HealthVerdict.UNPROVEN,
            "GET /health answered HTTP 200 without the token of the instance",
        ),
        ((b"HTTP/1.0 503 Busy\r\n\r\nt0k3n",), HealthVerdict.UNHEALTHY, "GET /health answered HTTP 503"),
        ((b"HTTP/1.0 302 Found\r\nLocation: /t0k3n\r\n\r\n",), HealthVerdict.UNHEALTHY, "HTTP 302"),
        ((b"SSH-2.0-OpenSSH\r\n",), HealthVerdict.UNHEALTHY, "the answer is not HTTP"),
        ((b"\x00\x01\x02",), HealthVerdict.UNHEALTHY, "the answer is not HTTP"),
        ((), HealthVerdict.UNHEALTHY, "the connection was closed without an answer"),
    ],
)
async def test_an_answer_is_judged_by_its_status_and_token(pieces, kind, detail):
    async with serving(*pieces, pause=0.01) as port:
        answer = await ask(port, "/health", TOKEN)

    assert answer.kind is kind
    assert detail in answer.detail


@pytest.mark.parametrize(
    ("header", "body", "kind"),
    [
        (b"Transfer-Encoding: chunked", chunked(b"my t0", b"k3n"), HealthVerdict.HEALTHY),
        (b"Transfer-Encoding: chunked", chunked(b"my token"), HealthVerdict.UNPROVEN),
        (b"Transfer-Encoding: chunked", b"no chunk\r\n", HealthVerdict.UNPROVEN),
        (b"Content-Encoding: gzip", GZIPPED, HealthVerdict.HEALTHY),
        (b"Content-Encoding: deflate", zlib.compress(b"my t0k3n"), HealthVerdict.HEALTHY),
        (b"Content-Encoding: gzip", b"not compressed: t0k3n", HealthVerdict.UNPROVEN),
        (
            b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked",
            chunked(GZIPPED[:12], GZIPPED[12:]),
            HealthVerdict.HEALTHY,
        ),
        (b"Content-Length: 8", b"my t0k3n", HealthVerdict.HEALTHY),
        (b"Content-Length: 3", b"my t0k3n", HealthVerdict.UNPROVEN),
    ],
)
async def test_a_body_may_be_chunked_and_compressed(header, body, kind):
    async with serving(OK + header + b"\r\n\r\n" + body) as port:
        assert (await ask(port, "/", TOKEN)).kind is kind


@pytest.mark.parametrize(
    "body",
    [b"x" * 200_000, gzip.compress(b"x" * 50_000_000 + TOKEN.encode())],
    ids=["plain", "compressed"],
)
async def test_a_long_body_is_read_up_to_a_limit(body):
    encoding = b"Content-Encoding: gzip\r\n" if body.startswith(b"\x1f\x8b") else b""
    async with serving(OK + encoding + b"\r\n" + body, TOKEN.encode()) as port:
        async with asyncio.timeout(60):
            assert (await ask(port, "/", TOKEN, within=120)).kind is HealthVerdict.UNPROVEN


async def test_a_healthy_answer_ends_the_check_before_the_body_ends():
    async with serving(OK + b"\r\nt0k3n", hold=True) as port:
        async with asyncio.timeout(60):
            assert (await ask(port, "/", TOKEN, within=120)).kind is HealthVerdict.HEALTHY


async def test_an_endless_body_is_cut_off():
    async with serving(OK + b"\r\n", *[b"x" * 60_000] * 4, hold=True) as port:
        async with asyncio.timeout(60):
            assert (await ask(port, "/", TOKEN, within=120)).kind is HealthVerdict.UNPROVEN


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ((), Answer(HealthVerdict.SILENT, "no answer on port {port} within 1.0 s")),
        ((b"HTTP/1.1 2",), Answer(HealthVerdict.UNHEALTHY, "the answer is not HTTP")),
        (
            (OK + b"\r\n",),
            Answer(HealthVerdict.UNPROVEN, "GET / answered HTTP 200 without the token of the instance"),
        ),
        ((b"HTTP/1.1 500 Oops\r\n\r\n",), Answer(HealthVerdict.UNHEALTHY, "GET / answered HTTP 500")),
    ],
)
async def test_a_server_that_stops_sending_is_judged_at_the_deadline(pieces, expected):
    async with serving(*pieces, hold=True) as port:
        answer = await ask(port, "/", TOKEN, within=1)

    assert (answer.kind, answer.detail) == (expected.kind, expected.detail.format(port=port))


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
async def test_a_server_that_dribbles_is_cut_at_the_deadline(start):
    async with serving(start, *[b"x"] * 6000, pause=0.02) as port:
        begun = time.monotonic()
        answer = await ask(port, "/", TOKEN, within=0.3)

    assert answer.kind is not HealthVerdict.HEALTHY
    assert time.monotonic() - begun < 60


async def test_a_closed_port_is_reported():
    async with serving() as port:
        pass

    answer = await ask(port, "/", TOKEN)

    assert (answer.kind, answer.detail) == (HealthVerdict.SILENT, f"nothing listens on port {port}")
    assert answer.yet == f"port {port} not open yet"


async def test_a_name_without_an_address_is_reported():
    answer = await ask(1, "/", TOKEN, host="no-such-host.invalid")

    assert answer.kind is HealthVerdict.SILENT
    assert answer.detail.startswith(("port 1: ", "no answer"))


async def test_a_connection_that_is_reset_is_no_answer():
    async def reset(reader, writer):
        writer.transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
        writer.transport.abort()

    server = await asyncio.start_server(reset, "127.0.0.1", 0)
    async with server:
        answer = await ask(server.sockets[0].getsockname()[1], "/", TOKEN)

    assert (answer.kind, "reset" in answer.detail) == (HealthVerdict.SILENT, True)


async def test_a_redirect_is_not_followed():
    requests = []
    async with serving(OK + b"\r\nt0k3n", requests=requests) as target:
        location = f"Location: http://127.0.0.1:{target}/\r\n\r\n".encode()
        async with serving(b"HTTP/1.1 307 Moved\r\n" + location) as port:
            answer = await ask(port, "/", TOKEN)

    assert answer == Answer(HealthVerdict.UNHEALTHY, "GET / answered HTTP 307")
    assert requests == []


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with serving(OK + b"\r\nt0k3n") as port:
        assert (await ask(port, "/", TOKEN)).kind is HealthVerdict.HEALTHY


async def test_the_host_header_names_the_port():
    requests = []
    async with serving(OK + b"\r\nt0k3n", requests=requests) as port:
        await ask(port, "/health?deep=1", TOKEN)

    assert requests[0].startswith("GET /health?deep=1 HTTP/1.1\r\n")
    assert f"\r\nHost: 127.0.0.1:{port}\r\n" in requests[0]


def has_ipv6() -> bool:
    with suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_an_ipv6_address_stands_in_brackets_in_the_host_header():
    requests = []
    async with serving(OK + b"\r\nt0k3n", requests=requests, host="::1") as port:
        answer = await ask(port, "/", TOKEN, host="::1")

    assert answer.kind is HealthVerdict.HEALTHY
    assert f"\r\nHost: [::1]:{port}\r\n" in requests[0]


async def test_each_address_of_a_name_is_tried(monkeypatch):
    loop = asyncio.get_running_loop()
    found = loop.getaddrinfo

    async def both(_host, port, **options):
        return [*await found("127.0.0.2", port, **options), *await found("127.0.0.1", port, **options)]

    monkeypatch.setattr(loop, "getaddrinfo", both)
    async with serving(OK + b"\r\nt0k3n") as port:
        assert (await ask(port, "/", TOKEN, host="web")).kind is HealthVerdict.HEALTHY


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A file with a private key and its own certificate for localhost."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    making = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost"
    files = ["-keyout", str(path), "-out", str(path.with_suffix(".crt"))]
    names = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*making.split(), *names, *files], check=True, capture_output=True)
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


@pytest.fixture
def server_tls(certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_an_instance_can_answer_over_tls(certificate, server_tls):
    trusting = ssl.create_default_context(cafile=str(certificate.with_suffix(".crt")))
    async with serving(OK + b"\r\nt0k3n", tls=server_tls) as port:
        answer = await ask(port, "/", TOKEN, host="localhost", tls=trusting)

    assert answer == Answer(HealthVerdict.HEALTHY)


async def test_a_certificate_that_is_not_trusted_is_reported(server_tls):
    async with serving(OK + b"\r\nt0k3n", tls=server_tls) as port:
        answer = await ask(port, "/", TOKEN, host="localhost", tls=ssl.create_default_context())

    assert answer.kind is HealthVerdict.UNHEALTHY
    assert "TLS failed: " in answer.detail


async def test_a_tls_handshake_that_never_ends_is_cut_at_the_deadline():
    async def keep_silent(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(keep_silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        answer = await ask(port, "/", TOKEN, within=0.2, tls=ssl.create_default_context())

    assert answer == Answer(HealthVerdict.SILENT, f"no answer on port {port} within 0.2 s")


def client_sockets(port: int) -> list[object]:
    return [
        each for each in psutil.Process().net_connections("tcp") if each.raddr and each.raddr.port == port
    ]


@pytest.mark.parametrize("sent", [b"", OK + b"\r\n"], ids=["before the answer", "within the body"])
async def test_a_cancelled_check_leaves_no_socket_and_no_busy_thread(sent):
    requests = []
    async with serving(sent, hold=True, requests=requests) as port:
        checking = asyncio.create_task(ask(port, "/", TOKEN, within=120))
        while not requests:  # noqa: ASYNC110  the server appends to a list
            await asyncio.sleep(0.01)
        checking.cancel()
        begun = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await checking

        assert time.monotonic() - begun < 60
        assert client_sockets(port) == []
        await asyncio.wait_for(asyncio.get_running_loop().shutdown_default_executor(), 60)
        assert not [each for each in threading.enumerate() if each.name.startswith("asyncio_")]
