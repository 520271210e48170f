"""Show, end and record the process that holds an environment."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from environments.errors import CannotUnlock, NotHeld
from environments.execution.runtime import Runtime
from environments.model.environment import Environment
from environments.model.records import OperationRecord
from environments.model.states import Created
from environments.recovery.unlock import Unlocking
from environments.storage.file import FileRepository
from environments.storage.memory import MemoryRepository
from statechart.holder import Holder
from tests.operations import own

HOLD = """
import signal, sys, time
import environments.testing  # the kind of provider that demo has
from environments.storage.file import FileRepository
from statechart.holder import Holder
if sys.argv[2] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
session = FileRepository(sys.argv[1]).open("demo", Holder.current("envchart provision"))
print("held", flush=True)
time.sleep(60)
"""
SECOND = timedelta(seconds=1)


@pytest.fixture
def repository(tmp_path: Path) -> FileRepository:
    return FileRepository(tmp_path / "data")


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a process that holds demo until it is ended."""
    started: list[subprocess.Popen[bytes]] = []

    def held(manner: str = "polite") -> subprocess.Popen[bytes]:
        words = [sys.executable, "-c", HOLD, str(tmp_path / "data"), manner]
        process = subprocess.Popen(words, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        return process

    yield held
    for process in started:
        with process:
            process.kill()


@pytest.fixture
def unlocking(repository: FileRepository) -> Unlocking:
    return Unlocking(Runtime(repository), "demo")


@pytest.mark.parametrize(
    ("manner", "how", "grace"), [("polite", "SIGTERM", 60 * SECOND), ("stubborn", "SIGKILL", SECOND / 4)]
)
async def test_the_holder_is_ended_and_this_is_recorded(
    created: Environment[Created],
    repository: FileRepository,
    unlocking: Unlocking,
    hold: Callable[..., Any],
    manner: str,
    how: str,
    grace: timedelta,
) -> None:
    holder = hold(manner)

    unlocked = await unlocking.end(unlocking.look().holder, "ann@lab", grace)

    assert holder.wait(60) == -signal.Signals[how]
    record = repository.history("demo")[-1].record
    assert isinstance(record, OperationRecord)
    assert record.change == "unlocked"
    assert record.reason == f"ann@lab ended its holder, envchart provision (pid {holder.pid}): by {how}"
    assert (unlocked.environment.revision, repository.holder("demo")) == (2, None)


async def test_a_stopped_holder_is_reported_and_ended(
    created: Environment[Created], unlocking: Unlocking, hold: Callable[..., Any]
) -> None:
    holder = hold()
    holder.send_signal(signal.SIGSTOP)
    while psutil.Process(holder.pid).status() != psutil.STATUS_STOPPED:  # noqa: ASYNC110  it is another process
        await asyncio.sleep(0.01)

    evidence = unlocking.look()
    await unlocking.end(evidence.holder, "ann@lab", 60 * SECOND)

    assert "its process is stopped: it does nothing until it is continued" in evidence.lines
    assert holder.wait(60) == -signal.SIGTERM


async def test_the_report_names_the_step_and_its_duration(
    created: Environment[Created], unlocking: Unlocking, hold: Callable[..., Any], crash: Callable[..., Any]
) -> None:
    crash("provision", "provisioning", "first_provision")
    holder = hold()

    lines = "\n".join(unlocking.look().lines)

    assert f"held by envchart provision, pid {holder.pid} of " in lines
    assert "(alive)" in lines
    assert "s of processor time" in lines
    assert "provision has been at step 1/2 first_provision for " in lines


async def test_recovery_works_after_an_unlock(
    created: Environment[Created], unlocking: Unlocking, hold: Callable[..., Any], crash: Callable[..., Any]
) -> None:
    crash("provision", "provisioning", "first_provision")
    hold()

    unlocked = await unlocking.end(unlocking.look().holder, "ann@lab", SECOND)

    assert unlocked.environment.operation is not None
    assert unlocked.environment.operation.is_active
    assert unlocked.environment.operation.id == own("provision-that-died")


def test_an_environment_without_a_holder_cannot_be_unlocked(
    created: Environment[Created], unlocking: Unlocking
) -> None:
    with pytest.raises(NotHeld):
        unlocking.look()


def test_this_process_is_never_ended(
    created: Environment[Created], repository: FileRepository, unlocking: Unlocking
) -> None:
    with (
        repository.open("demo", Holder.current("test")),
        pytest.raises(CannotUnlock, match="it is this command itself"),
    ):
        unlocking.look()


def test_a_holder_on_another_machine_is_not_ended(
    created: Environment[Created], repository: FileRepository
) -> None:
    elsewhere = Holder.current("test").model_copy(update={"host": "build-7", "pid_namespace": "another"})

    with (
        repository.open("demo", elsewhere),
        pytest.raises(CannotUnlock, match="it is not on this machine, or in another container"),
    ):
        Unlocking(Runtime(repository), "demo").look()


async def test_another_process_of_the_same_number_gets_no_signal(
    created: Environment[Created],
    repository: FileRepository,
    unlocking: Unlocking,
    hold: Callable[..., Any],
) -> None:
    holder = hold()
    earlier = unlocking.look().holder.model_copy(update={"start_ticks": 1})

    with pytest.raises(CannotUnlock, match="the recorded process is gone"):
        await unlocking.end(earlier, "ann@lab", SECOND)

    assert holder.poll() is None


async def test_a_holder_that_ends_by_itself_is_no_error(
    created: Environment[Created],
    repository: FileRepository,
    unlocking: Unlocking,
    hold: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    holder = hold()
    evidence = unlocking.look()
    monkeypatch.setattr(
        Unlocking, "_require_reachable", lambda self, _holder: holder.kill() or holder.wait()
    )

    unlocked = await unlocking.end(evidence.holder, "ann@lab", SECOND)

    assert unlocked.how == "it had ended by itself"


def test_the_holder_named_by_the_kernel_counts(
    created: Environment[Created],
    repository: FileRepository,
    unlocking: Unlocking,
    hold: Callable[..., Any],
) -> None:
    holder = hold()
    lock = repository.directory("demo").parent / ".locks" / "demo.lock"
    lock.write_text(
        Holder.current("somebody else").model_copy(update={"pid": os.getppid()}).model_dump_json()
    )

    assert unlocking.look().holder.pid == holder.pid


async def test_in_memory_the_holder_is_this_process(created: Environment[Created]) -> None:
    repository = MemoryRepository()
    repository.create(created)

    with repository.open("demo", Holder.current("test")), pytest.raises(CannotUnlock):
        Unlocking(Runtime(repository), "demo").look()
