"""Runs to record: lives, deaths and repairs, of counters and of environments."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from environments.errors import CommandFailed
from environments.model.spec import EnvironmentSpec
from environments.workspace import Workspace
from statechart.errors import StorageError
from statechart.holder import Holder
from statechart.storage.repository import JsonFileRepository
from statechart.storage.segments.size import DEFAULT, Segment
from tests.crash.disk_check import DATA, Counter, materialise, stepped
from tests.crash.disk_operations import State
from tests.crash.disk_promises import noted
from tests.crash.recorded import Recorder, Recording, tree_of
from tests.crash.staged import StagedSpec

Run: TypeAlias = Callable[[Recorder], None]

SHORT = Segment(records=3)


def recorded(disk: Path, run: Run, before: Run | None = None, *, bare: bool = False) -> Recording:
    """Record a run on a disk whose present content is durable; a bare disk has no directory.

    The recording is complete: replayed, it gives the final content of the disk.
    """
    (disk if bare else (disk / DATA).parent).mkdir(parents=True, exist_ok=True)
    if before is not None:
        before(Recorder(disk))
    with noted(Recorder(disk)) as recorder:
        run(recorder)
    assert recorder.recording.replayed().state() == tree_of(disk).state()
    return recorder.recording


def store(recorder: Recorder, segment: Segment = DEFAULT) -> JsonFileRepository[Counter]:
    """Return the counters on a disk."""
    return JsonFileRepository(recorder.place / DATA, Counter, fold=stepped, segment=segment)


def created(recorder: Recorder) -> None:
    """Create a counter."""
    store(recorder).create("first", Counter())


def stepped_on(recorder: Recorder, steps: int = 1) -> None:
    """Record steps."""
    with store(recorder).open("first") as session:
        for _ in range(steps):
            session.append("step", {"note": "as asked" * 40})


def counted(recorder: Recorder) -> None:
    """Increment the counter in a new session."""
    with store(recorder).open("first") as session:
        session.append("step", {})
        session.commit("counted", Counter(count=session.value.count + 1), expected=session.head.revision)


def counted_or_created(recorder: Recorder) -> None:
    """Increment the counter, or create it."""
    if store(recorder).exists("first"):
        counted(recorder)
    else:
        created(recorder)


def left_as(state: State) -> Run:
    """Return a run that puts a disk into the state after a power cut."""
    return lambda recorder: materialise(state, recorder.place)


def life_of_a_counter(recorder: Recorder) -> None:
    """Create, count, purge, and create again."""
    created(recorder)
    counted(recorder)
    counted(recorder)
    store(recorder).delete("first", expected=store(recorder).load("first").head)
    created(recorder)


def life_in_segments(recorder: Recorder) -> None:
    """Create and count, with a new segment in a session and another when a session begins."""
    counters = store(recorder, SHORT)
    counters.create("first", Counter())
    with counters.open("first") as session:
        for _ in range(2):
            session.append("step", {})
            session.commit(
                "counted", Counter(count=9, steps=session.value.steps), expected=session.head.revision
            )
    stepped_on(recorder)
    counters.open("first").close()
    counters.compress("first")


def killed_at_a_segment(after: int) -> Run:
    """Return a run in which a process dies while a segment ends, and another continues."""

    def run(recorder: Recorder) -> None:
        created(recorder)
        stepped_on(recorder, 2)
        with recorder.killed(after):
            store(recorder, SHORT).open("first").close()
        stepped_on(recorder)
        store(recorder, SHORT).open("first").close()

    return run


def with_a_bad_disk_for_segments(recorder: Recorder) -> None:
    """Let the beginning of segments fail, and continue."""
    counters = store(recorder, SHORT)
    counters.create("first", Counter())
    for call, file, code in (
        ("link", "history.00000001-00000003.jsonl", errno.EPERM),  # the segment is copied
        ("write", ".history.jsonl.tmp", errno.ENOSPC),
        ("rename", "history.jsonl", errno.EIO),
        ("fsync", "first", errno.EIO),
    ):
        recorder.faults[call, file] = [OSError(code, "bad")]
        with counters.open("first") as session:
            for _ in range(2):
                session.append("step", {})


def killed_at_a_step(after: int) -> Run:
    """Return a run in which a process dies at a step, and another continues."""

    def run(recorder: Recorder) -> None:
        created(recorder)
        stepped_on(recorder)
        with recorder.killed(after):
            stepped_on(recorder)
        stepped_on(recorder, 2)

    return run


def killed_at_a_commit(after: int) -> Run:
    """Return a run in which a process dies at a commit, and another continues."""

    def run(recorder: Recorder) -> None:
        created(recorder)
        with recorder.killed(after):
            counted(recorder)
        counted(recorder)

    return run


def killed_at_the_creation(after: int) -> Run:
    """Return a run in which the first process dies, and another continues."""

    def run(recorder: Recorder) -> None:
        with recorder.killed(after):
            created(recorder)
        if not store(recorder).exists("first"):
            created(recorder)
        counted(recorder)

    return run


def killed_at_the_purge(after: int) -> Run:
    """Return a run in which a process dies during a purge, and another creates a name."""

    def run(recorder: Recorder) -> None:
        created(recorder)
        with recorder.killed(after):
            store(recorder).delete("first", expected=store(recorder).load("first").head)
        store(recorder).create("other", Counter())

    return run


def with_a_bad_disk(recorder: Recorder) -> None:
    """Let appends fail, and continue."""
    created(recorder)
    with store(recorder).open("first") as session:
        for call, code in (("fdatasync", errno.EIO), ("write", errno.ENOSPC)):
            recorder.faults[call, "history.jsonl"] = [OSError(code, "bad")]
            with suppress(StorageError):
                session.append("step", {"note": "lost"})
            session.append("step", {})


def torn(recorder: Recorder) -> None:
    """Leave a torn line after two sound lines, and an outdated document."""
    created(recorder)
    directory = recorder.place / DATA / "first"
    shown = (directory / "state.json").read_bytes()
    counted(recorder)
    (directory / "state.json").write_bytes(shown)
    with (directory / "history.jsonl").open("ab") as journal:
        journal.write(b'{"torn')


def damaged(recorder: Recorder) -> None:
    """Leave a history whose second line was changed."""
    created(recorder)
    counted(recorder)
    journal = recorder.place / DATA / "first" / "history.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"seq":2', b'"seq":7'))


def rebased(recorder: Recorder) -> None:
    """Begin a new history from a damaged one."""
    evidence = store(recorder).survey("first")
    holder = Holder.current("test")
    store(recorder).rebase(evidence, evidence.candidates[0], reason="asked", holder=holder)
    counted(recorder)


class Life:
    """An environment of files that are not on the modelled disk."""

    def __init__(self, recorder: Recorder, world: Path) -> None:
        self.world = world
        self.workspace = Workspace(recorder.place / DATA)
        world.mkdir(exist_ok=True)

    def spec(self, description: str = "") -> EnvironmentSpec:
        """Return the environment's spec."""
        return EnvironmentSpec(name="first", provider=StagedSpec(world=self.world), description=description)

    async def up(self) -> None:
        """Create the environment and bring it up, with a failing step and a retry."""
        self.workspace.create(self.spec())
        await self.workspace.provision("first")
        (self.world / "broken").touch()
        with suppress(CommandFailed):
            await self.workspace.configure("first")
        (self.world / "broken").unlink()
        await self.workspace.retry("first")
        await self.workspace.bring("first")

    async def whole(self) -> None:
        """Bring the environment up, change it, destroy it, and purge it."""
        await self.up()
        await self.workspace.update("first", self.spec("changed"))
        await self.workspace.release("first")
        await self.workspace.run("first")
        await self.workspace.destroy("first")
        await self.workspace.purge("first")


def life_of_an_environment(world: Path) -> Run:
    """Return the run of a whole life."""
    return lambda recorder: asyncio.run(Life(recorder, world).whole())


def recovered(world: Path, after: int) -> Run:
    """Return a run in which a command dies, is recovered, and is repeated."""

    def run(recorder: Recorder) -> None:
        life = Life(recorder, world)
        life.workspace.create(life.spec())
        with recorder.killed(after):
            asyncio.run(life.workspace.provision("first"))
        asyncio.run(life.workspace.recover("first"))
        asyncio.run(life.workspace.bring("first"))

    return run
