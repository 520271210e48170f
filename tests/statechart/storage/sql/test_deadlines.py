"""The earliest deadline of a name, in its row: kept by each write, filled by the migration, and indexed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from alembic import command

from statechart.configuration import Configuration
from statechart.storage.sql import migrating
from statechart.storage.sql.database import Database
from statechart.storage.sql.repository import JsonSqlRepository
from statechart.storage.sql.roles import Right, grant
from statechart.storage.sql.schema import ENGINE
from statechart.storage.sql.tables import NAMES
from statechart.storage.values.deadlines import earliest, microseconds
from statechart.testing.configuration_contract import Clocked
from tests.statechart.storage.sql.conftest import of_role, run

AT = datetime(2126, 1, 1, 12, 0, 0, 1, UTC)
Open = Callable[[str], Database]


def clocked(*deadlines: datetime) -> Clocked:
    timers = {f"a.event{number}": at for number, at in enumerate(deadlines)}
    return Clocked(state=Configuration(active=("a",), timers=timers))


def due_of(store: JsonSqlRepository[Clocked]) -> dict[str, int | None]:
    with store.database.reading() as connection:
        rows = connection.execute(sa.select(NAMES.c.name, NAMES.c.due)).all()
    return {row.name: row.due for row in rows}


def test_a_row_has_the_earliest_deadline_from_its_creation_on(any_sql_url: str) -> None:
    store = JsonSqlRepository(any_sql_url, Clocked)

    store.create("two", clocked(AT + timedelta(days=1), AT))
    store.create("none", clocked())

    assert due_of(store) == {"two": microseconds(AT), "none": None}


def test_each_commit_writes_the_deadline_with_the_value(any_sql_url: str) -> None:
    store = JsonSqlRepository(any_sql_url, Clocked)
    store.create("a", clocked(AT))
    found = []

    with store.open("a") as session:
        for value in (clocked(AT + timedelta(microseconds=1)), clocked()):
            session.commit("changed", value, expected=session.head.revision)
            found.append(due_of(store)["a"])

    assert found == [microseconds(AT) + 1, None]


def test_the_index_answers_which_are_due(postgres_url: str) -> None:
    store = JsonSqlRepository(postgres_url, Clocked)
    store.create("a", clocked(AT))
    asked = sa.select(NAMES.c.name).where(NAMES.c.collection == "", NAMES.c.due <= microseconds(AT))
    text = str(
        asked.compile(dialect=sa.dialects.postgresql.dialect(), compile_kwargs={"literal_binds": True})
    )

    with store.database.writing() as connection:  # SET LOCAL is for a transaction
        connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(connection.execute(sa.text(f"EXPLAIN {text}")).scalars())

    assert "envchart_name_due" in plan


def before_the_column(database: Database) -> None:
    """Make the tables as the first revision has them."""
    database.make_file()
    with database.writing() as connection:
        command.upgrade(migrating._configuration(ENGINE, connection=connection), "0001_since_0001")


def insert_old(database: Database, **values: str) -> None:
    with database.writing() as connection:
        for number, (name, value) in enumerate(values.items()):
            row = {
                **{"collection": "", "name": name, "lineage": f"lineage{number}", "seq": 1, "revision": 1},
                **{"hash": "", "size": 1, "segment": 1, "value": value, "schema_version": 1, "fence": 0},
            }
            connection.execute(sa.insert(sa.table(NAMES.name, *map(sa.column, row))).values(row))


def test_the_migration_fills_the_rows_that_are_there(any_blank_url: str, database_of: Open) -> None:
    database = database_of(any_blank_url)
    before_the_column(database)
    insert_old(
        database,
        runs=clocked(AT + timedelta(1), AT).model_dump_json(),
        none=clocked().model_dump_json(),
        flat='{"state":"open"}',
        odd='{"state":"open","data":{"timers":{"a":1}}}',
    )

    ENGINE.migrate(database)

    store = JsonSqlRepository(any_blank_url, Clocked)
    assert due_of(store) == {"runs": microseconds(AT), "none": None, "flat": None, "odd": None}


def test_a_role_that_appended_before_the_migration_goes_on(strict_url: str, database_of: Open) -> None:
    database = database_of(strict_url)
    before_the_column(database)
    old = [column.name for column in NAMES.columns if column.name not in ("due", "lineage", "name")]
    with database.writing() as connection:
        grant_old = f"GRANT SELECT, INSERT, UPDATE ({', '.join(old)}) ON envchart_name TO guest"
        for statement in (
            "GRANT USAGE ON SCHEMA public TO guest",
            "GRANT SELECT ON envchart_schema TO guest",
            "GRANT SELECT, INSERT ON envchart_record TO guest",
            grant_old,
        ):
            connection.exec_driver_sql(statement)

    ENGINE.migrate(database)

    store = JsonSqlRepository(of_role(strict_url, "guest"), Clocked)
    store.create("a", clocked())
    with store.open("a") as session:
        session.commit("changed", clocked(AT), expected=1)
    assert due_of(store) == {"a": microseconds(AT)}


def test_an_administrator_gets_the_statements_for_it(blank_postgres_url: str, database_of: Open) -> None:
    database = database_of(blank_postgres_url)
    role = f"deadlines_{uuid4().hex}"  # roles are the server's, which other tests use
    with database.writing() as connection:
        connection.execution_options(no_parameters=True).exec_driver_sql(migrating.statements(ENGINE))
        connection.exec_driver_sql(f"CREATE ROLE {role}")
    try:
        grant(ENGINE, database, role, Right.APPEND)
        with database.reading() as reader:
            asked = sa.text(f"SELECT has_column_privilege('{role}', 'envchart_name', 'due', 'UPDATE')")
            assert reader.execute(asked).scalar_one()
    finally:
        run(blank_postgres_url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


@pytest.mark.parametrize(
    ("content", "due"),
    [
        ('{"state":"open"}', None),
        ('{"state":{"active":["a"],"history":{},"timers":{}}}', None),
        ('{"state":{"active":["a"],"timers":{"a.x":"1970-01-01T00:00:01Z"}}}', 1_000_000),
        ('{"state":{"active":["a"],"timers":{"a.x":"9999-12-31T23:59:59.999999Z"}}}', 253402300799999999),
        ('{"state":{"active":["a"],"timers":{"a.x":"soon"}}}', None),
        ('{"state":"open","timers":{"x":1}}', None),
    ],
)
def test_only_the_timers_of_a_state_have_deadlines(content: str, due: int | None) -> None:
    assert earliest(content) == due
