"""Leases: renewed while their process runs, told when they end, and taken over with a fence."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psutil
import pytest
import sqlalchemy as sa

from statechart.errors import LeaseLost, Locked
from statechart.holder import Holder
from statechart.storage.session import Session
from statechart.storage.sql.clock import now
from statechart.storage.sql.errors import StoreUnreachable
from statechart.storage.sql.repository import JsonSqlRepository
from statechart.storage.sql.tables import NAMES
from statechart.storage.values.held import lease_time
from statechart.testing.repository_contract import ANN, BEN, Counter
from tests import postgres
from tests.conftest import dead_holder
from tests.crash.conftest import require
from tests.statechart.storage.sql.proxy import Proxy

TTL = 0.6  # for what ends, or is told early or late alike
STEADY = 6.0  # for what is to last: a busy machine may take two thirds of it


@pytest.fixture
def repository(any_sql_url: str) -> JsonSqlRepository[Counter]:
    made = JsonSqlRepository(any_sql_url, Counter, ttl=TTL)
    made.create("demo", Counter())
    return made


@pytest.fixture
def steady(any_sql_url: str) -> JsonSqlRepository[Counter]:
    made = JsonSqlRepository(any_sql_url, Counter, ttl=STEADY)
    made.create("demo", Counter())
    return made


@dataclass
class Watcher:
    """What a session's watcher is told."""

    until: list[float] = field(default_factory=list)
    losses: int = 0
    why: str = ""

    def renewed(self, until: float) -> None:
        self.until.append(until)

    def lost(self, why: str) -> None:
        self.losses += 1
        self.why = why


def eventually(is_so: Callable[[], object], seconds: float = 30) -> None:
    """Wait for what has to happen some time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def take_over(repository: JsonSqlRepository[Counter], holder: Holder = BEN) -> None:
    """Take a name as another machine does when the lease is over."""
    with repository.database.writing() as connection:
        values = {
            "fence": NAMES.c.fence + 1,
            "holder": holder.model_dump_json(),
            "lease_until": now() + 600,
        }
        connection.execute(sa.update(NAMES).values(values))


def shorten(repository: JsonSqlRepository[Counter]) -> None:
    """Have the leases of all names end soon."""
    with repository.database.writing() as connection:
        connection.execute(sa.update(NAMES).values(lease_until=now() + TTL))


def test_a_lease_is_renewed_as_long_as_the_session_is_open(steady: JsonSqlRepository[Counter]) -> None:
    watcher = Watcher()

    with steady.open("demo", holder=ANN) as session:
        session.watch(watcher)
        eventually(lambda: len(watcher.until) > 2)
        with pytest.raises(Locked, match="ann's command"):
            steady.open("demo", holder=BEN)
        session.check()

    assert watcher.until == sorted(watcher.until)
    assert watcher.losses == 0


def test_a_watcher_learns_at_once_how_long_the_name_is_held(repository: JsonSqlRepository[Counter]) -> None:
    asked, watcher = lease_time(), Watcher()

    with repository.open("demo") as session:
        session.watch(watcher)

        assert asked < watcher.until[0] <= lease_time() + TTL * 2 / 3


def test_a_name_that_was_let_go_while_the_database_was_away_is_free_in_this_process_at_once(
    steady: JsonSqlRepository[Counter], monkeypatch: pytest.MonkeyPatch
) -> None:
    close_away(steady.open("demo", holder=ANN), steady, monkeypatch)

    assert steady.holder("demo") is None
    with steady.open("demo", holder=BEN) as session:
        assert session.crashed is None
        assert session.released_by == ANN
        with pytest.raises(Locked):
            steady.open("demo")


def test_a_holder_that_let_a_name_go_while_the_database_was_away_may_have_it_again(
    steady: JsonSqlRepository[Counter], monkeypatch: pytest.MonkeyPatch
) -> None:
    close_away(steady.open("demo", holder=ANN), steady, monkeypatch)

    with steady.open("demo", holder=ANN):
        assert steady.holder("demo") == ANN
        with pytest.raises(Locked):
            steady.open("demo", holder=BEN)


def test_a_name_that_was_let_go_while_the_database_was_away_is_the_only_one(
    steady: JsonSqlRepository[Counter], monkeypatch: pytest.MonkeyPatch
) -> None:
    steady.create("other", Counter())
    with steady.open("other", holder=ANN):
        close_away(steady.open("demo", holder=ANN), steady, monkeypatch)

        assert steady.holder("other") == ANN
        with pytest.raises(Locked):
            steady.open("other", holder=BEN)


def close_away(
    session: Session[Counter], repository: JsonSqlRepository[Counter], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Close a session while its database is away."""

    def away(_statement: sa.Executable, _parameters: object) -> Sequence[sa.Row[Any]]:
        raise StoreUnreachable("the database", "it is away")

    with monkeypatch.context() as patch:
        patch.setattr(repository.database, "changed", away)
        session.close()


