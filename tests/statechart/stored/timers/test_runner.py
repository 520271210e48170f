"""The runner of timers in one process: clocks that are set, locks, errors, damage, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from loguru import logger
from pydantic import model_validator

from statechart import Chart, ChartRepository, Due, State, Timer, effect
from statechart.errors import StorageError
from statechart.storage.segments.size import Segment
from statechart.stored.timers import runner as running
from statechart.stored.timers.outcome import TimerOutcome
from statechart.stored.timers.schedule import Schedule
from tests.statechart.storage.sql.proxy import Proxy
from tests.statechart.stored.timers import waiting
from tests.statechart.stored.timers.waiting import Clock, Job, Renamed, Waiting, given, jobs

HOUR = 3600.0
POSTED: list[str] = []


class Posting(Chart[Job]):
    waiting = State(initial=True)
    expired = State(final=True)

    expire = waiting.to(expired)

    timers = (Timer(waiting, after=given, event=expire),)

    @effect(expire)
    def post(self, name: str) -> None:
        POSTED.append(name)


LONGEST = running.LONGEST


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Repeat attempts soon; a test says which pause it needs."""
    for name, seconds in {"LONGEST": 0.02, "_FIRST": 0.02, "_LAST": 0.1, "_RARE": 0.05}.items():
        monkeypatch.setattr(running, name, seconds)
    yield
    waiting.BROKEN.clear()


@pytest.fixture
def logged() -> Iterator[list[str]]:
    lines: list[str] = []
    logger.enable("statechart")
    sink = logger.add(lambda message: lines.append(message.record["message"]), level="WARNING")
    yield lines
    logger.remove(sink)
    logger.disable("statechart")


