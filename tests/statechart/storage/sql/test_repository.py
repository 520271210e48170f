"""Models in a database: what a store in files has no part in, and what both have in common."""

from __future__ import annotations

import json
import os
import stat
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from statechart.errors import AlreadyExists, InvalidName, InvalidValue, LeaseLost, Locked, NotFound, Stale
from statechart.storage.repository import JsonFileRepository
from statechart.storage.segments.size import Segment
from statechart.storage.sql.database import Database
from statechart.storage.sql.errors import InvalidUrl, StoreUnreachable
from statechart.storage.sql.repository import JsonSqlRepository
from statechart.storage.sql.tables import NAMES, RECORDS
from statechart.testing.repository_contract import ANN, Counter, in_threads
from tests.ports import free_port


@pytest.fixture
def repository(any_sql_url: str) -> JsonSqlRepository[Counter]:
    return JsonSqlRepository(any_sql_url, Counter)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.db"


def count(repository: JsonSqlRepository[Counter], times: int, name: str = "demo") -> None:
    with repository.open(name) as session:
        for _ in range(times):
            value = Counter(count=session.value.count + 1)
            session.commit("counted", value, expected=session.head.revision)


def test_reading_makes_no_file(url: str, tmp_path: Path) -> None:
    repository = JsonSqlRepository(url, Counter)

    assert (repository.names(), repository.exists("demo"), list(repository.documents())) == ([], False, [])
    with pytest.raises(NotFound, match="demo"):
        repository.load("demo")
    with pytest.raises(NotFound, match="demo"):
        repository.open("demo", timeout=1)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_database_is_an_empty_store(blank_postgres_url: str) -> None:
    repository = JsonSqlRepository(blank_postgres_url, Counter)

    assert (repository.names(), repository.exists("demo")) == ([], False)
    with pytest.raises(NotFound, match="demo"):
        repository.history("demo")
    repository.create("demo", Counter())
    assert repository.names() == ["demo"]


def test_a_file_is_private(url: str, tmp_path: Path) -> None:
    JsonSqlRepository(url, Counter).create("demo", Counter())

    assert stat.S_IMODE((tmp_path / "store.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a" * 101, "ü", "a b"])
def test_names_are_those_of_files(url: str, name: str) -> None:
    repository = JsonSqlRepository(url, Counter)

    for ask in (repository.load, repository.exists, lambda it: repository.create(it, Counter())):
        with pytest.raises(InvalidName):
            ask(name)


def test_names_that_differ_by_case_are_two(repository: JsonSqlRepository[Counter]) -> None:
    for name in ("demo", "Demo", "b-1", "B_1", "a10", "a.2"):
        repository.create(name, Counter())

    assert repository.names() == sorted(["demo", "Demo", "b-1", "B_1", "a10", "a.2"])
    assert [name for name, _, _ in repository.documents()] == repository.names()


def test_collections_are_apart(any_sql_url: str) -> None:
    orders = JsonSqlRepository(f"{any_sql_url}?collection=orders", Counter)
    others = JsonSqlRepository(any_sql_url, Counter, collection="others")

    orders.create("demo", Counter(count=1))
    others.create("demo", Counter(count=2))

    assert (orders.load("demo").value.count, others.load("demo").value.count) == (1, 2)
    assert orders.database is others.database
    orders.delete("demo", expected=orders.load("demo").head)
    assert (orders.names(), others.names()) == ([], ["demo"])


def test_documents_are_the_present_values_with_their_keys(any_sql_url: str) -> None:
    def folded(value: Counter, record: object) -> Counter:
        return Counter(count=value.count + 10)

    repository = JsonSqlRepository(any_sql_url, Counter, fold=folded)
    for name in ("a", "b"):
        repository.create(name, Counter())
    count(repository, 1, "b")
    with repository.open("b") as session:
        session.append("stepped", {})
        head = session.head

    found = {name: json.loads(content) for name, content, _ in repository.documents() if content}

    shown = {"schema_version": 1, "seq": 3, "head_hash": head.hash, "journal_size": head.size}
    assert found["b"] == {"state": "counting", "count": 11, **shown}
    assert [name for name, _, _ in repository.documents(["b", "c"])] == ["b"]
    newer = JsonSqlRepository(any_sql_url, Counter, schema_version=2)
    assert [behind for _, _, behind in newer.documents()] == [True, True]


def test_a_value_that_can_not_be_read_is_not_written(url: str) -> None:
    repository = JsonSqlRepository(url, Counter)
    repository.create("demo", Counter())

    with repository.open("demo") as session, pytest.raises(InvalidValue):
        session.commit("counted", Counter().model_copy(update={"count": "many"}), expected=1)
    assert len(repository.history("demo")) == 1


def test_histories_are_segmented_as_in_files(any_sql_url: str, tmp_path: Path) -> None:
    stores = (
        JsonFileRepository(tmp_path / "files", Counter, segment=Segment(records=3)),
        JsonSqlRepository(any_sql_url, Counter, segment=Segment(records=3)),
    )
    for store in stores:
        store.create("demo", Counter(), lineage="l" * 32)
        with store.open("demo") as session:
            for number in range(1, 8):
                session.commit("counted", Counter(count=number), expected=number)

    files, rows = ([_without_times(each) for each in store.history("demo")] for store in stores)
    assert rows == files
    shapes = [
        [
            (str(each.path).rpartition("/")[2], each.first_seq, each.last_seq, each.place)
            for each in segments
        ]
        for segments in (store.segments("demo") for store in stores)
    ]
    assert shapes[1][:-1] == shapes[0][:-1]
    assert shapes[1][-1][1:] == shapes[0][-1][1:]
    place, before = stores[1].place_of("demo", 4)
    assert (str(place).endswith("#demo/history.00000004-00000006.jsonl"), before) == (True, 3)


