"""The places of a chart's values: a directory, a file of SQLite, a database of PostgreSQL."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pydantic import BaseModel

from statechart import Chart, ChartRepository, State


class _Value(BaseModel):
    state: str = "on"


class _Values(Chart[_Value]):
    on = State(initial=True)
    off = State(final=True)
    end = on.to(off)


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of SQLite with the tables, to be copied: to make them takes longer than most tests."""
    file = tmp_path_factory.mktemp("sqlite") / "tables.db"
    made = ChartRepository(f"sqlite:///{file}", _Values)
    made.create("a", _Value())
    made.delete("a")
    return file


@pytest.fixture(params=["files", "sqlite", "postgres"])
def any_place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each place that a store may be at, without values."""
    match request.param:
        case "files":
            return str(tmp_path / "values")
        case "sqlite":
            shutil.copy(request.getfixturevalue("sqlite_tables"), tmp_path / "values.db")
            return f"sqlite:///{tmp_path}/values.db"
    return str(request.getfixturevalue("postgres_url"))
