"""Processes: started in sessions of their own, told from strangers, and ended with all they started."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import psutil
from pydantic import BaseModel

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.system.cancellation import in_thread
from statechart.holder import boot_id, start_ticks

_KILL_PATIENCE = 5.0
_LATE = 0.005
_DEAD = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


class ProcessIdentity(BaseModel, frozen=True, extra="forbid"):
    """A process told from another that later gets its pid.

    `started` is in clock ticks since boot; it is None where the system does not tell.
    """

    pid: int
    started: int | None
    boot_id: str | None

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity:
        """Return the identity of a process that lives."""
        return cls(pid=pid, started=start_ticks(pid), boot_id=boot_id())

    def find(self, variable: str, token: str) -> psutil.Process | None:
        """Return the process if it lives: the same start, or the same token in its environment.

        The start alone will do: a process may have overwritten what shows as its environment.
        """
        try:
            process = psutil.Process(self.pid)
        except psutil.NoSuchProcess:
            return None
        same = (
            self.started is not None and self.boot_id == boot_id() and self.started == start_ticks(self.pid)
        )
        return process if lives(process) and (same or _environ(process).get(variable) == token) else None


class _Outliving(subprocess.Popen[bytes]):
    """A child that is meant to outlive this process, and so does not warn when it does."""

    def __del__(self) -> None:
        pass


_children: dict[int, _Outliving] = {}


def spawn(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], output: int) -> ProcessIdentity:
    """Start a program in a session of its own, its output going to an open file.

    Raises:
        OSError: The program can't be started; its `filename` says what is missing.
    """
    exit_statuses()
    child = _Outliving(
        list(command),
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    _children[child.pid] = child
    return ProcessIdentity.of(child.pid)


def exit_statuses() -> dict[int, int]:
    """Collect this process's children that ended, and return the exit status of each, by pid."""
    return {pid: child.returncode for pid, child in list(_children.items()) if child.poll() is not None}


def forget(pid: int) -> None:
    """Drop what is kept of a child that ended."""
    if pid in exit_statuses():
        _children.pop(pid, None)


def marked(marks: Mapping[str, str]) -> list[psutil.Process]:
    """Return the living processes that have variables in their environment, this one's ancestry apart."""
    exit_statuses()
    here = psutil.Process()
    own = {here.pid, *(parent.pid for parent in here.parents())}
    return [
        process
        for process in _processes()
        if process.pid not in own and marks.items() <= _environ(process).items() and lives(process)
    ]


def session_of(leader: psutil.Process) -> list[psutil.Process]:
    """Return the living processes of a session, its leader included."""
    return [each for each in _processes() if session_id(each) == leader.pid and lives(each)]


def group_of(number: int) -> list[psutil.Process]:
    """Return the living processes of a process group and of the session of the same number."""
    return [each for each in _processes() if number in (session_id(each), _group(each.pid)) and lives(each)]


def _processes() -> Iterator[psutil.Process]:
    for pid in psutil.pids():
        with suppress(psutil.Error):
            yield psutil.Process(pid)  # not process_iter: its cache may hold an earlier owner of the pid


def session_id(process: psutil.Process) -> int | None:
    """Return the pid that a process's session began with, or None when it is gone."""
    with suppress(ProcessLookupError, PermissionError):
        return os.getsid(process.pid)
    return None


def _environ(process: psutil.Process) -> dict[str, str]:
    with suppress(psutil.Error, OSError):
        return process.environ()
    return {}


def lives(process: psutil.Process) -> bool:
    """Return whether a process runs still; one that only waits to be collected does not."""
    with suppress(psutil.Error):
        return process.is_running() and process.status() not in _DEAD
    return False


async def end(find: Callable[[], Sequence[psutil.Process]], grace: timedelta) -> int:
    """End processes and those that they start meanwhile: first politely, then by force.

    Args:
        find: Finds those that are to be ended, as often as it is asked.
        grace: How long they have for ending by themselves.

    Returns:
        How many had to be killed.

    Raises:
        StepFailed: Some can't be ended.
    """
    found = await in_thread(partial(_surely, find))
    _send(found, signal.SIGTERM)
    await _gone(found, grace.total_seconds())
    killed: set[int] = set()
    deadline = time.monotonic() + _KILL_PATIENCE
    while left := await in_thread(partial(_surely, find)):
        if time.monotonic() > deadline:
            names = ", ".join(Program.of(process).describe() for process in left)
            raise StepFailed(FailureCause.INFRASTRUCTURE, f"could not be ended, even by force: {names}")
        killed.update(process.pid for process in left)
        _send(left, signal.SIGKILL)
        await _gone(left, 0.5)
    return len(killed)


def _surely(find: Callable[[], Sequence[psutil.Process]]) -> Sequence[psutil.Process]:
    """Look a second time when nothing is found.

    One look can miss a process: one whose parent was listed before it forked and was gone when looked
    at, or one that is just becoming another program and has no environment to see.
    """
    found = find()
    if not found:
        time.sleep(_LATE)
        found = find()
    return found


async def _gone(processes: Sequence[psutil.Process], patience: float) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        exit_statuses()
        if not any(lives(process) for process in processes):
            return
        await asyncio.sleep(0.02)


def _send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Send a signal: at once to a whole group whose leader is among the processes, else to each.

    Those that belong to somebody else are left; who ends them sees that they live.
    """
    by_pid = {process.pid: process for process in processes}
    groups = {pid: _group(pid) for pid in by_pid}
    leaders = {pid for pid, group in groups.items() if pid == group and lives(by_pid[pid])}
    leaders.discard(os.getpgrp())  # when it is the service that runs us
    for pid in leaders:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, number)
    for pid, process in by_pid.items():
        if groups[pid] not in leaders:
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                process.send_signal(number)


def _group(pid: int) -> int | None:
    with suppress(ProcessLookupError):
        return os.getpgid(pid)
    return None


@dataclass(frozen=True, slots=True)
class Program:
    """A process as people know it."""

    pid: int
    name: str

    @classmethod
    def of(cls, process: psutil.Process) -> Program:
        """Describe a process, which may be gone meanwhile."""
        with suppress(psutil.Error):
            return cls(process.pid, process.name())
        return cls(process.pid, "a process")

    def describe(self) -> str:
        """Say who it is."""
        return f"{self.name} (pid {self.pid})"


def listener_on(port: int) -> Program | None:
    """Return who listens on a TCP port, or None when that can't be seen."""
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr
            if listens and listens.port == port and connection.pid:
                return Program.of(psutil.Process(connection.pid))
    return None
