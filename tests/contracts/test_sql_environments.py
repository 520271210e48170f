"""The repository of environments in a database passes the contract, on each database."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from environments.ports import EnvironmentRepository
from environments.storage.sql.repository import SqlRepository
from environments.storage.sql.schema import ENVIRONMENTS
from environments.testing.repository_contract import EnvironmentRepositoryContract
from statechart.storage.sql.database import Database


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of SQLite with all tables: to migrate takes longer than most tests."""
    file = tmp_path_factory.mktemp("migrated") / "store.db"
    database = Database.of(f"sqlite:///{file}")
    ENVIRONMENTS.make(database)
    database.close()
    return file


class TestEnvironments(EnvironmentRepositoryContract):
    @pytest.fixture
    def repository(self, any_sql_url: str, tmp_path: Path, migrated: Path) -> EnvironmentRepository:
        if any_sql_url.startswith("sqlite"):
            shutil.copy(migrated, any_sql_url.removeprefix("sqlite:///"))
        return SqlRepository(any_sql_url, tmp_path / "scratch")
