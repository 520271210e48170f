"""The list of a database by its driver alone: the same as the repository's, or none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import sqlalchemy as sa

from environments.model.command_name import CommandName
from environments.model.environment import Environment
from environments.model.operation import Operation
from environments.model.records import OperationRecord
from environments.model.spec import EnvironmentSpec
from environments.storage.sql import plain
from environments.storage.sql.driver import asking
from environments.storage.sql.looking import SUMMARIES
from environments.storage.sql.repository import SqlRepository
from environments.storage.sql.schema import ENVIRONMENTS
from environments.testing import ScriptedSpec
from statechart.errors import StorageError
from statechart.holder import Holder
from statechart.storage.sql.tables import NAMES
from statechart.storage.sql.urls import read_url

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def filled(url: str, directory: Path) -> SqlRepository:
    repository = SqlRepository(url, directory, providers=[ScriptedSpec])
    for name in ("zebra", "ant-1", "ant"):
        spec = EnvironmentSpec(name=name, provider=ScriptedSpec(), labels={"team": "web"})
        created = repository.create(Environment.new(spec, NOW))
    me = Holder.current("test")
    with repository.open("ant", me) as session:
        operation = Operation(id="1", command=CommandName.PROVISION, started_at=NOW, holder=me)
        opened = created.with_operation(operation, at=NOW)
        session.commit(OperationRecord(change="opened", environment=opened))
    repository.write_look("zebra", repository.load("zebra").lineage, json.dumps({}).encode())
    return repository


def test_the_driver_alone_tells_what_the_repository_tells(any_sql_url: str, tmp_path: Path) -> None:
    repository = filled(any_sql_url, tmp_path)

    assert plain.plain_summaries(any_sql_url) == list(repository.summaries())


def test_the_statement_and_the_revisions_are_those_of_the_repository() -> None:
    schemas = {schema.name: schema.head for schema in ENVIRONMENTS.chain}
    statement = SUMMARIES.where(NAMES.c.collection == sa.bindparam("c"))
    compiled = statement.compile(compile_kwargs={"literal_binds": False})
    text = " ".join(str(compiled).split())
    for name, value in compiled.params.items():
        text = text.replace(f":{name}", str(value))

    assert schemas == plain.REVISIONS
    assert plain.SUMMARIES.format(None) == text


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE envchart_name SET value = '{' WHERE name = 'ant'",
        "UPDATE envchart_name SET schema_version = 99 WHERE name = 'ant'",
        "UPDATE envchart_schema SET version_num = '0003_since_0001'",
        "DELETE FROM envchart_environments_schema",
        "ALTER TABLE envchart_look RENAME TO other",
    ],
)
def test_what_is_not_as_usual_is_left_to_the_repository(tmp_path: Path, change: str) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    repository = filled(url, tmp_path)
    with repository._names.database.writing() as connection:
        connection.execute(sa.text(change))

    assert plain.plain_summaries(url) is None


def test_a_database_that_can_not_be_read_is_left_to_the_repository(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("buy milk" * 100)

    for url in (
        f"sqlite:///{tmp_path}/none.db",
        f"sqlite:///{tmp_path}/notes.db",
        "postgresql://localhost:1/x",
    ):
        assert plain.plain_summaries(url) is None
    assert not (tmp_path / "none.db").exists()


def test_a_table_that_another_program_locks_is_not_waited_for_without_end(
    postgres_url: str, tmp_path: Path
) -> None:
    filled(postgres_url, tmp_path)

    with psycopg.connect(postgres_url) as migrating:
        migrating.execute("LOCK TABLE envchart_name")
        with (
            pytest.raises(StorageError, match="lock timeout"),
            asking(read_url(postgres_url), patience=1) as ask,
        ):
            ask(plain.SUMMARIES)


def test_a_host_that_libpq_would_read_otherwise_is_left_to_the_repository(
    postgres_url: str, tmp_path: Path
) -> None:
    filled(postgres_url, tmp_path)
    host = urlsplit(postgres_url).hostname
    assert host is not None
    encoded = postgres_url.replace(host, f"%{ord(host[0]):02X}{host[1:]}", 1)

    assert plain.plain_summaries(postgres_url) is not None
    assert plain.plain_summaries(encoded) is None