def _without_times(record: object) -> object:
    said = record.model_dump(exclude={"at", "prev"})  # type: ignore[attr-defined]
    if "ended" in said["data"]:
        said["data"].update(entered_at="", changed_at="")
        said["data"]["ended"] = {**said["data"]["ended"], "sha256": "", "bytes": 0}
    return said


def test_one_database_for_each_url(url: str) -> None:
    assert Database.of(url) is Database.of(f"{url}?collection=x")
    with pytest.raises(InvalidUrl):
        Database.of("mysql://ann:secret@db/orders")


@pytest.mark.parametrize("ttl", [0, 0.1, -1, float("nan")])
def test_a_lease_that_is_too_short_is_refused(url: str, ttl: float) -> None:
    with pytest.raises(ValueError, match="seconds"):
        JsonSqlRepository(url, Counter, ttl=ttl)


def test_a_database_that_is_away_is_an_error_that_says_where(unused_port: int) -> None:
    repository = JsonSqlRepository(f"postgresql://ann:secret@127.0.0.1:{unused_port}/orders", Counter)
    calls: list[Callable[[], object]] = [
        repository.names,
        lambda: repository.exists("demo"),
        lambda: repository.holder("demo"),
        lambda: repository.load("demo"),
        lambda: repository.open("demo", timeout=5),
        lambda: repository.create("demo", Counter()),
        lambda: list(repository.documents()),
    ]

    for call in calls:
        with pytest.raises(StoreUnreachable, match=f"ann@127.0.0.1:{unused_port}/orders") as away:
            call()
        assert "secret" not in str(away.value)


@pytest.fixture
def unused_port() -> int:
    return free_port()


def test_a_read_whose_connection_had_died_is_tried_once_more(postgres_url: str) -> None:
    repository = JsonSqlRepository(postgres_url, Counter)
    repository.create("demo", Counter())
    session = repository.open("demo")

    for read in (repository.names, lambda: repository.load("demo"), session.check):
        end_connections(postgres_url)
        read()
    for number in (1, 2):
        end_connections(postgres_url)
        session.commit("counted", Counter(count=number), expected=number)
    end_connections(postgres_url)
    session.close()

    assert repository.holder("demo") is None
    assert [record.seq for record in repository.history("demo")] == [1, 2, 3]


def end_connections(url: str) -> None:
    """End all connections to a database, as a restart of the server does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_threads_share_a_database(repository: JsonSqlRepository[Counter]) -> None:
    names = [f"n{number}" for number in range(6)]
    for name in names:
        repository.create(name, Counter())
    left = list(names)

    in_threads(lambda: count(repository, 5, left.pop()), len(names))

    assert {repository.load(name).value.count for name in names} == {5}


def test_a_fork_uses_connections_of_its_own(repository: JsonSqlRepository[Counter]) -> None:
    repository.create("demo", Counter())
    session = repository.open("demo", holder=ANN)

    def child() -> None:
        assert repository.holder("demo") == ANN
        with pytest.raises(LeaseLost, match="forked"):
            session.check()
        with pytest.raises(LeaseLost, match="forked"):
            session.commit("counted", Counter(count=1), expected=1)
        with pytest.raises(Locked):
            repository.open("demo")
        session.close()
        assert JsonSqlRepository(repository.where, Counter).names() == ["demo"]

    assert in_child(child) == 0
    session.commit("counted", Counter(count=1), expected=1)
    session.close()
    assert repository.load("demo").value.count == 1


def in_child(work: Callable[[], None]) -> int:
    """Run a function in a forked process, and return its exit code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside the heartbeat
        child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            if code:
                traceback.print_exc()
                sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_purge_takes_all_rows_along(repository: JsonSqlRepository[Counter]) -> None:
    head = repository.create("demo", Counter()).head
    repository.create("other", Counter())

    repository.delete("demo", expected=head)

    with repository.database.reading() as reader:
        kept = reader.execute(
            sa.select(NAMES.c.name, sa.func.count(RECORDS.c.seq))
            .join_from(NAMES, RECORDS, NAMES.c.lineage == RECORDS.c.lineage)
            .group_by(NAMES.c.name)
        ).all()
        rows = reader.execute(sa.select(sa.func.count()).select_from(RECORDS)).scalar_one()
    assert ([tuple(row) for row in kept], rows) == ([("other", 1)], 1)


def test_a_name_that_is_taken_meanwhile_is_not_purged(repository: JsonSqlRepository[Counter]) -> None:
    created = repository.create("demo", Counter())
    with pytest.raises(AlreadyExists, match="demo"):
        repository.create("demo", Counter())
    count(repository, 1)

    with pytest.raises(Stale):
        repository.delete("demo", expected=created.head)
    assert repository.holder("demo") is None


def test_no_thread_is_left_when_nothing_is_held(url: str) -> None:
    repository = JsonSqlRepository(url, Counter, ttl=0.3)
    repository.create("demo", Counter())

    others = set(threading.enumerate())
    with repository.open("demo"):
        begun = set(threading.enumerate()) - others
        mine = [each for each in begun if each.name == "envchart_renew_leases"]
        assert mine
    for each in mine:
        each.join(10)
        assert not each.is_alive() or repository.database.leases._held
