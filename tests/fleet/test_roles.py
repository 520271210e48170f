"""A fleet whose workers and users may append, and own nothing, as the documentation says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from environments.fleet.fleet import Fleet
from environments.storage.sql.schema import ENVIRONMENTS
from statechart.storage.sql.database import Database
from statechart.storage.sql.errors import NotPermitted
from statechart.storage.sql.roles import Right, grant
from tests.fleet.harness import Crowd, wait_for
from tests.statechart.storage.sql.conftest import of_role


@pytest.fixture
def role(blank_postgres_url: str) -> Iterator[str]:
    name = f"fleet_{uuid4().hex}"
    with psycopg.connect(blank_postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN")
        yield name
        connection.execute(f"DROP OWNED BY {name}")
        connection.execute(f"DROP ROLE {name}")


@pytest.fixture
def people(blank_postgres_url: str, role: str, tmp_path: Path) -> Iterator[Crowd]:
    """A fleet as a role that appends sees it; its workers end with the test."""
    made = Crowd(of_role(blank_postgres_url, role), tmp_path)
    yield made
    for worker in made.workers.values():
        worker.kill()
        worker.wait()


def test_a_role_that_appends_has_a_whole_fleet(blank_postgres_url: str, role: str, people: Crowd) -> None:
    Fleet(blank_postgres_url).migrate()
    with pytest.raises(NotPermitted, match=f"--grant {role}"):
        people.fleet.status()

    grant(ENVIRONMENTS, Database.of(blank_postgres_url), role, Right.APPEND)

    people.create("granted")
    worker = people.start("alpha", "--dead-after", "30")
    people.ready(1)
    people.fleet.submit("granted")
    assert [each.condition for each in people.finished()] == ["reached"], people.told()
    people.fleet.schedule("drift", "0 0 1 1 *")
    people.fleet.unschedule("drift")
    people.fleet.submit("granted", to="stop")
    people.finished()
    assert people.fleet.prune(older_than=timedelta()) == 1
    people.fleet.drain("alpha", within=timedelta())
    assert worker.wait(60) == 0
    wait_for(lambda: not people.fleet.workers(), people.told)


def test_a_role_that_may_not_make_the_queue_is_told_who_does(blank_postgres_url: str, role: str) -> None:
    ENVIRONMENTS.make(Database.of(blank_postgres_url))
    grant(ENVIRONMENTS, Database.of(blank_postgres_url), role, Right.PURGE)

    with pytest.raises(NotPermitted) as refused:
        Fleet(of_role(blank_postgres_url, role)).migrate()

    makes, grants = refused.value.next
    assert "envchart fleet migrate --store postgresql://OWNER@" in makes
    assert "envchart store migrate --store postgresql://OWNER@" in grants
