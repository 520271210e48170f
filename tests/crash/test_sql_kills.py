"""Writers and servers are killed: what was acknowledged is on record, once, and the next goes on."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from statechart.storage.sql.repository import JsonSqlRepository
from statechart.testing.repository_contract import Counter
from tests import postgres
from tests.crash.sql_writers import Writers, forked
from tests.crash.tally import Tally


def kill_writers(url: str, directory: Path, tally: Tally, kills: int) -> None:
    writers = Writers(url, directory, 3)
    writers.begin()
    for turn in range(kills):
        time.sleep(random.uniform(0.02, 0.3))
        writers.kill(turn % writers.count)
        writers.start(turn % writers.count)
    writers.go_on(kills)
    writers.end()
    acknowledged, recorded = writers.judge(kills)
    tally.add("writers killed over a database", kills=kills, acknowledged=acknowledged, on_record=recorded)
    assert acknowledged > kills


def test_killed_writers_lose_nothing(any_sql_url: str, tmp_path: Path, tally: Tally) -> None:
    kill_writers(any_sql_url, tmp_path, tally, kills=9)


@pytest.mark.soak
def test_many_killed_writers_lose_nothing(any_sql_url: str, tmp_path: Path, tally: Tally) -> None:
    kill_writers(any_sql_url, tmp_path, tally, kills=200)


def crash_server(directory: Path, tally: Tally, times: int) -> None:
    """End a server again and again under four writers: by a crash, by a kill, in order."""
    if not postgres.programs():
        postgres.missing("no PostgreSQL")
    with postgres.server(max(postgres.programs())) as server:
        writers = Writers(server.url, directory, 4)
        writers.begin()
        for turn in range(times):
            time.sleep(random.uniform(0.3, 1.5))
            match turn % 3:
                case 0:
                    server.restart("immediate")
                case 1:
                    server.kill()
                    time.sleep(0.2)
                    server.start_again()
                case _:
                    server.restart("fast")
        writers.go_on(times)
        writers.end()
        acknowledged, recorded = writers.judge()
        JsonSqlRepository(server.url, Counter).database.close()
    tally.add("database ended", times=times, acknowledged=acknowledged, on_record=recorded)
    assert acknowledged == recorded > times


def test_a_database_that_is_ended_under_four_writers_loses_nothing(tmp_path: Path, tally: Tally) -> None:
    crash_server(tmp_path, tally, 4)


@pytest.mark.soak
def test_a_database_that_is_ended_forty_times_loses_nothing(tmp_path: Path, tally: Tally) -> None:
    crash_server(tmp_path, tally, 40)


def increments(url: str, processes: int, times: int) -> int:
    """Increment a counter from many processes at once, and return the count."""
    repository = JsonSqlRepository(url, Counter)
    repository.create("demo", Counter())

    def work() -> None:
        own = JsonSqlRepository(url, Counter)
        for _ in range(times):
            with own.open("demo", timeout=600) as session:
                value = Counter(count=session.value.count + 1)
                session.commit("counted", value, expected=session.head.revision)

    children = [forked(work) for _ in range(processes)]
    assert {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children} == {0}
    return repository.load("demo").value.count


def test_increments_of_many_processes_add_up(any_sql_url: str) -> None:
    assert increments(any_sql_url, processes=5, times=8) == 40


@pytest.mark.soak
def test_a_thousand_increments_of_twenty_processes_add_up(any_sql_url: str) -> None:
    assert increments(any_sql_url, processes=20, times=50) == 1000
