"""The names of a database that change are told, whichever process changes them."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import aclosing
from pathlib import Path

import psycopg
import pytest
from pydantic import BaseModel

from statechart.errors import StorageError
from statechart.following.changed import is_away, may_be_late
from statechart.storage.sql.repository import JsonSqlRepository
from tests.statechart.storage.sql.proxy import Proxy


class Value(BaseModel, frozen=True):
    count: int = 0


def changed_by_others(url: str, name: str, count: int) -> None:
    with JsonSqlRepository(url, Value).open(name) as session:
        session.commit("counted", Value(count=count), expected=count)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/values.db"
    return str(request.getfixturevalue("postgres_url"))


async def test_names_are_told_as_they_change(url: str) -> None:
    values = JsonSqlRepository(url, Value)
    others = JsonSqlRepository(url, Value, collection="others")
    others.create("a", Value())
    values.create("a", Value())
    values.database.close()  # all is told
    changes = values.changed()

    async with asyncio.timeout(60), aclosing(changes.names()) as names:
        assert await anext(names) == {"a"}
        assert changes.watching in ("listen", "file")
        others.create("b", Value())
        values.create("c", Value())
        assert await anext(names) == {"c"}
        changed_by_others(url, "a", 1)
        assert await anext(names) == {"a"}
        values.delete("c", expected=values.load("c").head)
        seen = await anext(names)
        while "c" not in seen:  # the session of `changed_by_others` may be told twice
            seen = await anext(names)


async def test_an_empty_set_tells_that_nothing_changed(url: str) -> None:
    values = JsonSqlRepository(url, Value)
    values.create("a", Value())

    async with asyncio.timeout(60), aclosing(values.changed().names(every=0.05)) as names:
        assert [await anext(names) for _ in range(3)] == [{"a"}, frozenset(), frozenset()]


async def test_a_database_without_tables_has_no_names_until_they_are_made(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/values.db"

    async with asyncio.timeout(60), aclosing(JsonSqlRepository(url, Value).changed().names()) as names:
        assert await anext(names) == frozenset()
        JsonSqlRepository(url, Value).create("a", Value())
        assert await anext(names) == {"a"}


async def test_a_lost_connection_misses_nothing(postgres_url: str) -> None:
    values = JsonSqlRepository(postgres_url, Value)
    values.create("a", Value())
    changes = values.changed()

    async with asyncio.timeout(60), aclosing(changes.names(every=0.2)) as names:
        await anext(names)
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            # Told by nobody: whoever listened has no connection.
            connection.execute("UPDATE envchart_name SET hash = 'other'")
        seen: set[str] = set()
        while not seen:
            seen |= await anext(names)
        changed_to_listening = changes.watching
        while changed_to_listening != "listen":
            await anext(names)
            changed_to_listening = changes.watching

    assert seen == {"a"}


async def test_without_notices_names_are_looked_at(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("statechart.storage.sql.watches.listener._PROBE", 0.0)  # as behind PgBouncer
    values = JsonSqlRepository(postgres_url, Value)
    values.create("a", Value())
    changes = values.changed()

    async with asyncio.timeout(60), aclosing(changes.names()) as names:
        assert await anext(names) == {"a"}
        assert changes.watching == (
            "polling: notices do not arrive, as behind PgBouncer in its transaction mode"
        )
        changed_by_others(postgres_url, "a", 1)
        assert await anext(names) == {"a"}


async def test_a_database_that_was_never_reached_is_an_error() -> None:
    values = JsonSqlRepository("postgresql://postgres@127.0.0.1:1/none", Value)

    with pytest.raises(StorageError, match=r"127\.0\.0\.1:1/none can't be reached"):
        async with aclosing(values.changed().names()) as names:
            await anext(names)


async def test_a_writer_that_keeps_the_file_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "values.db"
    url = f"sqlite:///{file}"
    values = JsonSqlRepository(url, Value)
    values.create("a", Value())
    application = sqlite3.connect(file, isolation_level=None)
    application.execute("CREATE TABLE mine (id)")

    async with asyncio.timeout(60), aclosing(values.changed().names(every=0.1)) as names:
        await anext(names)
        application.execute("BEGIN EXCLUSIVE")
        application.execute("INSERT INTO mine VALUES (1)")
        assert await anext(names) == frozenset()
        application.execute("COMMIT")
        application.close()
        changed_by_others(url, "a", 1)
        seen: set[str] = set()
        while not seen:
            seen |= await anext(names)
    assert seen == {"a"}


async def test_a_database_that_goes_away_is_told_from_one_that_is_polled(postgres_url: str) -> None:
    proxy = Proxy(postgres_url)
    values = JsonSqlRepository(proxy.url, Value)
    values.create("a", Value())
    changes = values.changed()

    async with asyncio.timeout(60), aclosing(changes.names(every=0.05)) as names:
        await anext(names)
        assert not is_away(changes.watching)
        proxy.close()
        while not is_away(changes.watching):
            await anext(names)
    assert may_be_late(changes.watching)
    values.database.engine.dispose()
