"""The transitions of all values: each once, from any point on."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
from contextlib import aclosing
from pathlib import Path

import pytest
from pydantic import BaseModel

from statechart import Change, Chart, ChartRepository, DamagedNames, Event, InvalidCursor, State


class Job(BaseModel, frozen=True):
    state: str = "waiting"


class JobChart(Chart[Job]):
    waiting = State(initial=True)
    running = State()
    done = State(final=True)

    start = Event(waiting.to(running))
    pause = Event(running.to(waiting))
    finish = Event(running.to(done))


@pytest.fixture
def jobs(tmp_path: Path) -> ChartRepository[Job]:
    return ChartRepository(tmp_path / "jobs", JobChart)


@pytest.fixture
def anywhere(any_place: str) -> ChartRepository[Job]:
    return ChartRepository(any_place, JobChart)


def words(changes: list[Change]) -> list[str]:
    return [f"{each.name} {each.event or 'created'} {each.to_state}" for each in changes]


def work(jobs: ChartRepository[Job]) -> None:
    for name in ("a", "b"):
        jobs.create(name, Job())
    jobs.fire("b", JobChart.start)
    jobs.fire("a", JobChart.start)
    jobs.fire("b", JobChart.finish)


def test_changes_are_told_by_time(anywhere: ChartRepository[Job]) -> None:
    work(anywhere)

    told = list(anywhere.changes())

    assert words(told) == [
        "a created waiting",
        "b created waiting",
        "b start running",
        "a start running",
        "b finish done",
    ]
    assert told[3].model_dump(exclude={"lineage", "at", "actor", "cursor"}) == {
        "name": "a",
        "seq": 2,
        "revision": 2,
        "event": "start",
        "from_state": "waiting",
        "to_state": "running",
        "payload": {},
    }
    assert told == list(anywhere.changes())


def test_each_cursor_goes_on_behind_its_change(anywhere: ChartRepository[Job]) -> None:
    work(anywhere)
    told = list(anywhere.changes())

    for number, change in enumerate(told, 1):
        assert list(anywhere.changes(since=change.cursor)) == told[number:]
    assert list(anywhere.changes(since=anywhere.cursor())) == []


def test_a_name_that_was_created_again_is_told_anew(anywhere: ChartRepository[Job]) -> None:
    work(anywhere)
    *_, last = anywhere.changes()

    anywhere.delete("a")
    anywhere.delete("b")
    anywhere.create("a", Job())

    assert words(list(anywhere.changes(since=last.cursor))) == ["a created waiting"]


def test_a_damaged_name_keeps_no_other_from_being_told(jobs: ChartRepository[Job]) -> None:
    work(jobs)
    journal = jobs.files.directory("a") / "history.jsonl"
    sound = journal.read_bytes()
    journal.write_bytes(b"{}\n" + sound)

    told: list[Change] = []
    with pytest.raises(DamagedNames, match="a"):
        told.extend(jobs.changes())
    damaged: list[str] = []
    told = list(jobs.changes(on_damage=lambda name, _: damaged.append(name)))

    assert words(told) == ["b created waiting", "b start running", "b finish done"]
    assert damaged == ["a"]
    journal.write_bytes(sound)
    assert words(list(jobs.changes(since=told[-1].cursor))) == ["a created waiting", "a start running"]


def test_a_cursor_of_another_store_is_refused(jobs: ChartRepository[Job], tmp_path: Path) -> None:
    work(jobs)
    others = ChartRepository(tmp_path / "others", JobChart)
    work(others)
    cursor = others.cursor()

    with pytest.raises(InvalidCursor, match="another store"):
        jobs.changes(since=cursor)
    with pytest.raises(InvalidCursor, match="another store"):
        jobs.follow(since=ChartRepository(tmp_path / "none", JobChart).cursor())
    for text in ("", "x", cursor[:-5], "ev1."):
        with pytest.raises(InvalidCursor, match="copy the whole cursor"):
            jobs.changes(since=text)


def test_a_cursor_moves_with_its_store(jobs: ChartRepository[Job], tmp_path: Path) -> None:
    work(jobs)
    cursor = list(jobs.changes())[-2].cursor

    shutil.move(jobs.files.root, tmp_path / "moved")
    moved = ChartRepository(tmp_path / "moved", JobChart)

    assert words(list(moved.changes(since=cursor))) == ["b finish done"]


def test_followers_wait_for_more(anywhere: ChartRepository[Job]) -> None:
    async def run() -> list[Change]:
        told = []
        async with aclosing(anywhere.follow()) as changes, asyncio.timeout(60):
            await asyncio.to_thread(work, anywhere)
            async for change in changes:
                told.append(change)
                if change.to_state == "done":
                    break
            anywhere.fire("a", JobChart.pause)
            anywhere.create("c", Job())
            told.extend([await anext(changes), await anext(changes)])
        return told

    told = asyncio.run(run())

    assert words(told)[-3:] == ["b finish done", "a pause waiting", "c created waiting"]
    assert [each.seq for each in told if each.name == "a"] == [1, 2, 3]


def test_a_damaged_name_ends_only_a_follower_that_does_not_ask(jobs: ChartRepository[Job]) -> None:
    work(jobs)
    (jobs.files.directory("a") / "history.jsonl").write_bytes(b"{}\n{}\n")
    damaged: list[str] = []

    async def run() -> None:
        told: list[Change] = []

        async def tell() -> None:
            async for change in jobs.follow():
                told.append(change)  # noqa: PERF401  # those before the error count

        with pytest.raises(DamagedNames):
            await asyncio.wait_for(tell(), 60)
        assert words(told) == ["b created waiting", "b start running", "b finish done"]

        heard = asyncio.Event()

        def hear(name: str, _error: Exception) -> None:
            damaged.append(name)
            heard.set()

        follow = jobs.follow(since=told[-1].cursor, on_damage=hear)
        async with aclosing(follow) as changes, asyncio.timeout(60):
            waiting = asyncio.ensure_future(anext(changes))
            await heard.wait()
            jobs.create("c", Job())
            assert (await waiting).name == "c"

    asyncio.run(run())
    assert damaged == ["a"]


def test_of_many_names_only_those_with_news_are_read(
    jobs: ChartRepository[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("statechart.stored.changes.HELD", 2)
    work(jobs)
    for name in ("c", "d"):
        jobs.create(name, Job())
    cursor = jobs.cursor()
    for name in ("a", "c"):
        (jobs.files.directory(name) / "state.json").unlink()  # not needed for this
    jobs.delete("d")
    jobs.create("d", Job())
    jobs.fire("c", JobChart.start)
    jobs.create("e", Job())

    assert words(list(jobs.changes(since=cursor))) == [
        "d created waiting",
        "c start running",
        "e created waiting",
    ]


def test_many_names_need_few_open_files(
    jobs: ChartRepository[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("statechart.following.followed.HELD", 5)
    monkeypatch.setattr("statechart.following.followed.TOGETHER", 25)
    for number in range(40):
        jobs.create(f"j-{number:02}", Job())
        jobs.fire(f"j-{number:02}", JobChart.start)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Not the next 20: other tests of this process may have left files open between.
    spare = [os.open(os.devnull, os.O_RDONLY) for _ in range(20)]
    for each in spare:
        os.close(each)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(spare) + 1, limits[1]))
        told = list(jobs.changes())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    assert len(told) == 80
    for group in (told[:50], told[50:]):
        assert [change.at for change in group] == sorted(change.at for change in group)


async def test_names_are_told_when_their_values_change(anywhere: ChartRepository[Job]) -> None:
    anywhere.create("a", Job())
    noticing = anywhere.changed()
    async with asyncio.timeout(30), aclosing(noticing.names()) as changed:
        assert await anext(changed) == {"a"}
        anywhere.fire("a", "start")
        assert await anext(changed) == {"a"}
    assert noticing.watching in ("inotify", "file", "listen")
