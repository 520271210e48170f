"""Servers that refuse, fail or are not there: each a typed error that says where, and what to do."""

from __future__ import annotations

import gc
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import psycopg
import pytest

from statechart.storage.sql.database import Database
from statechart.storage.sql.errors import (
    DatabaseFailed,
    InvalidUrl,
    NoSuchDatabase,
    ReadOnlyStore,
    StoreBusy,
    StoreFull,
    StoreUnreachable,
    TooManyConnections,
    WrongCredentials,
)
from statechart.storage.sql.inspection import inspect
from statechart.storage.sql.schema import ENGINE
from tests.statechart.storage.sql.conftest import Note, change, notes, of_role, run


@pytest.mark.parametrize(
    ("url", "kind", "problem"),
    [
        ("postgresql://u:pw@127.0.0.1:1/db", StoreUnreachable, "Connection refused"),
        ("postgresql://u:pw@no-such-host.invalid/db", StoreUnreachable, "no-such-host.invalid"),
        ("postgresql://u:pw@/db?host=/nowhere", StoreUnreachable, "No such file or directory"),
        ("postgresql://u:pw@127.0.0.1/db?nonsense=1", InvalidUrl, "nonsense"),
        ("postgresql://u:pw@127.0.0.1/db?sslmode=maybe", InvalidUrl, "sslmode"),
    ],
)
def test_a_place_without_a_server_is_told_without_the_password(
    url: str, kind: type[Exception], problem: str
) -> None:
    with pytest.raises(kind, match=problem) as caught:
        notes(url).names()

    told = "".join(traceback.format_exception(caught.value))
    assert "pw" not in told.replace("_pw", "")


@pytest.mark.parametrize(
    ("login", "kind", "problem"),
    [
        ("locked:wrong-pw", WrongCredentials, "password authentication failed"),
        ("locked", WrongCredentials, "no password supplied"),
        ("nobody-of-that-name", WrongCredentials, "does not exist"),
        ("stranger", WrongCredentials, "pg_hba.conf rejects"),
        ("limited", TooManyConnections, "too many connections for role"),
    ],
)
def test_a_login_that_the_server_refuses_is_told_without_the_password(
    strict: str, login: str, kind: type[DatabaseFailed], problem: str
) -> None:
    with pytest.raises(kind, match=problem) as caught:
        notes(of_role(strict, login)).create("a", Note())

    told = "".join(traceback.format_exception(caught.value))
    assert "wrong-pw" not in told
    assert caught.value.where == of_role(strict, login.partition(":")[0])


def test_a_password_comes_from_the_url_the_environment_or_a_file(
    strict: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("secrets")
    file = place / "pgpass"
    file.write_text("127.0.0.1:*:*:locked:right-pw\n")
    file.chmod(0o600)
    services = place / "services"
    services.write_text(f"[ours]\nhost=127.0.0.1\nport={strict.rpartition(':')[2].partition('/')[0]}\n")

    assert notes(of_role(strict, "locked:right-pw")).names() == []
    assert notes(f"{of_role(strict, 'locked')}?passfile={file}").names() == []
    monkeypatch.setenv("PGPASSWORD", "right-pw")
    assert notes(of_role(strict, "locked")).names() == []
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    assert notes("postgresql://locked@/postgres?service=ours").names() == []


def test_a_database_that_does_not_exist_is_told_with_the_way_to_create_it(strict: str) -> None:
    with pytest.raises(NoSuchDatabase, match="createdb -E UTF8"):
        notes(strict.removesuffix("postgres") + "missing").names()


def test_a_server_without_free_connections_is_told(strict_url: str) -> None:
    guest = of_role(strict_url, "guest")
    gc.collect()  # connections of earlier tests
    with ExitStack() as kept:
        with suppress(psycopg.OperationalError):
            while True:
                kept.enter_context(psycopg.connect(guest))

        with pytest.raises(TooManyConnections, match="raise max_connections"):
            notes(guest).names()

    assert notes(strict_url).names() == []


def test_a_process_without_free_connections_is_told(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = notes(postgres_url).database
    monkeypatch.setattr(database.engine.pool, "_timeout", 0.01)
    monkeypatch.setattr(database.engine.pool, "_max_overflow", 0)

    with ExitStack() as kept:
        for _ in range(database.engine.pool.size()):  # type: ignore[attr-defined]
            kept.enter_context(database.writing())

        with pytest.raises(TooManyConnections, match="all connections of this process"):
            change(database, "SELECT 1")


def test_a_read_only_replica_can_be_read_and_says_so_when_written_to(strict_url: str) -> None:
    notes(strict_url).create("a", Note())
    replica = notes(f"{strict_url}?options=-c%20default_transaction_read_only%3Don")

    assert replica.load("a").value == Note()
    seen = inspect(ENGINE, replica.database)
    with pytest.raises(ReadOnlyStore, match="name the primary server"):
        replica.create("b", Note())
    with pytest.raises(ReadOnlyStore, match="name the primary server"):
        replica.open("a")
    assert not seen.is_writable
    assert not seen.is_usable


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [("53100", StoreFull), ("58030", StoreFull), ("55P03", StoreBusy), ("57014", StoreBusy)],
)
def test_a_change_that_the_server_has_no_room_or_time_for_leaves_nothing(
    strict_url: str, sqlstate: str, kind: type[DatabaseFailed]
) -> None:
    store = notes(strict_url)
    store.create("a", Note())
    raises = f"RAISE EXCEPTION 'could not extend file' USING ERRCODE = '{sqlstate}'"
    fail = f"CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {raises}; END $$"
    on = "CREATE TRIGGER fail BEFORE INSERT ON envchart_record FOR EACH ROW EXECUTE FUNCTION fail()"

    with store.open("a") as session:
        run(strict_url, fail, on)
        with pytest.raises(kind, match="could not extend file"):
            session.commit("changed", Note(text="b"), expected=1)
        run(strict_url, "DROP FUNCTION fail CASCADE")
        session.commit("changed", Note(text="c"), expected=1)

    assert [record.type for record in store.history("a")] == ["created", "changed"]


def test_a_row_that_another_transaction_keeps_is_told(strict_url: str) -> None:
    store = notes(strict_url)
    store.create("a", Note())
    with store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE envchart_name SET fence = fence")
        hurried = Database.of(f"{strict_url}?application_name=other")

        with pytest.raises(StoreBusy, match="keeps a transaction open"):
            change(hurried, "SET LOCAL lock_timeout = '20ms'", "UPDATE envchart_name SET fence = fence")


def test_a_stricter_isolation_by_default_refuses_no_commit_while_the_lease_is_renewed(
    strict_url: str,
) -> None:
    name = strict_url.rpartition("/")[2]
    run(strict_url, f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
    store = notes(strict_url)
    store.create("a", Note())
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"

    with (
        store.open("a") as session,
        psycopg.connect(strict_url) as renewing,
        psycopg.connect(strict_url, autocommit=True) as looking,
        ThreadPoolExecutor(1) as thread,
    ):
        renewing.execute("UPDATE envchart_name SET lease_until = lease_until + 1")
        committed = thread.submit(session.commit, "noted", Note(text="b"), expected=1)
        while looking.execute(waiting, [name]).fetchone() == (0,):
            assert not committed.done()
            time.sleep(0.01)
        renewing.commit()
        committed.result()

    assert store.load("a").value == Note(text="b")