def test_a_session_that_was_taken_over_is_refused_and_its_watcher_told(
    repository: JsonSqlRepository[Counter],
) -> None:
    watcher = Watcher()
    session = repository.open("demo", holder=ANN)
    session.watch(watcher)

    take_over(repository)

    eventually(lambda: watcher.losses)
    with pytest.raises(LeaseLost, match="taken over"):
        session.check()
    with pytest.raises(LeaseLost, match="taken over"):
        session.commit("counted", Counter(count=1), expected=1)
    session.close()
    assert repository.holder("demo") == BEN
    assert (watcher.losses, len(repository.history("demo"))) == (1, 1)


def test_an_append_notices_what_the_heartbeat_did_not_yet(any_sql_url: str) -> None:
    repository = JsonSqlRepository(any_sql_url, Counter, ttl=60)
    repository.create("demo", Counter())

    with repository.open("demo") as session:
        take_over(repository)
        with pytest.raises(LeaseLost, match="taken over"):
            session.append("stepped", {})
    assert repository.holder("demo") == BEN


def test_a_lease_that_is_over_is_not_lost_while_nobody_takes_the_name(
    repository: JsonSqlRepository[Counter],
) -> None:
    session = repository.open("demo")
    with repository.database.writing() as connection:
        connection.execute(sa.update(NAMES).values(lease_until=0.0))

    session.check()
    session.commit("counted", Counter(count=1), expected=1)
    session.close()


def test_a_watcher_is_told_when_the_database_stays_away(postgres_url: str) -> None:
    proxy = Proxy(postgres_url)
    repository = JsonSqlRepository(proxy.url, Counter, ttl=TTL)
    repository.create("demo", Counter())
    session, watcher = repository.open("demo"), Watcher()
    session.watch(watcher)

    proxy.close()

    eventually(lambda: watcher.losses)
    assert lease_time() >= watcher.until[-1]
    session.close()
    repository.database.close()


def test_a_holder_that_died_on_this_machine_is_succeeded_at_once(any_sql_url: str) -> None:
    repository = JsonSqlRepository(any_sql_url, Counter, ttl=3600)
    repository.create("demo", Counter())
    dead = dead_holder("envchart run")
    take_over(repository, dead)

    assert repository.holder("demo") is None
    with repository.open("demo") as session:
        assert session.crashed == dead


def test_a_crash_is_told_until_somebody_lets_go(
    repository: JsonSqlRepository[Counter],
) -> None:
    dead = dead_holder("envchart run")
    take_over(repository, dead)
    with repository.database.writing() as connection:
        before = connection.execute(sa.select(NAMES.c.hash)).scalar_one()
        connection.execute(sa.update(NAMES).values(hash="damaged"))
    with pytest.raises(Exception, match="damaged"):
        repository.open("demo")
    with repository.database.writing() as connection:
        connection.execute(sa.update(NAMES).values(hash=before))

    with repository.open("demo") as session:
        assert session.crashed == dead
    with repository.open("demo") as session:
        assert session.crashed is None


def test_another_machine_waits_for_the_lease_of_a_silent_holder(any_sql_url: str) -> None:
    repository = JsonSqlRepository(any_sql_url, Counter, ttl=TTL)
    repository.create("demo", Counter())
    silent = dead_holder("envchart run").model_copy(update={"host": "elsewhere"})
    take_over(repository, silent)

    with pytest.raises(Locked, match="elsewhere"):
        repository.open("demo")
    shorten(repository)
    with repository.open("demo", timeout=30) as session:
        assert session.crashed == silent


HOLDER = """
import sys, time
from statechart.errors import LeaseLost
from statechart.storage.sql.errors import StoreUnreachable
from statechart.storage.sql.repository import JsonSqlRepository
from statechart.testing.repository_contract import Counter

session = JsonSqlRepository(sys.argv[1], Counter, ttl=0.6).open("demo", command="holder")
print("held", flush=True)
sys.stdin.readline()
for use in (session.check, lambda: session.commit("counted", Counter(count=9), expected=1)):
    try:
        use()
        print("went on", flush=True)
    except LeaseLost:
        print("lost", flush=True)
session.close()
"""


