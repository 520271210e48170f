"""A connection that is cut in the middle of a change: the record tells, and nothing is there twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

from statechart.errors import CommitUncertain, LeaseLost
from statechart.storage.sql.errors import StoreUnreachable
from statechart.storage.sql.leases import held
from statechart.storage.sql.repository import JsonSqlRepository
from statechart.storage.sql.tables import NAMES
from statechart.testing.repository_contract import Counter
from tests.statechart.storage.sql.proxy import How, Proxy

COMMIT = b'"counted"'
"""In the only message of a commit, which has the record of it."""


@pytest.fixture
def proxy(postgres_url: str) -> Iterator[Proxy]:
    made = Proxy(postgres_url)
    yield made
    made.close()


@pytest.fixture
def repository(proxy: Proxy) -> Iterator[JsonSqlRepository[Counter]]:
    made = JsonSqlRepository(proxy.url, Counter)
    yield made
    made.database.close()


def counts(repository: JsonSqlRepository[Counter]) -> list[object]:
    return [record.value and record.value["count"] for record in repository.history("demo")]


@pytest.mark.parametrize("how", ["before", "after", "late"])
@pytest.mark.parametrize("earlier", [0, 3])  # as it is sent first, and when the server has kept its plan
def test_a_commit_that_is_cut_off_is_recorded_once(
    repository: JsonSqlRepository[Counter], proxy: Proxy, earlier: int, how: How
) -> None:
    repository.create("demo", Counter())

    with repository.open("demo") as session:
        for count in range(1, earlier + 1):
            session.commit("made", Counter(count=count), expected=count)
        proxy.cut(COMMIT, how)
        threading.Timer(0.3, proxy.late.set).start()
        for count in range(earlier + 1, earlier + 3):
            session.commit("counted", Counter(count=count), expected=count)

    assert counts(repository) == list(range(earlier + 3))


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_creation_and_a_deletion_that_are_cut_off_are_done_once(
    repository: JsonSqlRepository[Counter], proxy: Proxy, how: How
) -> None:
    repository.create("other", Counter())

    proxy.cut(b"COMMIT\x00", how)
    created = repository.create("demo", Counter())
    assert repository.load("demo") == created

    proxy.cut(b"COMMIT\x00", how)
    repository.delete("demo", expected=created.head)
    assert repository.names() == ["other"]


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_name_that_was_being_taken_is_held_or_free(
    repository: JsonSqlRepository[Counter], proxy: Proxy, how: How
) -> None:
    repository.create("demo", Counter())

    proxy.cut(b"UPDATE envchart_name", how)
    try:
        session = repository.open("demo")
    except StoreUnreachable:
        session = repository.open("demo")

    assert session.crashed is None
    session.commit("counted", Counter(count=1), expected=1)
    session.close()
    assert repository.holder("demo") is None


def test_a_name_is_taken_though_all_kept_connections_have_died(postgres_url: str) -> None:
    repository = JsonSqlRepository(postgres_url, Counter)
    repository.create("demo", Counter())
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    with repository.open("demo") as session:
        session.commit("counted", Counter(count=1), expected=1)

    assert counts(repository) == [0, 1]


def test_a_cut_commit_of_a_name_that_was_taken_over_is_refused(
    repository: JsonSqlRepository[Counter], proxy: Proxy, postgres_url: str
) -> None:
    repository.create("demo", Counter())
    other = sa.create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"))

    with repository.open("demo") as session:
        with other.begin() as connection:
            connection.execute(sa.update(NAMES).values(fence=NAMES.c.fence + 1, holder=None))
        proxy.cut(COMMIT, "before")
        with pytest.raises(LeaseLost, match="taken over"):
            session.commit("counted", Counter(count=1), expected=1)

    other.dispose()
    assert counts(repository) == [0]


def test_a_database_that_stays_away_leaves_the_outcome_open(
    repository: JsonSqlRepository[Counter], proxy: Proxy, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    repository.create("demo", Counter())
    session = repository.open("demo")
    monkeypatch.setattr(held, "PATIENCE", 0.2)

    proxy.cut(COMMIT, "after")
    proxy.refuse()
    with pytest.raises(CommitUncertain):
        session.commit("counted", Counter(count=1), expected=1)
    with pytest.raises(CommitUncertain):
        session.commit("counted", Counter(count=1), expected=1)
    session.close()

    there = JsonSqlRepository(postgres_url, Counter)
    assert counts(there) == [0, 1]
