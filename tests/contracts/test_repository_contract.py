"""Each repository passes the contract, and a broken repository does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from environments.ports import EnvironmentRepository
from environments.testing.repository_contract import EnvironmentRepositoryContract
from statechart.storage.repository import JsonFileRepository
from statechart.storage.sql.repository import JsonSqlRepository
from statechart.testing.configuration_contract import Clocked, ConfigurationContract
from statechart.testing.repository_contract import (
    Backend,
    Counter,
    RepositoryContract,
    StoreBackend,
)


class TestEnvironments(EnvironmentRepositoryContract):
    @pytest.fixture
    def repository(self, any_repository: EnvironmentRepository) -> EnvironmentRepository:
        return any_repository


class TestStore(RepositoryContract):
    @pytest.fixture
    def backend(self, tmp_path: Path) -> Backend:
        return StoreBackend(JsonFileRepository(tmp_path, Counter))


class TestSqlStore(RepositoryContract):
    @pytest.fixture
    def backend(self, any_sql_url: str) -> Backend:
        return StoreBackend(JsonSqlRepository(any_sql_url, Counter))


class TestStoreOfConfigurations(ConfigurationContract):
    @pytest.fixture
    def clocked(self, tmp_path: Path) -> JsonFileRepository[Clocked]:
        return JsonFileRepository(tmp_path, Clocked)


class TestSqlStoreOfConfigurations(ConfigurationContract):
    @pytest.fixture
    def clocked(self, any_sql_url: str) -> JsonSqlRepository[Clocked]:
        return JsonSqlRepository(any_sql_url, Clocked)


BROKEN = {
    "create overwrites": (
        "def create(self, environment):\n"
        "        self._stored.pop(environment.name, None)\n"
        "        return super().create(environment)",
        "test_a_name_is_taken_once",
    ),
    "nobody waits": (
        "def open(self, name, holder, timeout=0):\n        return super().open(name, holder, 0)",
        "test_opening_waits_for_another_holder",
    ),
    "deletes what changed": (
        "def delete(self, expected):\n        super().delete(self.load(expected.name))",
        "test_what_changed_since_is_not_deleted",
    ),
    "forgets a record": (
        "def history(self, name):\n        return super().history(name)[:1]",
        "test_history_has_all_records_typed_and_in_order",
    ),
    "names are not sorted": (
        "def names(self):\n        return super().names()[::-1]",
        "test_names_are_sorted_and_known",
    ),
}


@pytest.mark.parametrize(("method", "found_by"), BROKEN.values(), ids=BROKEN)
def test_a_broken_repository_does_not_pass(pytester: pytest.Pytester, method: str, found_by: str) -> None:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(
        f"""
import pytest
from environments.storage.memory import MemoryRepository
from environments.testing.repository_contract import EnvironmentRepositoryContract

class Broken(MemoryRepository):
    {method}

class TestBroken(EnvironmentRepositoryContract):
    @pytest.fixture
    def repository(self, tmp_path):
        return Broken(tmp_path)
"""
    )

    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-k", f"{found_by} or one_holder")

    assert result.parseoutcomes()["failed"] >= 1
    assert result.parseoutcomes()["passed"] >= 1
    assert found_by in result.stdout.str()
