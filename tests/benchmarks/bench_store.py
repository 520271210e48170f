"""What a store in a database costs beside the store in files, in the same run and on the same disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import sqlalchemy as sa
from pydantic_core import from_json

from statechart import ChartRepository
from statechart.storage.repository import JsonFileRepository
from statechart.storage.sql.repository import JsonSqlRepository
from statechart.storage.sql.tables import NAMES, RECORDS
from statechart.testing.repository_contract import Counter
from tests import postgres
from tests.benchmarks.bench_figures import alternate, report
from tests.statechart.stored.timers.waiting import Job, Waiting

MANY = 10_000


class Store(Protocol):
    """What both stores have, as far as it is measured."""

    def open(self, name: str) -> Any: ...
    def load(self, name: str) -> Any: ...
    def documents(self) -> Iterator[tuple[str, Any, bool]]: ...


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    if not postgres.programs():
        postgres.missing("no PostgreSQL")
    with postgres.server(max(postgres.programs())) as running:
        yield running


@pytest.fixture
def files(tmp_path: Path) -> JsonFileRepository[Counter]:
    return JsonFileRepository(tmp_path / "files", Counter)


@pytest.fixture(params=["PostgreSQL", "SQLite"])
def database(
    request: pytest.FixtureRequest, server: postgres.Server, tmp_path: Path
) -> Iterator[tuple[str, JsonSqlRepository[Counter]]]:
    url = f"sqlite:///{tmp_path}/store.db"
    if request.param == "PostgreSQL":
        url = postgres.database(server.url, "bench", fresh=True)
    made = JsonSqlRepository(url, Counter)
    yield request.param, made
    made.database.close()


def test_a_commit(
    files: JsonFileRepository[Counter], database: tuple[str, JsonSqlRepository[Counter]]
) -> None:
    kind, rows = database
    for store in (files, rows):
        store.create("demo", Counter())
    with files.open("demo") as plain, rows.open("demo") as held:

        def commits(session: Any) -> Callable[[], object]:
            def commit() -> None:
                value = Counter(count=session.value.count + 1)
                session.commit("counted", value, expected=session.head.revision)

            return commit

        works = (commits(plain), commits(held))
        alternate(20, *works)
        floor, measured = alternate(15, *works, block=20)
    report(f"a commit in {kind}, to one in files", measured, floor, 2.0)


def test_a_session_with_one_change(
    files: JsonFileRepository[Counter], database: tuple[str, JsonSqlRepository[Counter]]
) -> None:
    kind, rows = database

    def changes(store: Store) -> Callable[[], object]:
        def change() -> None:
            with store.open("demo") as session:
                value = Counter(count=session.value.count + 1)
                session.commit("counted", value, expected=session.head.revision)

        return change

    for store in (files, rows):
        store.create("demo", Counter())
    works = (changes(files), changes(rows))
    alternate(5, *works)
    floor, measured = alternate(10, *works, block=10)
    report(f"open, commit and close in {kind}, to files", measured, floor, 6.0)


def test_reading_ten_thousand_values(
    files: JsonFileRepository[Counter], database: tuple[str, JsonSqlRepository[Counter]]
) -> None:
    kind, rows = database
    files.create("n0", Counter())
    copied(files)
    rows.create("n0", Counter())
    fill(rows)

    def read(store: Store) -> Callable[[], object]:
        def listed() -> None:
            values = [from_json(document) for _, document, _ in store.documents()]
            assert len(values) == MANY

        return listed

    floor, measured = alternate(7, read(files), read(rows))
    report(f"reading 10,000 values from {kind}, to files", measured, floor, 0.5)


def test_looking_for_due_timers_of_ten_thousand_values(server: postgres.Server, tmp_path: Path) -> None:
    files = ChartRepository(tmp_path / "files", Waiting)
    files.create("n0", Job(seconds=1e9))
    copied(files.files)
    urls = {
        "PostgreSQL": postgres.database(server.url, "timers", fresh=True),
        "SQLite": f"sqlite:///{tmp_path}/store.db",
    }

    def documents() -> None:
        assert sum(1 for _ in files.store.documents()) == MANY

    def due(repository: ChartRepository[Job]) -> Callable[[], object]:
        def looked() -> None:
            assert list(repository.due()) == []

        return looked

    floor, measured = alternate(7, documents, due(files))
    report("looking for due timers of 10,000 files, to reading their documents", measured, floor, 3.0)
    for kind, url in urls.items():
        rows = ChartRepository(url, Waiting)
        assert isinstance(rows.store, JsonSqlRepository)
        rows.create("n0", Job(seconds=1e9))
        fill(rows.store)
        floor, measured = alternate(7, documents, due(rows))
        report(f"looking for due timers of 10,000 rows of {kind}, to reading files", measured, floor, 0.5)
        rows.store.database.close()


def copied(files: JsonFileRepository[Any]) -> None:
    """Make ten thousand names of the first."""
    content = files._layout.journal("n0").read_bytes(), files._layout.document("n0").read_bytes()
    for number in range(1, MANY):
        directory = files.root / f"n{number}"
        directory.mkdir()
        (directory / "history.jsonl").write_bytes(content[0])
        (directory / "state.json").write_bytes(content[1])


def fill(repository: JsonSqlRepository[Any]) -> None:
    """Make ten thousand names of the first."""
    database = repository.database
    with database.reading() as reader:
        row = reader.execute(sa.select(NAMES)).one()._asdict()
        record = reader.execute(sa.select(RECORDS)).one()._asdict()
    with database.writing() as connection:
        numbers = range(1, MANY)
        connection.execute(
            sa.insert(NAMES), [row | {"name": f"n{number}", "lineage": f"l{number}"} for number in numbers]
        )
        connection.execute(sa.insert(RECORDS), [record | {"lineage": f"l{number}"} for number in numbers])
