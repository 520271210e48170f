"""Changes of names are told at PostgreSQL after the commits, and no commit waits for a notice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from statechart.storage.sql.database import Database
from tests.statechart.storage.sql.conftest import Note, notes


@contextmanager
def listening(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("LISTEN envchart")
        yield connection


def heard(connection: psycopg.Connection[Any]) -> list[str]:
    """Return all that was told until now."""
    connection.execute("NOTIFY envchart, 'end'")
    told: list[str] = []
    for each in connection.notifies():
        if each.payload == "end":
            break
        told.append(each.payload)
    return told


def test_each_change_of_a_name_is_told_and_a_renewed_lease_is_not(postgres_url: str) -> None:
    store = notes(f"{postgres_url}?collection=shop")
    with listening(postgres_url) as connection:
        store.create("a-1", Note())
        store.database.close()
        assert heard(connection) == ["shop/a-1"]
        with store.open("a-1") as session:
            store.database.close()
            assert heard(connection) == ["shop/a-1"]  # taken
            session.commit("changed", Note(text="b"), expected=1)
            store.database.close()
            assert heard(connection) == ["shop/a-1"]
            session.check()
            connection.execute("UPDATE envchart_name SET lease_until = lease_until + 1")
            store.database.close()
            assert heard(connection) == []
            head = session.head
        store.database.close()
        assert heard(connection) == ["shop/a-1"]  # let go
        store.delete("a-1", expected=head)
        store.database.close()
        assert heard(connection) in (["shop/a-1"], ["shop/a-1"] * 2)  # taken, and deleted


def test_many_changes_are_told_by_few_notices(postgres_url: str) -> None:
    store = notes(postgres_url)
    store.create("a", Note())
    with listening(postgres_url) as connection:
        with store.open("a") as session:
            for revision in range(1, 41):
                session.commit("changed", Note(text=str(revision)), expected=revision)
        store.database.close()

        assert 1 <= len(heard(connection)) < 40


def test_a_commit_sends_no_notice_itself(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Database, "tell", lambda *_: None)
    store = notes(postgres_url)
    with listening(postgres_url) as connection:
        head = store.create("a", Note()).head
        store.delete("a", expected=head)

        assert heard(connection) == []


def test_a_server_that_cut_the_connection_is_told_all_the_same(postgres_url: str) -> None:
    store = notes(postgres_url)
    store.create("a", Note())
    store.database.close()
    with listening(postgres_url) as connection:
        with store.database.reading() as reader:
            pid = reader.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
        connection.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
        store.database.tell("/a")
        store.database.close()

        assert heard(connection) == ["/a"]


async def test_a_change_that_was_not_told_is_seen_soon(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = notes(postgres_url)
    store.create("a", Note())
    store.create("b", Note())
    store.database.close()
    changes = store.changed()

    async with aclosing(changes.names()) as names:
        assert await anext(names) == {"a", "b"}
        monkeypatch.setattr(Database, "tell", lambda *_: None)  # as if it was killed before
        with store.open("a") as session:
            session.commit("changed", Note(text="b"), expected=1)
        assert await anext(names) == {"a"}
        assert changes.watching == "listen"


async def test_a_change_that_was_told_is_not_found_again(postgres_url: str) -> None:
    store = notes(postgres_url)
    store.create("a", Note())
    store.database.close()
    changes = store.changed()

    async with aclosing(changes.names(every=1.5)) as names:
        assert await anext(names) == {"a"}
        with psycopg.connect(postgres_url, autocommit=True) as other:
            other.execute("UPDATE envchart_name SET hash = 'other'")
            other.execute("NOTIFY envchart, '/a'")
        begun = time.monotonic()
        assert await anext(names) == {"a"}
        assert await anext(names) == frozenset()
        assert time.monotonic() >= begun + 1.5
