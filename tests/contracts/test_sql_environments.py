"""The repository of environments in a database passes the contract, on each database."""

from __future__ import annotations

from pathlib import Path

import pytest

from environments.ports import EnvironmentRepository
from environments.storage.sql.repository import SqlRepository
from environments.testing.repository_contract import EnvironmentRepositoryContract


class TestEnvironments(EnvironmentRepositoryContract):
    @pytest.fixture
    def repository(self, any_sql_url: str, tmp_path: Path) -> EnvironmentRepository:
        return SqlRepository(any_sql_url, tmp_path / "scratch")
