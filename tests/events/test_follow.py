"""Each record is told once: in order in each environment, and by time among them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings, strategies as st

from environments import Cursor, Environment, EnvironmentSpec, Event, FileRepository, Workspace
from environments.errors import NothingMatches
from environments.events.follow import Follower, Told
from environments.model.errors import UnreadableSummary
from environments.model.records import TransitionRecord
from environments.model.states import Destroyed, Provisioning
from environments.ports import EnvironmentRepository, Unread
from environments.testing import FixedClock, ScriptedSpec
from statechart.following.cursor import Position
from statechart.following.reader import Reader, Unfolding
from statechart.holder import Holder
from statechart.storage.segments.size import Segment

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def repository(any_repository: EnvironmentRepository) -> EnvironmentRepository:
    return any_repository


@pytest.fixture
def workspace(repository: EnvironmentRepository, clock: FixedClock) -> Workspace:
    return Workspace(repository=repository, clock=clock)


def spec(name: str) -> EnvironmentSpec:
    return EnvironmentSpec(name=name, provider=ScriptedSpec())


async def all_of(events: AsyncGenerator[Told, None]) -> list[Event]:
    return [event async for event in events if isinstance(event, Event)]


def words(events: list[Event]) -> list[str]:
    return [
        f"{event.name} {getattr(event.entry.record, 'to_state', event.entry.record.type)}"
        for event in events
    ]


def unread(unfolding: Unfolding[Unread], position: Position | None) -> list[tuple[datetime, int]]:
    """Return time and number of the records that a history tells behind a position."""
    told = Reader(unfolding).unread("a", lambda: position)
    return [(at, found.seq) for at, _, found in told if isinstance(found, Unread)]


async def test_transitions_are_told_by_time(workspace: Workspace) -> None:
    for name in ("b", "a"):
        await workspace.provision(workspace.create(spec(name)))

    told = await all_of(workspace.events())

    assert words(told) == [
        f"{name} {word}" for name in "ba" for word in ("created", "provisioning", "provisioned")
    ]
    assert [event.at for event in told] == sorted(event.at for event in told)
    assert told[-1].environment == workspace.load("a")


async def test_all_records_are_told_on_demand(workspace: Workspace) -> None:
    created = workspace.create(spec("a"))
    await workspace.update(created, spec("a").model_copy(update={"description": "new"}))
    await workspace.destroy("a")

    told = await all_of(workspace.events(all_records=True))

    assert [event.entry for event in told] == workspace.history("a")
    assert {"amended", "operation", "step"} <= {event.entry.record.type for event in told}


async def test_each_cursor_goes_on_behind_its_event(workspace: Workspace) -> None:
    for name in ("a", "b"):
        workspace.create(spec(name))
    for name in ("a", "b", "a"):
        await workspace.provision(name)
    whole = await all_of(workspace.events(all_records=True))

    for number, event in enumerate(whole, 1):
        rest = await all_of(workspace.events(since=str(event.cursor), all_records=True))
        assert [each.entry for each in rest] == [each.entry for each in whole[number:]]


async def test_events_of_chosen_names_are_told_since_a_time(workspace: Workspace) -> None:
    for name in ("web-1", "web-2", "api"):
        workspace.create(spec(name))
    second = workspace.history("web-2")[0].at

    assert words(await all_of(workspace.events(["web-*"]))) == ["web-1 created", "web-2 created"]
    assert words(await all_of(workspace.events("api"))) == ["api created"]
    assert words(await all_of(workspace.events(["web-*"], since=second))) == ["web-2 created"]
    with pytest.raises(NothingMatches):
        await all_of(workspace.events(["wbe-*"]))
    with pytest.raises(ValueError, match="no time zone"):
        await all_of(workspace.events(since=second.replace(tzinfo=None)))


async def test_what_happens_is_told_as_it_happens(workspace: Workspace) -> None:
    workspace.create(spec("a"))
    cursor = workspace.cursor()
    async with aclosing(workspace.events(since=cursor, follow=True)) as events, asyncio.timeout(60):
        work = asyncio.ensure_future(workspace.provision("a"))
        told = [await anext(events) for _ in range(2)]
        await work
        workspace.create(spec("b"))
        told.append(await anext(events))

    assert words([event for event in told if isinstance(event, Event)]) == [
        "a provisioning",
        "a provisioned",
        "b created",
    ]


class Timed:
    """A history with records of certain minutes."""

    def __init__(self, *minutes: int) -> None:
        self.times = [AT + timedelta(minutes=minute) for minute in minutes]

    def read(self) -> Iterator[Unread]:
        for seq, at in enumerate(self.times, 1):
            yield Unread("lineage", seq, at, "step", lambda: pytest.fail("not needed"))

    def close(self) -> None: ...


def test_a_clock_that_goes_back_neither_doubles_nor_reorders() -> None:
    history = Timed(0, 9, 3, 4, 1)

    whole = unread(history, None)
    assert [seq for _, seq in whole] == [1, 2, 3, 4, 5]
    assert whole == sorted(whole)
    for seq, at in enumerate(history.times, 1):
        rest = unread(history, Position.of("lineage", seq, at))
        assert [seq for _, seq in rest] == list(range(seq + 1, 6))


async def test_an_unreadable_environment_is_told_once_and_the_others_go_on(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "data")
    for name in ("a", "b"):
        workspace.create(spec(name))
    journal = workspace.directory("a") / "history.jsonl"
    sound = journal.read_bytes()
    journal.write_bytes(b"nonsense\n" + sound)

    async with aclosing(workspace.events(follow=True)) as events, asyncio.timeout(60):
        unreadable, event = await anext(events), await anext(events)
        await workspace.provision("b")
        told = [await anext(events) for _ in range(2)]
        journal.write_bytes(sound)
        told.append(await anext(events))

    assert isinstance(unreadable, UnreadableSummary)
    assert unreadable.name == "a"
    assert words([each for each in (event, *told) if isinstance(each, Event)]) == [
        "b created",
        "b provisioning",
        "b provisioned",
        "a created",
    ]


@pytest.mark.parametrize("records", [200, 3, 2])
async def test_a_history_begun_anew_or_put_back_tells_what_is_new(tmp_path: Path, records: int) -> None:
    repository = FileRepository(tmp_path / "data", segment=Segment(records=records))
    workspace = Workspace(repository=repository)
    directory = workspace.directory("a")
    await workspace.provision(workspace.create(spec("a")))
    shutil.copytree(directory, tmp_path / "backup")
    await workspace.configure("a")
    cursor = workspace.cursor()

    shutil.rmtree(directory)
    shutil.copytree(tmp_path / "backup", directory)
    assert await all_of(workspace.events(since=cursor)) == []
    await workspace.configure("a")
    told = await all_of(workspace.events(since=cursor))
    assert words(told) == ["a configuring", "a configured"]

    journal = directory / "history.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join((lines[0], b"nonsense\n", *(lines[1:] or lines))))
    evidence = repository.survey("a")
    repository.rebase(evidence, evidence.candidates[-1], reason="a test", holder=Holder.current("rebase"))
    assert words(await all_of(workspace.events(since=told[-1].cursor))) == ["a rebased"]


async def test_what_is_new_after_a_gap_is_told_in_a_history_that_was_put_back(tmp_path: Path) -> None:
    repository = FileRepository(tmp_path / "data", segment=Segment(records=3))
    workspace = Workspace(repository=repository)
    await workspace.provision(workspace.create(spec("a")))
    shutil.copytree(workspace.directory("a"), tmp_path / "backup")
    await workspace.configure("a")
    cursor = workspace.cursor()
    shutil.rmtree(workspace.directory("a"))
    shutil.copytree(tmp_path / "backup", workspace.directory("a"))
    repository.segments("a")[0].path.unlink()
    await workspace.configure("a")

    told = [event async for event in workspace.events(since=cursor)]

    assert [each.name for each in told if isinstance(each, UnreadableSummary)] == ["a"]
    assert words([each for each in told if isinstance(each, Event)]) == ["a configuring", "a configured"]


class World:
    """Environments that come and go, and a follower that is restarted now and then."""

    def __init__(self, data: Path) -> None:
        self.repository = FileRepository(data)
        self.clock = FixedClock()
        self.follower = Follower(self.repository)
        self.happened: list[tuple[str, str, int]] = []
        self.told: list[tuple[str, str, int]] = []

    def create(self, name: str) -> None:
        if not self.repository.exists(name):
            created = self.repository.create(Environment.new(spec(name), self.clock.now()))
            self._happened(created)
            self.look(name)  # nobody can tell of an environment that came and went unseen

    def provision(self, name: str) -> None:
        self._enter(name, Provisioning())

    def purge(self, name: str) -> None:
        self._enter(name, Destroyed())
        if self.repository.exists(name):
            self.repository.delete(self.repository.load(name))

    def look(self, name: str) -> None:
        for told in self.follower.look([name]):
            assert isinstance(told, Event)
            self.told.append((told.name, told.lineage, told.entry.revision))

    def restart(self, name: str) -> None:
        self.look("a")
        self.look("b")
        cursor = Cursor.read(str(self.follower.cursor))
        self.follower.close()
        self.follower = Follower(self.repository, positions=dict(cursor.positions))
        # Following begins with a look, which opens the journals.
        self.look("a")
        self.look("b")

    def _enter(self, name: str, state: Provisioning | Destroyed) -> None:
        if not self.repository.exists(name):
            return
        with self.repository.open(name, Holder.current("enter")) as session:
            entered = session.environment.entering(state, at=self.clock.now())
            record = TransitionRecord(event="e", from_state="f", to_state="t", environment=entered)
            session.commit(record)
        self._happened(entered)

    def _happened(self, environment: Environment) -> None:
        self.happened.append((environment.name, environment.lineage, environment.revision))


ACTIONS: dict[str, Callable[[World, str], None]] = {
    "create": World.create,
    "provision": World.provision,
    "purge": World.purge,
    "look": World.look,
    "restart": World.restart,
}


def tells_each_record_once(actions: list[tuple[str, str]]) -> None:
    with TemporaryDirectory() as place:
        world = World(Path(place) / "data")
        for action, name in actions:
            ACTIONS[action](world, name)
        world.restart("a")
        world.follower.close()

        for name in ("a", "b"):
            assert [told for told in world.told if told[0] == name] == [
                happened for happened in world.happened if happened[0] == name
            ]


HISTORIES = st.lists(st.tuples(st.sampled_from(sorted(ACTIONS)), st.sampled_from("ab")), max_size=20)


@settings(max_examples=20)
@given(HISTORIES)
def test_each_record_is_told_once_whatever_comes_and_goes(actions: list[tuple[str, str]]) -> None:
    tells_each_record_once(actions)


@pytest.mark.soak
@settings(max_examples=300, derandomize=False)
@given(HISTORIES)
def test_each_record_is_told_once_in_the_long_form(actions: list[tuple[str, str]]) -> None:
    tells_each_record_once(actions)