@pytest.fixture
def holder(any_sql_url: str, repository: JsonSqlRepository[Counter]) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the name, and uses it after a line on its input."""
    words = [sys.executable, "-c", HOLDER, any_sql_url]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def pause(holder: subprocess.Popen[str], repository: JsonSqlRepository[Counter]) -> None:
    """Stop a process, but not within a transaction: in a file, that would keep all others out."""
    while True:
        os.kill(holder.pid, signal.SIGSTOP)
        eventually(lambda: psutil.Process(holder.pid).status() == psutil.STATUS_STOPPED)
        if repository.database.file is None:
            return
        with suppress(sqlite3.OperationalError), closing(sqlite3.connect(repository.database.file)) as file:
            file.execute("PRAGMA busy_timeout = 0")
            file.execute("BEGIN IMMEDIATE")
            return
        os.kill(holder.pid, signal.SIGCONT)


def test_a_paused_holder_is_succeeded_and_changes_nothing_later(
    repository: JsonSqlRepository[Counter], holder: subprocess.Popen[str]
) -> None:
    pause(holder, repository)
    with repository.open("demo", timeout=30) as session:
        assert session.crashed is not None
        assert session.crashed.pid == holder.pid
        session.commit("counted", Counter(count=1), expected=1)
    os.kill(holder.pid, signal.SIGCONT)

    told, _ = holder.communicate("go on\n", timeout=60)

    assert told.splitlines() == ["lost", "lost"]
    assert repository.load("demo").value.count == 1
    assert repository.holder("demo") is None


def test_what_is_forgotten_is_free_when_its_lease_is_over(repository: JsonSqlRepository[Counter]) -> None:
    def forget() -> None:
        _session: Session[Counter] = repository.open("demo")

    forget()

    repository.open("demo", timeout=30).close()


def test_sessions_of_several_lengths_are_renewed_side_by_side(any_sql_url: str) -> None:
    long, short = (JsonSqlRepository(any_sql_url, Counter, ttl=ttl) for ttl in (5 * STEADY, STEADY))
    long.create("long", Counter())
    short.create("short", Counter())
    watchers = Watcher(), Watcher()

    with long.open("long") as first, short.open("short") as second:
        first.watch(watchers[0])
        second.watch(watchers[1])
        eventually(lambda: len(watchers[1].until) > 2)
        first.check()
        second.check()

    assert [watcher.losses for watcher in watchers] == [0, 0]


SHIFTED = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
int gettimeofday(struct timeval *tv, void *tz) {
    static int (*real)(struct timeval *, void *);
    if (!real) real = dlsym(RTLD_NEXT, "gettimeofday");
    int found = real(tv, tz);
    if (tv) tv->tv_sec += HOURS * 3600;
    return found;
}
time_t time(time_t *seconds) {
    struct timeval tv;
    gettimeofday(&tv, 0);
    if (seconds) *seconds = tv.tv_sec;
    return tv.tv_sec;
}
"""


@pytest.fixture
def shifted_url(tmp_path: Path, hours: int) -> Iterator[str]:
    """A server whose clock is hours apart from ours."""
    require("gcc", "gcc")
    if not postgres.programs():
        postgres.missing("no PostgreSQL")
    directory = Path(mkdtemp(prefix="envchart-clock-"))
    directory.chmod(0o755)  # for the user of the server
    source, library = directory / "clock.c", directory / "clock.so"
    source.write_text(SHIFTED.replace("HOURS", f"({hours})"))
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    try:
        with postgres.server(min(postgres.programs()), preload=library) as server:
            yield server.url
    finally:
        shutil.rmtree(directory)


@pytest.mark.parametrize("hours", [-1, 1])
def test_leases_are_measured_by_the_clock_of_the_database(hours: int, shifted_url: str) -> None:
    repository, watcher = JsonSqlRepository(shifted_url, Counter, ttl=STEADY), Watcher()
    repository.create("demo", Counter())
    with repository.database.reading() as reader:
        theirs = float(reader.execute(sa.select(now())).scalar_one())
    assert abs(theirs - time.time() - hours * 3600) < 1800

    with repository.open("demo") as session:
        session.watch(watcher)
        eventually(lambda: len(watcher.until) > 1)
        with pytest.raises(Locked):
            repository.open("demo")
        session.commit("counted", Counter(count=1), expected=1)
    silent = dead_holder("envchart run").model_copy(update={"host": "elsewhere"})
    take_over(repository, silent)
    with pytest.raises(Locked, match="elsewhere"):
        repository.open("demo")
    shorten(repository)
    repository.open("demo", timeout=30).close()
    repository.database.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of a fork beside the heartbeat
def test_the_leases_of_a_fork_are_renewed_as_well(steady: JsonSqlRepository[Counter]) -> None:
    steady.create("other", Counter())
    with steady.open("demo"):
        if (child := os.fork()) == 0:
            code = 1
            try:
                watcher = Watcher()
                with steady.open("other") as session:
                    session.watch(watcher)
                    eventually(lambda: len(watcher.until) > 2)
                code = watcher.losses
            finally:
                os._exit(code)

        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


class Failing(Watcher):
    def renewed(self, until: float) -> None:
        super().renewed(until)
        if len(self.until) == 2:
            raise RuntimeError("a bug of the watcher")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_heartbeat_that_failed_is_followed_by_another(repository: JsonSqlRepository[Counter]) -> None:
    failing, watcher = Failing(), Watcher()
    repository.create("other", Counter())
    with repository.open("demo") as session:
        session.watch(failing)
        eventually(lambda: len(failing.until) == 2 and failing.losses)

        with repository.open("other") as session:
            session.watch(watcher)
            eventually(lambda: len(watcher.until) > 3)
