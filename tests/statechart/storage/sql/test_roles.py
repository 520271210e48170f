"""Roles with few rights: one that looks, one that appends and can't rewrite history, one that purges."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from environments.storage.sql.schema import ENVIRONMENTS
from statechart.storage.sql.database import Database
from statechart.storage.sql.errors import DatabaseFailed, NotPermitted
from statechart.storage.sql.inspection import inspect
from statechart.storage.sql.repository import JsonSqlRepository
from statechart.storage.sql.roles import Right, grant
from statechart.storage.sql.schema import ENGINE
from tests import postgres
from tests.statechart.storage.sql.conftest import Note, change, notes, of_role, run

Open = Callable[[str], Database]


@pytest.fixture(scope="module")
def roles_url(strict: str) -> Iterator[str]:
    """A database with tables, for all tests of this module."""
    url = postgres.database(strict, "roles")
    yield url
    postgres.drop(url)


@pytest.fixture
def owned(roles_url: str) -> JsonSqlRepository[Note]:
    """The store of the owner, with the name a, and without rights of others."""
    store = notes(roles_url)
    ENVIRONMENTS.migrate(store.database)
    change(
        store.database, "DELETE FROM envchart_name", "DELETE FROM envchart_record", "DROP OWNED BY guest"
    )
    store.create("a", Note())
    return store


def as_guest(owned: JsonSqlRepository[Note], url: str, right: Right) -> JsonSqlRepository[Note]:
    grant(ENVIRONMENTS, owned.database, "guest", right)
    return notes(of_role(url, "guest"))


def test_a_role_that_appends_works_without_owning_anything(
    owned: JsonSqlRepository[Note], roles_url: str
) -> None:
    store = as_guest(owned, roles_url, Right.APPEND)

    store.create("b", Note())
    with store.open("b") as session:
        session.commit("changed", Note(text="b"), expected=1)

    assert owned.load("b").value == Note(text="b")
    assert owned.holder("b") is None


REWRITING = (
    "UPDATE envchart_record SET line = ''",
    "DELETE FROM envchart_record",
    "DELETE FROM envchart_name",
    "UPDATE envchart_name SET lineage = 'another'",
    "UPDATE envchart_name SET name = 'b'",
    "TRUNCATE envchart_record",
    "ALTER TABLE envchart_record DISABLE TRIGGER ALL",
    "DROP TRIGGER envchart_protect ON envchart_record",
    "CREATE OR REPLACE FUNCTION envchart_protect() RETURNS trigger LANGUAGE plpgsql AS 'begin end'",
    "UPDATE envchart_schema SET version_num = '9999'",
    "CREATE TABLE mine (id int)",
)


def test_a_role_that_appends_can_not_rewrite_history(
    owned: JsonSqlRepository[Note], roles_url: str
) -> None:
    store = as_guest(owned, roles_url, Right.APPEND)

    for statement in REWRITING:
        with pytest.raises(NotPermitted, match="--grant guest"):
            change(store.database, statement)


def test_a_role_that_appends_can_not_delete_a_name(owned: JsonSqlRepository[Note], roles_url: str) -> None:
    store = as_guest(owned, roles_url, Right.APPEND)

    with pytest.raises(NotPermitted):
        store.delete("a", expected=store.load("a").head)

    assert owned.exists("a")


def test_a_role_that_purges_deletes_whole_names_only(
    owned: JsonSqlRepository[Note], roles_url: str
) -> None:
    store = as_guest(owned, roles_url, Right.PURGE)
    with pytest.raises(DatabaseFailed, match="refuses to change or delete records"):
        change(store.database, "DELETE FROM envchart_record")

    store.delete("a", expected=store.load("a").head)

    assert owned.names() == []


def test_a_role_that_reads_sees_no_secrets_and_changes_nothing(
    owned: JsonSqlRepository[Note], roles_url: str
) -> None:
    store = as_guest(owned, roles_url, Right.READ)

    assert store.load("a").value == Note()
    with pytest.raises(NotPermitted):
        store.create("b", Note())
    with pytest.raises(NotPermitted):
        store.open("a")
    with pytest.raises(NotPermitted):
        change(store.database, "SELECT content FROM envchart_tfstate")


def test_a_role_without_any_right_is_told_who_grants_it(
    owned: JsonSqlRepository[Note], roles_url: str
) -> None:
    with pytest.raises(NotPermitted, match=r"its owner grants it: envchart store migrate .*OWNER@"):
        notes(of_role(roles_url, "guest")).names()


def test_a_smaller_right_takes_the_larger_away(
    owned: JsonSqlRepository[Note], roles_url: str, database_of: Open
) -> None:
    guest = database_of(of_role(roles_url, "guest"))
    found = []
    for right in (Right.PURGE, Right.APPEND, Right.READ):
        grant(ENVIRONMENTS, owned.database, "guest", right)
        found.append(inspect(ENGINE, guest).right)

    assert found == [Right.PURGE, Right.APPEND, Right.READ]


@pytest.mark.parametrize(("right", "may"), [(Right.READ, False), (Right.APPEND, True)])
def test_a_role_that_appends_may_use_the_queue_of_a_fleet(
    owned: JsonSqlRepository[Note], roles_url: str, right: Right, may: bool
) -> None:
    table = "CREATE TABLE IF NOT EXISTS envchart_fleet.wishes (id int)"
    change(owned.database, "CREATE SCHEMA IF NOT EXISTS envchart_fleet", table)

    store = as_guest(owned, roles_url, right)

    asked = "SELECT has_schema_privilege('envchart_fleet', 'USAGE') AND has_table_privilege(oid, 'INSERT')"
    with store.database.writing() as connection:
        found = connection.exec_driver_sql(f"{asked} FROM pg_class WHERE relname = 'wishes'").scalar_one()
    assert found is may


def test_a_role_that_does_not_exist_can_be_granted_nothing(owned: JsonSqlRepository[Note]) -> None:
    with pytest.raises(DatabaseFailed, match='create it: CREATE ROLE "no:""body" LOGIN'):
        grant(ENVIRONMENTS, owned.database, 'no:"body', Right.READ)


def test_a_role_with_an_odd_name_gets_its_rights(owned: JsonSqlRepository[Note], roles_url: str) -> None:
    run(roles_url, 'CREATE ROLE "odd:%s ""name"')

    grant(ENVIRONMENTS, owned.database, 'odd:%s "name', Right.APPEND)

    with psycopg.connect(roles_url) as connection:
        asked = "SELECT has_table_privilege(%s, 'envchart_record', 'INSERT')"
        assert connection.execute(asked, ['odd:%s "name']).fetchone() == (True,)
    run(roles_url, 'DROP OWNED BY "odd:%s ""name"', 'DROP ROLE "odd:%s ""name"')


def test_a_guest_may_not_grant(owned: JsonSqlRepository[Note], roles_url: str, database_of: Open) -> None:
    guest = database_of(of_role(roles_url, "guest"))

    with pytest.raises(NotPermitted):
        grant(ENVIRONMENTS, guest, "guest", Right.PURGE)