async def until(holds: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(120):
        while not holds():  # noqa: ASYNC110  # of other processes, too
            await asyncio.sleep(0.01)


async def test_timers_are_fired_when_they_are_due_and_new_ones_are_followed(any_place: str) -> None:
    repository = jobs(any_place)
    repository.create("before", Job(seconds=0.2))
    told: list[TimerOutcome] = []

    async with repository.timers(tell=told.append) as runner:
        repository.create("after", Job(seconds=0.1))
        await until(lambda: len(told) == 2)

    assert sorted(repository.find("expired")) == ["after", "before"]
    assert runner.fired == 2
    for each in told:
        assert (each.status, each.timer, each.event) == ("fired", "waiting.expire", "expire")
        assert (each.from_state, each.to_state) == ("waiting", "expired")
        assert each.late is not None
        assert each.late >= timedelta()


async def test_a_clock_that_is_set_back_delays_and_one_set_forward_fires(tmp_path: Path) -> None:
    repository, clock = jobs(str(tmp_path)), Clock()
    created = repository.create("a", Job(seconds=60))
    assert created.state is not None
    (deadline,) = created.state.timers.values()

    async with repository.timers(clock=clock) as runner:
        clock.step(seconds=59)
        clock.step(seconds=-HOUR)
        await asyncio.sleep(0.2)
        assert runner.fired == 0
        clock.now = deadline - timedelta(microseconds=1)
        await asyncio.sleep(0.2)
        assert runner.fired == 0
        clock.step(microseconds=1)
        await until(lambda: runner.fired)

    assert repository.history("a")[-1].at == deadline


async def test_a_clock_set_back_after_a_fire_fires_nothing_again(tmp_path: Path) -> None:
    repository, clock = jobs(str(tmp_path)), Clock()
    repository.create("a", Job(seconds=1))

    async with repository.timers(clock=clock) as runner:
        clock.step(seconds=HOUR)
        await until(lambda: runner.fired)
        clock.step(seconds=-2 * HOUR)
        repository.create("b", Job(seconds=1))
        await asyncio.sleep(0.1)
        clock.step(seconds=3 * HOUR)
        await until(lambda: runner.fired == 2)

    assert [len(repository.history(name)) for name in "ab"] == [2, 2]


def test_a_suspension_is_noticed_within_seconds() -> None:
    # The clock by which a process sleeps stands still while the machine does: no sleep may be long.
    schedule = Schedule()
    schedule.note("a", [Due("waiting.expire", "expire", datetime.max.replace(tzinfo=UTC))])

    assert 0 < schedule.wait(datetime.now(UTC), 0.0, LONGEST) <= 2.0


async def test_what_was_due_while_no_runner_ran_is_fired_at_once(any_place: str) -> None:
    repository = jobs(any_place)
    repository.create("a", Job(seconds=0.001))
    repository.create("shut", Job(seconds=0.001, is_open=False))
    told: list[TimerOutcome] = []

    async with repository.timers(tell=told.append):
        await until(lambda: len(told) == 2)

    assert {each.name: each.status for each in told} == {"a": "fired", "shut": "lapsed"}
    assert [record.type for record in repository.history("shut")] == ["created", "lapsed"]


async def test_a_cancelled_timer_is_not_fired(tmp_path: Path) -> None:
    repository, clock = jobs(str(tmp_path)), Clock()
    repository.create("a", Job(seconds=60))
    repository.create("b", Job(seconds=60))

    async with repository.timers(clock=clock) as runner:
        repository.fire("a", "hold")
        clock.step(seconds=HOUR)
        await until(lambda: runner.fired)
        await asyncio.sleep(0.1)

    assert (repository.find("held"), repository.find("expired")) == (["a"], ["b"])


async def test_a_deadline_a_hundred_years_ahead_is_waited_for(tmp_path: Path) -> None:
    repository = jobs(str(tmp_path))
    repository.create("a", Job(seconds=100 * 365 * 24 * HOUR))

    async with repository.timers() as runner:
        await asyncio.sleep(0.1)

    assert runner.fired == 0


async def test_a_hook_that_raises_is_tried_again_ever_later_and_the_others_go_on(
    tmp_path: Path, logged: list[str]
) -> None:
    repository = jobs(str(tmp_path))
    repository.create("broken", Job(name="broken", seconds=0.001))
    repository.create("sound", Job(name="sound", seconds=0.05))
    waiting.BROKEN.add("broken")
    told: list[TimerOutcome] = []

    async with repository.timers(tell=told.append) as runner:
        await until(lambda: runner.fired == 1 and [each.status for each in told].count("failed") >= 3)
        waiting.BROKEN.clear()
        await until(lambda: runner.fired == 2)

    failed = [each for each in told if each.status == "failed"]
    assert {(each.name, each.error) for each in failed} == {("broken", "OSError: no paper")}
    pauses = [each.retry for each in failed[:3]]
    assert pauses == sorted(pauses, key=lambda pause: pause or timedelta())
    assert [len(repository.history(name)) for name in ("broken", "sound")] == [2, 2]
    line = "Timer not fired: expire of 'broken' raised OSError: no paper; it is tried again in"
    assert any(each.startswith(line) and "Mend the hook" in each for each in logged)


async def test_a_name_that_is_locked_is_told_once_and_fired_when_it_is_free(
    any_place: str, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    monkeypatch.setattr(running, "_LONG", 0.05)
    repository = jobs(any_place)
    repository.create("locked", Job(seconds=0.001))
    repository.create("free", Job(seconds=0.001))
    told: list[TimerOutcome] = []

    with repository.open("locked", command="think"):
        async with asyncio.TaskGroup() as group:
            runner = repository.timers(tell=told.append)
            run = group.create_task(runner.run())
            await until(lambda: len(told) == 2)
            await asyncio.sleep(0.3)
            assert {each.name: each.status for each in told} == {"locked": "locked", "free": "fired"}
            runner.stop()
            await run
    async with repository.timers(tell=told.append):
        await until(lambda: len(told) == 3)

    assert len(told) == 3
    assert repository.find("waiting") == []
    (line,) = logged
    assert line.startswith("Timer waits: ")
    assert "think" in line


async def test_a_damaged_name_is_told_once_and_the_others_go_on(tmp_path: Path, logged: list[str]) -> None:
    repository = jobs(str(tmp_path))
    for name in ("damaged", "sound"):
        repository.create(name, Job(seconds=0.3))
    journal = tmp_path / "damaged" / "history.jsonl"
    journal.write_bytes(b"{}\n")
    told: list[TimerOutcome] = []

    async with repository.timers(tell=told.append) as runner:
        await until(lambda: runner.fired)
        journal.write_bytes(b"{}\n")  # as if it had changed
        await asyncio.sleep(0.2)

    assert [(each.name, each.status) for each in told] == [("damaged", "damaged"), ("sound", "fired")]
    (line,) = logged
    assert line.startswith("Timer not fired: ")
    assert line.endswith("See `verify('damaged')`")


async def test_a_history_that_proves_damaged_at_its_deadline_is_told_once(tmp_path: Path) -> None:
    repository = jobs(str(tmp_path))
    repository.create("a", Job(seconds=0.001))
    journal = tmp_path / "a" / "history.jsonl"
    content = journal.read_bytes()
    journal.write_bytes(content.replace(b'"seq":1,', b'"seq":2,'))  # of the same size: lists see nothing
    told: list[TimerOutcome] = []

    async with repository.timers(tell=told.append) as runner:
        await until(lambda: told)
        await asyncio.sleep(0.3)
        journal.write_bytes(content)
        await until(lambda: runner.fired)

    assert [each.status for each in told] == ["damaged", "fired"]


async def test_a_timer_of_a_removed_state_names_the_migration_and_the_others_go_on(tmp_path: Path) -> None:
    jobs(str(tmp_path)).create("old", Job(seconds=0.001))
    repository = ChartRepository(tmp_path, Renamed)
    repository.create("new", Job(seconds=0.001))
    told: list[TimerOutcome] = []

    async with repository.timers(tell=told.append):
        await until(lambda: len(told) == 2)

    problem = next(each for each in told if each.name == "old")
    assert problem.status == "damaged"
    assert "needs a migration (statechart.stored.migrations)" in str(problem.error)
    assert repository.find("expired", on_damage=lambda *_: None) == ["new"]


async def test_a_deleted_name_is_forgotten(any_place: str) -> None:
    repository, clock = jobs(any_place), Clock()
    repository.create("a", Job(seconds=60))
    told: list[TimerOutcome] = []

    async with repository.timers(tell=told.append, clock=clock):
        repository.delete("a")
        clock.step(seconds=HOUR)
        await asyncio.sleep(0.2)

    assert told == []


async def test_a_database_that_is_away_is_told_once_and_waited_for(
    postgres_url: str, logged: list[str]
) -> None:
    proxy, clock = Proxy(postgres_url), Clock()
    repository = jobs(proxy.url)
    repository.create("a", Job(seconds=60))
    told: list[TimerOutcome] = []

    async with repository.timers(tell=told.append, clock=clock) as runner:
        proxy.close()
        clock.step(seconds=HOUR)
        await until(lambda: told)
        await asyncio.sleep(0.3)
        assert [each.status for each in told] == ["away"]
        proxy.reopen()
        await until(lambda: runner.fired)
    proxy.close()

    assert sorted(each.status for each in told) == ["away", "back", "fired"]
    assert [line.partition(":")[0] for line in logged] == ["Timers wait for the store", "Timers go on"]
    assert len(jobs(postgres_url).history("a")) == 2


async def test_the_effects_of_a_timer_are_run_at_once_where_the_store_does(tmp_path: Path) -> None:
    repository = ChartRepository(tmp_path, Posting, effects_at_once=True)
    repository.create("a", Job(seconds=0.001))

    async with repository.timers() as runner:
        await until(lambda: runner.fired)

    assert repository.due_effects() == []
    assert POSTED == ["a"]


async def test_a_store_that_can_not_be_read_is_an_error_at_the_beginning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError):
        async with jobs(str(tmp_path / "file")).timers():
            pass


async def test_a_cancellation_of_the_beginning_leaves_nothing_behind(tmp_path: Path) -> None:
    repository = jobs(str(tmp_path))
    repository.create("a", Job(seconds=1e9))
    begun = asyncio.create_task(repository.timers().__aenter__())
    await asyncio.sleep(0)

    begun.cancel()
    with pytest.raises(asyncio.CancelledError):
        await begun

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_error_of_the_listener_ends_the_runner(tmp_path: Path, logged: list[str]) -> None:
    repository = jobs(str(tmp_path))
    repository.create("a", Job(seconds=0.001))

    def tell(outcome: TimerOutcome) -> None:
        raise BrokenPipeError(outcome.name)

    runner = repository.timers(tell=tell)
    await runner.__aenter__()
    for end in (runner.wait, lambda: runner.__aexit__(None, None, None)):
        with pytest.raises(BrokenPipeError):
            await end()

    assert repository.find("expired") == ["a"]
    assert [line.startswith("Timers are fired no longer: BrokenPipeError") for line in logged] == [True]


async def test_a_cancellation_finishes_the_commit(tmp_path: Path) -> None:
    repository = jobs(str(tmp_path))
    for number in range(8):
        repository.create(f"n{number}", Job(seconds=0.001))
    told: list[TimerOutcome] = []
    run = asyncio.create_task(repository.timers(tell=told.append).run())
    await until(lambda: told)

    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run

    assert all(report.intact for report in repository.verify())
    assert all(repository.store.holder(name) is None for name in repository.names())


async def test_two_runners_fire_each_timer_once(any_place: str) -> None:
    repository = jobs(any_place)
    for number in range(10):
        repository.create(f"n{number}", Job(seconds=0.3))

    async with jobs(any_place).timers() as first, jobs(any_place).timers() as second:
        await until(lambda: first.fired + second.fired == 10)

    assert len(repository.find("expired")) == 10
    assert {len(repository.history(name)) for name in repository.names()} == {2}


def test_once_fires_what_is_due_and_returns(any_place: str) -> None:
    repository, clock = jobs(any_place), Clock()
    for name, seconds in (("a", 20), ("b", 10), ("later", HOUR), ("shut", 30)):
        repository.create(name, Job(name=name, seconds=seconds, is_open=name != "shut"))
    clock.step(minutes=1)
    waiting.BROKEN.add("a")

    found = repository.timers(clock=clock).once()

    assert [(each.name, each.status) for each in found] == [
        ("b", "fired"),
        ("a", "failed"),
        ("shut", "lapsed"),
    ]
    assert [name for name, _ in repository.due(clock())] == ["a"]


class Ticking(Chart[Job]):
    ticks = State(initial=True)
    done = State(final=True)
    tick = ticks.to(ticks)
    finish = ticks.to(done)
    timers = (Timer(ticks, after=given, event=tick),)


def test_once_ends_though_a_timer_that_begins_anew_is_due_before_its_commit_ends(any_place: str) -> None:
    repository, clock = ChartRepository(any_place, Ticking), Hurrying()
    repository.create("a", Job(seconds=1))
    clock.step(minutes=1)

    found = repository.timers(clock=clock).once()

    assert [each.status for each in found] == ["fired"]
    assert [name for name, _ in repository.due(clock())] == ["a"]


class Hurrying(Clock):
    """A clock on which a minute passes with each look."""

    def __call__(self) -> datetime:
        self.step(minutes=1)
        assert self.now < datetime.now(UTC) + timedelta(hours=2)
        return self.now


def test_a_timer_is_known_beyond_the_segment_in_which_it_began(tmp_path: Path) -> None:
    repository = ChartRepository(tmp_path, Waiting, segment=Segment(records=2))
    repository.create("a", Job(seconds=60))
    for event in ("hold", "release", "hold", "release"):
        repository.fire("a", event)

    clock = Clock()
    clock.step(hours=1)
    (fired,) = repository.timers(clock=clock).once()

    assert fired.status == "fired"
    assert repository.verify("a")[0].intact


class Odd(Job, frozen=True):
    """A model whose validator raises what pydantic does not expect."""

    @model_validator(mode="after")
    def _valid(self) -> Odd:
        if self.name in waiting.BROKEN:
            raise RuntimeError("odd")
        return self


async def test_a_value_whose_model_raises_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    repository = ChartRepository(tmp_path, Waiting, model=Odd)
    for name in ("odd", "sound"):
        repository.create(name, Odd(name=name, seconds=0.2))
    waiting.BROKEN.add("odd")
    told: list[TimerOutcome] = []

    async with repository.timers(tell=told.append) as runner:
        await until(lambda: len(told) == 2)
        waiting.BROKEN.clear()
        await until(lambda: runner.fired == 2)

    assert [(each.name, each.status, each.error) for each in told if each.error] == [
        ("odd", "damaged", "RuntimeError: odd")
    ]
