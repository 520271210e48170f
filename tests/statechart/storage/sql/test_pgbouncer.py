"""PgBouncer in transaction mode: each transaction may be given another connection of the server."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path

import psycopg
import pytest

from statechart.storage.sql.errors import TooManyConnections
from statechart.storage.sql.inspection import inspect
from statechart.storage.sql.repository import JsonSqlRepository
from statechart.storage.sql.schema import ENGINE
from tests.ports import free_port
from tests.postgres import user
from tests.statechart.storage.sql.conftest import Note, notes

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")

pytestmark = pytest.mark.skipif(
    PROGRAM is None and "CI" not in os.environ, reason="no pgbouncer: install it"
)

SETTINGS = """
[databases]
{name} = host=127.0.0.1 port={server} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
max_client_conn = 10
"""


@pytest.fixture
def pooled_url(blank_postgres_url: str, open_place: Path) -> Iterator[str]:
    """The URL of a blank database by way of PgBouncer."""
    server, _, name = blank_postgres_url.rpartition("@127.0.0.1:")[2].partition("/")
    port = free_port()
    settings = open_place / "pgbouncer.ini"
    settings.write_text(SETTINGS.format(name=name, server=server, port=port))
    assert PROGRAM is not None
    running = subprocess.Popen([PROGRAM, "-q", settings], **user())
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                assert running.poll() is None
                time.sleep(0.02)
        yield f"postgresql://postgres@127.0.0.1:{port}/{name}"
    finally:
        running.kill()
        running.wait()


def count(store: JsonSqlRepository[Note], name: str, times: int) -> None:
    for _ in range(times):
        with store.open(name, timeout=60) as session:
            revision = session.head.revision
            session.commit("changed", Note(text=str(revision)), expected=revision)


def test_a_store_works_through_a_pooler_that_gives_each_transaction_another_connection(
    pooled_url: str,
) -> None:
    store = notes(pooled_url)
    store.create("a", Note())
    store.create("b", Note())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: count(store, name, 12), ["a", "b", "a", "b"]))

    assert [store.load(name).value.text for name in "ab"] == ["24", "24"]
    assert len(store.history("a")) == 25
    assert inspect(ENGINE, store.database).is_pooled


def test_a_pooler_passes_the_settings_of_no_session_on(pooled_url: str) -> None:
    store = notes(pooled_url)
    store.create("a", Note())
    count(store, "a", 3)

    with psycopg.connect(pooled_url, autocommit=True, prepare_threshold=None) as other:
        shown = {other.execute("SHOW lock_timeout").fetchone() for _ in range(6)}
    assert shown == {("0",)}


def test_a_pooler_without_free_connections_is_told(pooled_url: str) -> None:
    kept = [psycopg.connect(pooled_url) for _ in range(10)]
    try:
        with pytest.raises(TooManyConnections):
            notes(pooled_url).names()
    finally:
        for each in kept:
            each.close()


async def test_a_pooler_that_hands_on_no_notices_is_found_out(
    pooled_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "statechart.storage.sql.watches.listener._PROBE", 0.5
    )  # of seconds that pass in vain
    values = notes(pooled_url)
    values.create("a", Note())
    changes = values.changed()

    async with asyncio.timeout(60), aclosing(changes.names()) as names:
        assert await anext(names) == {"a"}
        assert changes.watching.startswith("polling: notices do not arrive")
        with values.open("a") as session:
            session.commit("noted", Note(text="b"), expected=1)
        assert await anext(names) == {"a"}
