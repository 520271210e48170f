"""The watchdog ends the tools of a process that can't say any more that it holds their environment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import psutil
import pytest

from environments.model.operation import ToolProcess
from environments.model.steps import OPERATION_MARK
from environments.system.waiting import block_until
from environments.system.watchdog import Watchdog
from statechart.storage.values.held import lease_time
from tests.operations import own

LONG = 1000.0
StartTool = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def others() -> set[psutil.Process]:
    """The processes of this one before the test: earlier tests may have left it a watchdog of its own."""
    return set(psutil.Process().children())


@pytest.fixture
def watchdog(others: set[psutil.Process]) -> Iterator[Watchdog]:
    with Watchdog() as watchdog:
        yield watchdog


@pytest.fixture
def tool() -> Iterator[StartTool]:
    """Starts a tool of an operation, in a group of its own."""
    started: list[subprocess.Popen[bytes]] = []

    def start(operation: str, program: str = "sleep 1000") -> subprocess.Popen[bytes]:
        env = {**os.environ, OPERATION_MARK: own(operation)}
        started.append(subprocess.Popen(["sh", "-c", program], env=env, start_new_session=True))
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.wait()


def ends(process: subprocess.Popen[bytes]) -> bool:
    return block_until(lambda: process.poll() is not None, within=30)


def test_only_the_tools_of_a_lease_that_ends_are_ended(watchdog: Watchdog, tool: StartTool) -> None:
    ours, others = tool("ours"), tool("others")
    watchdog.until("a", lease_time() + LONG)
    watchdog.mark("a", own("ours"))
    watchdog.until("b", lease_time() + LONG)
    watchdog.mark("b", own("others"))

    watchdog.until("a", lease_time())

    assert ends(ours)
    assert others.poll() is None


def test_a_lease_that_is_renewed_ends_nothing(watchdog: Watchdog, tool: StartTool) -> None:
    ours, sentinel = tool("ours"), tool("sentinel")
    watchdog.mark("a", own("ours"))
    watchdog.mark("b", own("sentinel"))
    for _ in range(20):
        watchdog.until("a", lease_time() + LONG)
        watchdog.until("a", lease_time() + LONG)

    watchdog.until("b", lease_time())

    assert ends(sentinel)  # so it has heard all of the lines before
    assert ours.poll() is None


def test_what_is_free_is_left_alone(watchdog: Watchdog, tool: StartTool) -> None:
    ours, sentinel = tool("ours"), tool("sentinel")
    watchdog.mark("a", own("ours"))
    watchdog.until("a", lease_time() + LONG)
    watchdog.free("a")
    watchdog.mark("b", own("sentinel"))

    watchdog.end("b")

    assert ends(sentinel)
    assert ours.poll() is None


def test_without_tools_there_is_no_watchdog(watchdog: Watchdog, others: set[psutil.Process]) -> None:
    watchdog.until("a", lease_time() + LONG)
    watchdog.free("a")

    assert _running(os.getpid(), others) == []


def test_a_fork_that_ends_leaves_the_watchdog_of_its_parent(
    watchdog: Watchdog, tool: StartTool, others: set[psutil.Process]
) -> None:
    watchdog.mark("a", own("ours"))
    watching = _watchdogs(os.getpid(), others)
    ours = tool("ours")

    if (child := os.fork()) == 0:
        watchdog.close()
        os._exit(0)
    os.waitpid(child, 0)
    watchdog.end("a")

    assert ends(ours)
    ours.wait()
    assert _running(os.getpid(), others) == watching


def test_a_tool_that_does_not_heed_is_killed(watchdog: Watchdog, tool: StartTool) -> None:
    stubborn = tool("ours", "trap '' TERM; while :; do sleep 0.1; done")
    watchdog.mark("a", own("ours"))

    watchdog.end("a")

    assert ends(stubborn)


def test_a_tool_without_the_mark_is_found_by_its_group(watchdog: Watchdog) -> None:
    bare = subprocess.Popen(["sleep", "1000"], env={}, start_new_session=True)
    watchdog.group("a", ToolProcess.of(bare.pid, "sleep"))

    watchdog.end("a")

    assert ends(bare)


def test_a_later_process_of_the_same_number_is_no_tool(watchdog: Watchdog, tool: StartTool) -> None:
    stranger, sentinel = tool("another"), tool("sentinel")
    earlier = ToolProcess.of(stranger.pid, "sleep")
    assert earlier.started is not None
    watchdog.group("a", earlier.model_copy(update={"started": earlier.started - 1}))
    watchdog.mark("a", own("sentinel"))

    watchdog.end("a")

    assert ends(sentinel)
    assert stranger.poll() is None


def test_a_watchdog_that_was_killed_is_replaced_and_told_all(
    watchdog: Watchdog, tool: StartTool, others: set[psutil.Process]
) -> None:
    ours = tool("ours")
    watchdog.mark("a", own("ours"))
    watchdog.until("a", lease_time() + LONG)
    (first,) = _watchdogs(os.getpid(), others)
    first.kill()
    first.wait()

    watchdog.until("b", lease_time() + LONG)
    watchdog.until("a", lease_time())

    assert ends(ours)


OWNER = """
import os, sys, time
from environments.system.watchdog import Watchdog
from statechart.storage.values.held import lease_time
watchdog = Watchdog.of_this_process()
watchdog.mark("a", sys.argv[1])
watchdog.until("a", lease_time() + 1000)
if sys.argv[2:] == ["fork"]:
    if os.fork() == 0:
        time.sleep(3600)
