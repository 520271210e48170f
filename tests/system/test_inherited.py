"""The variables of this process that tools inherit."""

from __future__ import annotations

import pytest

from environments.storage.sql.repository import SqlRepository
from environments.system import inherited


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inherited, "_withheld", {inherited.STORE_VARIABLE})
    monkeypatch.setenv("ENVCHART_STORE", "postgresql://deploy:hunter2@db/envs")
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    monkeypatch.setenv("PGHOST", "db")


def test_the_url_of_the_store_is_never_passed_on() -> None:
    found = inherited.passed_on()

    assert "ENVCHART_STORE" not in found
    assert found["PGPASSWORD"] == "hunter2"


def test_the_password_for_a_store_in_postgresql_is_not_passed_on() -> None:
    SqlRepository("postgresql://deploy@db/envs")

    found = inherited.passed_on()

    assert "PGPASSWORD" not in found
    assert found["PGHOST"] == "db"
