"""Histories in a database: protected from changes, and told when they grow."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

import psycopg
import pytest
import sqlalchemy as sa

from statechart.storage.sql.database import Database
from statechart.storage.sql.errors import HistoryProtected
from tests.statechart.storage.sql.conftest import Note, change, notes

Open = Callable[[str], Database]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE envchart_record SET line = ''",
        "UPDATE envchart_record SET seq = seq + 1",
        "DELETE FROM envchart_record",
        "DELETE FROM envchart_record WHERE seq = 1",
    ],
)
def test_a_record_can_be_neither_changed_nor_deleted(
    any_sql_url: str, statement: str, database_of: Open
) -> None:
    notes(any_sql_url).create("a", Note())

    with pytest.raises(HistoryProtected, match="refuses to change or delete"):
        change(database_of(any_sql_url), statement)

    assert notes(any_sql_url).load("a").head.seq == 1


def test_records_can_not_be_truncated(postgres_url: str, database_of: Open) -> None:
    notes(postgres_url).create("a", Note())

    with pytest.raises(HistoryProtected):
        change(database_of(postgres_url), "TRUNCATE envchart_record")


def test_a_whole_name_can_be_deleted_with_its_records(any_sql_url: str, database_of: Open) -> None:
    store = notes(any_sql_url)
    head = store.create("a", Note()).head

    store.delete("a", expected=head)

    with database_of(any_sql_url).reading() as reader:
        assert reader.execute(sa.text("SELECT count(*) FROM envchart_record")).scalar_one() == 0


def test_a_search_path_does_not_open_a_way_around(postgres_url: str, database_of: Open) -> None:
    notes(postgres_url).create("a", Note())

    hidden = "CREATE TEMP TABLE envchart_name (lineage text)"
    with pytest.raises(HistoryProtected):
        change(database_of(postgres_url), hidden, "DELETE FROM envchart_record")


def test_each_change_of_a_name_is_told_and_a_renewed_lease_is_not(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        store = notes(f"{postgres_url}?collection=shop")
        connection.execute("LISTEN envchart")

        store.create("a-1", Note())
        with store.open("a-1") as session:
            session.commit("changed", Note(text="b"), expected=1)
            connection.execute("UPDATE envchart_name SET lease_until = lease_until + 1")
            head = session.head
        store.delete("a-1", expected=head)

        connection.execute("NOTIFY envchart, 'end'")
        told = list(iter(map(attrgetter("payload"), connection.notifies()).__next__, "end"))
    # created, taken, changed, let go; taken to be deleted, and deleted
    assert told == ["shop/a-1"] * 6
