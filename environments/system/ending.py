"""End processes: ask them, wait, then kill."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeAlias

import psutil

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.system.processes import Program, exit_statuses, group, lives
from environments.system.waiting import until
from statechart.following.cancellation import in_thread

Find: TypeAlias = Callable[[], Sequence[psutil.Process]]
Send: TypeAlias = Callable[[Iterable[psutil.Process], signal.Signals], None]

_KILL_PATIENCE = 5.0  # a process that waits for a disk or a network mount dies late
_SECOND_LOOK = 0.005
_LOOK = 0.02


@dataclass(frozen=True, slots=True)
class Ended:
    """The number of processes that were found, and of those that had to be killed."""

    found: int
    killed: int


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Signal a whole group at once where its leader is among the processes, and others singly.

    Processes of other users are skipped: the caller sees that they live on.
    """
    by_pid = {process.pid: process for process in processes}
    groups = {pid: group(pid) for pid in by_pid}
    leaders = {pid for pid, number_of in groups.items() if pid == number_of and lives(by_pid[pid])}
    leaders.discard(os.getpgrp())  # this process may run inside the service that is to be ended
    for pid in leaders:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, number)
    for pid, process in by_pid.items():
        if groups[pid] not in leaders:
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                process.send_signal(number)


async def end(find: Find, grace: timedelta, *, send: Send = send) -> Ended:
    """End processes, and those that they start meanwhile: by SIGTERM, after the grace by SIGKILL.

    Args:
        find: Finds the processes that are to be ended; called repeatedly, in a thread.
        grace: How long they may take to end after SIGTERM.
        send: Sends a signal to processes.

    Raises:
        StepFailed: Some survive SIGKILL, or belong to another user.
    """
    found = await in_thread(partial(_find_surely, find))
    if found:
        send(found, signal.SIGTERM)
        await wait_gone(found, grace)
    killed: set[int] = set()
    # Found again each time: a process may start others until it is dead.
    # In real time, whatever clock the command has: processes don't follow it.
    deadline = time.monotonic() + _KILL_PATIENCE
    while left := await in_thread(partial(_find_surely, find)):
        if time.monotonic() > deadline:
            names = ", ".join(Program.of(process).describe() for process in left)
            raise StepFailed(FailureCause.INFRASTRUCTURE, f"could not be ended, even by force: {names}")
        killed.update(process.pid for process in left)
        send(left, signal.SIGKILL)
        await wait_gone(left, timedelta(seconds=0.5))
    return Ended(len(found), len(killed))


async def wait_gone(processes: Sequence[psutil.Process], within: timedelta) -> bool:
    """Wait until processes have ended; return whether all have. Measured in real time.

    A process that waits to be collected by its parent counts as ended.
    """
    # Not psutil.wait_procs: it takes the exit status of children from the Popen that started them,
    # and never counts the zombie of another parent as gone.
    return await until(partial(_are_gone, processes), within=within, every=_LOOK)


def _are_gone(processes: Sequence[psutil.Process]) -> bool:
    exit_statuses()
    return not any(lives(process) for process in processes)


def _find_surely(find: Find) -> Sequence[psutil.Process]:
    """Find processes, with a second look when there are none."""
    # A look can miss a process whose parent had been listed before the fork and is gone by now,
    # and a process that is just becoming another program and has no visible environment.
    found = find()
    if not found:
        time.sleep(_SECOND_LOOK)
        found = find()
    return found
