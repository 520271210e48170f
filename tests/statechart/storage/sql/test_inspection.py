"""What `store check` finds out about a database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from statechart.storage.sql.database import Database
from statechart.storage.sql.inspection import Inspection, _ahead, inspect
from statechart.storage.sql.roles import Right
from statechart.storage.sql.schema import ENGINE, Found
from tests.statechart.storage.sql.conftest import Note, notes


@pytest.mark.parametrize(
    ("now", "ahead"), [(100.5, 0.0), (100.0, 0.0), (101.0, 0.0), (3701.0, 3600.0), (40.0, -60.0)]
)
def test_the_clocks_differ_by_what_the_time_on_the_way_can_not_explain(now: float, ahead: float) -> None:
    assert _ahead(now, 100.0, 101.0) == ahead


def test_a_database_of_this_test_is_usable(
    any_sql_url: str, database_of: Callable[[str], Database]
) -> None:
    notes(any_sql_url).create("a", Note())

    seen = inspect(ENGINE, database_of(any_sql_url))

    assert (seen.is_usable, seen.next, seen.right) == (True, (), Right.PURGE)
    assert seen.server.startswith(("PostgreSQL 1", "SQLite 3"))
    assert not seen.is_pooled
    assert abs(seen.ahead) < 60


CURRENT = Found("envchart_schema", ENGINE.head, ENGINE.head)
USABLE = Inspection("postgresql://h/db", (CURRENT,), "PostgreSQL 18", role="ann", right=Right.APPEND)


@pytest.mark.parametrize(
    ("seen", "step"),
    [
        (replace(USABLE, schemas=(Found("s", None, ENGINE.head),)), "store migrate"),
        (replace(USABLE, schemas=(Found("s", ENGINE.head, "0003_since_0001"),)), "store migrate"),
        (replace(USABLE, schemas=(Found("s", "0009_since_0008", ENGINE.head),)), "update the program"),
        (replace(USABLE, is_writable=False), "name the primary server"),
        (
            replace(USABLE, right=Right.READ),
            "its owner grants it: envchart store migrate --store postgresql://h/db --grant ann",
        ),
        (
            replace(USABLE, right=None),
            "its owner grants it: envchart store migrate --store postgresql://h/db --grant ann",
        ),
    ],
)
def test_what_is_not_usable_has_a_next_step(seen: Inspection, step: str) -> None:
    assert not seen.is_usable
    assert seen.next[0].startswith(step)
    assert USABLE.is_usable