elif len(sys.argv) > 2:
    watchdog.owner_until(lease_time() + float(sys.argv[2]))
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def owner() -> Iterator[StartTool]:
    """Starts a process that has a watchdog."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", OWNER, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        return process

    yield start
    for each in started:
        each.kill()
        each.communicate()


def test_the_tools_of_a_process_that_dies_are_ended(owner: StartTool, tool: StartTool) -> None:
    ours = tool("of-the-dead")
    process = owner(own("of-the-dead"))

    process.kill()

    assert ends(ours)


def test_the_tools_of_a_process_that_dies_are_ended_though_its_fork_lives(
    owner: StartTool, tool: StartTool
) -> None:
    ours = tool("of-the-forked")
    process = owner(own("of-the-forked"), "fork")
    (fork,) = [each for each in psutil.Process(process.pid).children() if not _is_watchdog(each)]

    process.kill()

    try:
        assert ends(ours)
        assert fork.is_running()
    finally:
        fork.kill()


def test_a_fork_has_a_watchdog_of_its_own(watchdog: Watchdog, tool: StartTool) -> None:
    parents, childs, mark = tool("parents"), tool("childs"), own("childs")
    watchdog.mark("a", own("parents"))
    watchdog.until("a", lease_time() + LONG)

    if (child := os.fork()) == 0:
        watchdog.mark("b", mark)
        watchdog.until("b", lease_time() + LONG)
        os._exit(0)  # without leaving in order
    os.waitpid(child, 0)

    assert ends(childs)
    assert parents.poll() is None


def test_a_process_that_leaves_in_order_leaves_its_tools(owner: StartTool, tool: StartTool) -> None:
    ours = tool("of-the-leaving")
    process = owner(own("of-the-leaving"))
    (watching,) = _watchdogs(process.pid)

    process.communicate(b"\n")

    assert block_until(lambda: not watching.is_running(), within=30)
    assert ours.poll() is None


def test_a_paused_process_is_ended_with_its_tools(owner: StartTool, tool: StartTool) -> None:
    ours = tool("of-the-paused")
    process = owner(own("of-the-paused"), "1")

    os.kill(process.pid, signal.SIGSTOP)

    assert ends(ours)
    assert process.wait(30) == -signal.SIGKILL


def test_signals_of_a_terminal_do_not_end_a_watchdog(
    watchdog: Watchdog, tool: StartTool, others: set[psutil.Process]
) -> None:
    ours = tool("ours")
    watchdog.mark("a", own("ours"))
    (watching,) = _watchdogs(os.getpid(), others)
    assert block_until(lambda: _ignores(watching.pid, signal.SIGTSTP), within=30)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP):
        watching.send_signal(number)

    watchdog.end("a")

    assert ends(ours)
    assert watching.is_running()


def _ignores(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    ignored = next(line.split()[1] for line in status.splitlines() if line.startswith("SigIgn"))
    return bool(int(ignored, 16) >> (number - 1) & 1)


def _running(owner: int, others: Collection[psutil.Process] = ()) -> list[psutil.Process]:
    """Return the watchdogs that a process has now, apart from others."""
    children = [each for each in psutil.Process(owner).children() if each not in others]
    return [each for each in children if _is_watchdog(each)]


def _is_watchdog(process: psutil.Process) -> bool:
    try:
        return any("watching_process" in part for part in process.cmdline())
    except psutil.Error:  # it has ended meanwhile
        return False


def _watchdogs(owner: int, others: Collection[psutil.Process] = ()) -> list[psutil.Process]:
    """Return the watchdogs of a process apart from others, once they are running."""
    return block_until(lambda: _running(owner, others), within=30)


def test_a_paused_watchdog_is_told_everything_later(
    watchdog: Watchdog, tool: StartTool, others: set[psutil.Process]
) -> None:
    ours = tool("ours")
    watchdog.until("a", lease_time() + LONG)
    watchdog.mark("a", own("an earlier operation"))
    (watching,) = _watchdogs(os.getpid(), others)
    watching.suspend()
    for _ in range(4000):  # more than a pipe holds
        watchdog.until("a", lease_time() + LONG)
    watchdog.mark("a", own("ours"))
    watchdog.until("a", lease_time())
    watching.resume()
    while ours.poll() is None and watching.is_running():
        watchdog.until("b", lease_time() + LONG)
        time.sleep(0.01)

    assert ends(ours)
