"""Histories in a database are protected from changes."""

from __future__ import annotations

from collections.abc import Callable

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
