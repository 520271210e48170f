"""Many processes, threads and tasks contend for a name: one enters at a time, and no change is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from fcntl import LOCK_SH, LOCK_UN, flock
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from environments.execution.sessions import open_session
from environments.model.environment import Environment
from environments.model.spec import EnvironmentSpec
from environments.storage.file import FileRepository
from environments.system.clock import SystemClock
from environments.testing import ScriptedSpec
from statechart.errors import AlreadyExists, LeaseLost, Locked, NotFound, Stale, StorageError
from statechart.holder import Holder
from statechart.storage.lock import Lock
from statechart.storage.repository import JsonFileRepository


class Counter(BaseModel, frozen=True, extra="forbid"):
    count: int = 0


def forked(work: Callable[[], None], count: int) -> list[int]:
    """Run a function in several processes at once, and return their exit codes."""
    children = []
    for _ in range(count):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                random.seed(os.getpid())
                work()
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


class Section:
    """A section for a single visitor: entering an occupied section is an error."""

    def __init__(self, directory: Path) -> None:
        self._inside = directory / "inside"
        self._tally = directory / "tally"
        self._tally.write_text("0")

    def enter(self) -> None:
        os.close(os.open(self._inside, os.O_CREAT | os.O_EXCL))
        count = int(self._tally.read_text())
        if random.random() < 0.02:
            time.sleep(0.001)
        self._tally.write_text(str(count + 1))
        self._inside.unlink()

    @property
    def entered(self) -> int:
        return int(self._tally.read_text())


def contend(tmp_path: Path, processes: int, sections: int) -> int:
    """Enter a section from many processes, threads and tasks; return the number of visits."""
    section, path = Section(tmp_path), tmp_path / "demo.lock"

    def enter() -> None:
        lock = Lock(path, "demo")
        lock.acquire(Holder.current(), timeout=120)
        section.enter()
        lock.release()

    async def tasks(times: int) -> None:
        async def one() -> None:
            for _ in range(times):
                await asyncio.to_thread(enter)

        await asyncio.gather(one(), one())

    def work() -> None:
        threads = [
            threading.Thread(target=lambda: [enter() for _ in range(sections // 4)]) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        asyncio.run(tasks(sections // 4))
        for thread in threads:
            thread.join()

    assert set(forked(work, processes)) == {0}
    return section.entered


def test_processes_threads_and_tasks_never_overlap(tmp_path: Path) -> None:
    assert contend(tmp_path, processes=12, sections=40) == 480


@pytest.mark.soak
def test_fifty_processes_never_overlap_in_five_thousand_sections(tmp_path: Path) -> None:
    assert contend(tmp_path, processes=50, sections=100) == 5000


def increments(tmp_path: Path, processes: int, times: int) -> int:
    repository = JsonFileRepository(tmp_path / "data", Counter)
    repository.create("demo", Counter())

    def work() -> None:
        done = 0
        while done < times:
            seen = repository.load("demo")
            try:
                with repository.open("demo", timeout=120) as session:
                    session.commit("up", Counter(count=seen.value.count + 1), expected=seen.head.revision)
                    done += 1
            except Stale:
                continue  # somebody was faster: read it again

    assert set(forked(work, processes)) == {0}
    return repository.load("demo").value.count


def test_no_update_is_lost(tmp_path: Path) -> None:
    assert increments(tmp_path, processes=6, times=15) == 90


@pytest.mark.soak
def test_no_update_of_twenty_times_a_hundred_is_lost(tmp_path: Path) -> None:
    assert increments(tmp_path, processes=20, times=100) == 2000


def test_of_twenty_creators_of_a_name_exactly_one_wins(tmp_path: Path) -> None:
    repository = JsonFileRepository(tmp_path / "data", Counter)
    (tmp_path / "won").mkdir()

    def work() -> None:
        try:
            repository.create("demo", Counter(count=os.getpid()))
        except AlreadyExists:
            return
        (tmp_path / "won" / str(os.getpid())).touch()

    assert set(forked(work, 20)) == {0}
    (winner,) = (tmp_path / "won").iterdir()
    assert repository.load("demo").value.count == int(winner.name)


def test_creating_and_purging_at_once_leaves_it_whole_or_gone(tmp_path: Path) -> None:
    repository = JsonFileRepository(tmp_path / "data", Counter)

    def work() -> None:
        for _ in range(15):
            try:
                made = repository.create("demo", Counter())
                repository.delete("demo", expected=made.head)
            except (AlreadyExists, NotFound, Stale, Locked):
                pass
            with contextlib.suppress(NotFound):
                repository.load("demo")

    assert set(forked(work, 6)) == {0}
    assert repository.names() in ([], ["demo"])
    assert list((tmp_path / "data" / ".trash").iterdir()) == []


@pytest.fixture
def repository(tmp_path: Path) -> FileRepository:
    made = FileRepository(tmp_path / "data")
    spec = EnvironmentSpec(name="demo", provider=ScriptedSpec())
    made.create(Environment.new(spec, SystemClock().now()))
    return made


@pytest.fixture
def holding(repository: FileRepository) -> Any:
    """Start a process that holds `demo` until it is ended."""
    children: list[int] = []

    def hold() -> int:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            session = repository.open("demo", Holder.current("envchart run"))
            os.write(writing, b"held")
            time.sleep(60)
            session.close()
            os._exit(0)
        os.read(reading, 4)
        os.close(reading)
        os.close(writing)
        children.append(child)
        return child

    yield hold
    for child in children:
        try:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        except (ProcessLookupError, ChildProcessError):
            pass


@pytest.mark.parametrize("collected", [True, False], ids=["collected", "a zombie"])
def test_a_killed_holder_does_not_keep_the_lock(
    repository: FileRepository, holding: Any, collected: bool
) -> None:
    child = holding()
    os.kill(child, signal.SIGKILL)
    if collected:
        os.waitpid(child, 0)

    with repository.open("demo", Holder.current("second"), timeout=60) as session:
        assert session.crashed is not None
        assert (session.crashed.pid, session.crashed.is_alive()) == (child, False)


def test_a_holder_that_is_stopped_keeps_others_out_and_is_called_alive(
    repository: FileRepository, holding: Any
) -> None:
    child = holding()
    os.kill(child, signal.SIGSTOP)

    with pytest.raises(Locked, match=rf"envchart run, pid {child} of .* \(alive\)"):
        repository.open("demo", Holder.current("second"))

    os.kill(child, signal.SIGCONT)


def test_a_reused_process_number_keeps_no_process_out(repository: FileRepository) -> None:
    lock = repository.directory("demo").parent / ".locks" / "demo.lock"
    died = Holder.current("died").model_copy(update={"start_ticks": 1, "pid": os.getppid()})
    lock.write_text(died.model_dump_json() + "\n")

    with repository.open("demo", Holder.current("second")) as session:
        assert session.crashed is not None
        assert session.crashed.is_alive() is False


async def test_who_waits_is_let_in_soon_after_the_release(repository: FileRepository) -> None:
    delays, naps = [], []
    for _ in range(5):
        held = repository.open("demo", Holder.current("first"))
        waiting = asyncio.ensure_future(open_session(repository, "demo", Holder.current("second"), 60))
        begun = time.monotonic()
        await asyncio.sleep(0.02)
        naps.append(time.monotonic() - begun)
        held.close()
        released = time.monotonic()
        (await waiting).close()
        delays.append(time.monotonic() - released)

    # as a ratio to the naps of the same run, which a busy machine prolongs just as much
    assert sorted(delays)[2] < 8 * sorted(naps)[2]


@pytest.mark.parametrize("file", [".locks/demo.lock", "demo/history.jsonl"])
@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_files_removed_under_a_session_are_noticed_and_not_written(
    repository: FileRepository, tmp_path: Path, file: str, how: str
) -> None:
    from environments.model.records import OperationRecord

    path, journal = tmp_path / "data" / file, tmp_path / "data" / "demo" / "history.jsonl"
    with repository.open("demo", Holder.current("first")) as session:
        content = path.read_bytes()
        path.unlink()
        if how == "replaced":
            path.write_bytes(content)
        before = journal.read_bytes() if journal.exists() else b""
        changed = session.environment.with_operation(None, at=session.environment.updated_at)
        with pytest.raises((LeaseLost, StorageError)):
            session.commit(OperationRecord(change="closed", environment=changed))

    assert (journal.read_bytes() if journal.exists() else b"") == before


def test_readers_do_not_block_writers(repository: FileRepository) -> None:
    looking = threading.Event()

    def look() -> None:
        while not looking.is_set():
            repository.holder("demo")

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(50):
            repository.open("demo", Holder.current("second")).close()
    finally:
        looking.set()
        for thread in threads:
            thread.join()


def test_a_reader_that_probes_the_lock_for_long_is_no_holder(repository: FileRepository) -> None:
    repository.open("demo", Holder.current("first")).close()
    with (repository.root / ".locks" / "demo.lock").open("rb") as probe:
        flock(probe, LOCK_SH)
        release = threading.Timer(0.2, flock, (probe, LOCK_UN))  # more than a writer waits for a holder
        release.start()
        repository.open("demo", Holder.current("second")).close()
        release.join()
