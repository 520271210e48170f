"""The tables: made once, migrated on request, and refused if they are not of this program."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from environments.storage.sql.schema import ENVIRONMENTS
from statechart.errors import NotFound
from statechart.storage.sql.database import Database
from statechart.storage.sql.errors import (
    SchemaMissing,
    SchemaNewer,
    SchemaOlder,
    StoreBusy,
    WrongEncoding,
)
from statechart.storage.sql.migrating import statements
from statechart.storage.sql.schema import ENGINE, Condition, Found, Schema
from tests import postgres
from tests.statechart.storage.sql.conftest import Note, change, notes, of_role, run

Open = Callable[[str], Database]


def is_declared(name: str | None, kind: str, _parents: object) -> bool:
    """Leave out the tables of revisions, which are alembic's."""
    return kind != "table" or not str(name).endswith("_schema")


def set_revision(database: Database, revision: str) -> None:
    change(database, f"UPDATE envchart_schema SET version_num = '{revision}'")


@pytest.mark.parametrize("schema", [ENGINE, ENVIRONMENTS], ids=lambda schema: schema.name)
def test_the_migrations_make_the_tables_that_the_program_declares(
    schema: Schema, any_blank_url: str, database_of: Open
) -> None:
    database = database_of(any_blank_url)

    schema.migrate(database)

    declared = sa.MetaData()
    for each in schema.chain:
        for table in each.tables.sorted_tables:
            table.to_metadata(declared)
    with database.engine.connect() as connection:
        options = {"compare_type": True, "include_name": is_declared}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, declared) == []


@pytest.mark.parametrize("schema", [ENGINE, ENVIRONMENTS], ids=lambda schema: schema.name)
def test_the_newest_revision_is_the_one_that_the_program_needs(schema: Schema) -> None:
    place = Path(str(__import__(schema.package, fromlist=["_"]).__file__)).parent
    script = ScriptDirectory(str(place))

    revisions = [each.revision for each in script.walk_revisions()][::-1]

    assert script.get_heads() == [schema.head]
    numbers = [revision[:4] for revision in revisions]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
    assert all(Found("", revision, revision).condition is Condition.CURRENT for revision in revisions)


def test_reading_an_empty_database_finds_nothing_and_makes_nothing(
    any_blank_url: str, tmp_path: Path
) -> None:
    store = notes(any_blank_url)

    assert store.names() == []
    assert not store.exists("a")
    with pytest.raises(NotFound):
        store.load("a")
    assert ENGINE.find(store.database).condition is Condition.MISSING
    assert not list(tmp_path.iterdir())


def test_the_first_create_makes_the_tables(any_blank_url: str) -> None:
    store = notes(any_blank_url)

    store.create("a", Note(text="kept"))

    assert ENGINE.find(store.database).condition is Condition.CURRENT
    assert store.load("a").value == Note(text="kept")


FOUR = """if True:
    import os, sys
    import statechart.storage.sql.migrating
    from environments.storage.sql.schema import ENVIRONMENTS
    from statechart.storage.sql.database import Database
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            found = ENVIRONMENTS.migrate(Database.of(sys.argv[1]))
            os.write(1, f"{found[0].revision} {found[1].revision}\\n".encode())
            os._exit(0)
        children.append(child)
    sys.exit(max(os.waitpid(child, 0)[1] for child in children))
"""


def test_four_programs_may_migrate_at_once(any_blank_url: str, database_of: Open) -> None:
    line = [sys.executable, "-c", FOUR, any_blank_url]
    ran = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True)

    current = f"{ENGINE.head} {ENVIRONMENTS.head}"
    assert sorted(ran.stdout.splitlines()) == [current] * 3 + ["None None"]
    assert ENVIRONMENTS.is_there(database_of(any_blank_url))


def test_four_threads_may_create_at_once(any_blank_url: str) -> None:
    store = notes(any_blank_url)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: store.create(name, Note()), "abcd"))

    assert store.names() == list("abcd")


def test_older_tables_are_refused_and_left_as_they_are(any_blank_url: str, database_of: Open) -> None:
    database = database_of(any_blank_url)
    ENGINE.migrate(database)
    newer = Schema(ENGINE.package, ENGINE.name, "0003_since_0001", ENGINE.tables)

    with pytest.raises(SchemaOlder, match="envchart store migrate --store") as caught:
        newer.make(database)

    assert (caught.value.found, caught.value.known) == ("0002_since_0001", "0003_since_0001")
    assert ENGINE.find(database).condition is Condition.CURRENT


@pytest.mark.parametrize("revision", ["0004_since_0003", "something else"])
def test_newer_tables_are_refused(revision: str, any_blank_url: str, database_of: Open) -> None:
    database = database_of(any_blank_url)
    ENGINE.migrate(database)
    set_revision(database, revision)
    older = Schema(ENGINE.package, ENGINE.name, ENGINE.head, ENGINE.tables)

    with pytest.raises(SchemaNewer, match="update the program"):
        older.is_there(database)
    with pytest.raises(SchemaNewer, match="update the program"):
        older.migrate(database)


def test_a_program_uses_newer_tables_that_are_made_for_it_too(
    any_blank_url: str, database_of: Open
) -> None:
    database = database_of(any_blank_url)
    ENGINE.migrate(database)
    set_revision(database, "0005_since_0001")
    older = Schema(ENGINE.package, ENGINE.name, ENGINE.head, ENGINE.tables)

    assert older.find(database).condition is Condition.COMPATIBLE
    assert older.is_there(database)
    assert older.migrate(database)[0].is_usable
    assert older.find(database).revision == "0005_since_0001"


def test_a_role_that_may_not_make_tables_is_told_what_an_administrator_runs(strict_url: str) -> None:
    store = notes(of_role(strict_url, "guest"))

    with pytest.raises(SchemaMissing, match=r"may not make them .*envchart store migrate") as caught:
        store.create("a", Note())

    assert caught.value.next[0].endswith("--grant guest")
    assert notes(strict_url).names() == []


def test_a_migration_that_waits_for_a_table_in_use_gives_up(
    blank_postgres_url: str, database_of: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("statechart.storage.sql.migrating._PATIENCE", "50ms")
    database = database_of(blank_postgres_url)
    ENGINE.migrate(database)
    again = Schema(ENGINE.package, ENGINE.name, ENGINE.head, ENGINE.tables)
    with database.writing() as connection:
        connection.execute(sa.text("DROP TABLE envchart_schema; LOCK TABLE envchart_name"))

        with pytest.raises(StoreBusy):
            again.migrate(database_of(f"{blank_postgres_url}?application_name=other"))
        connection.rollback()
    assert again.is_there(database)


def test_a_database_that_is_not_in_utf_8_is_refused(strict: str, database_of: Open) -> None:
    run(strict, "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    url = strict.removesuffix("/postgres") + "/latin"

    with pytest.raises(WrongEncoding, match="but in LATIN1"):
        notes(url).create("a", Note())

    database_of(url).close()
    postgres.drop(url)


def test_an_administrator_may_run_the_printed_sql_instead(
    blank_postgres_url: str, database_of: Open
) -> None:
    run(blank_postgres_url, statements(ENVIRONMENTS))

    assert all(each.is_usable for each in ENVIRONMENTS.check(database_of(blank_postgres_url)))
    notes(blank_postgres_url).create("a", Note())
