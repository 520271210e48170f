"""Wait for a lock without blocking other tasks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable, MutableMapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from time import monotonic
from typing import TypeVar
from weakref import WeakValueDictionary

from statechart.errors import Locked
from statechart.following.cancellation import in_thread
from statechart.storage.values.pauses import pauses

ResultT = TypeVar("ResultT")

POLL = 0.005
"""The usual seconds between two attempts: short, as most holders of files only read and write a record."""


async def patiently(
    work: Callable[[], ResultT],
    timeout: float,
    wait: Callable[[Locked], None] = lambda _locked: None,
    *,
    poll: float = POLL,
    undo: Callable[[ResultT], object] | None = None,
) -> ResultT:
    """Do work that needs a lock, retrying until the lock is free, without blocking other tasks.

    Args:
        work: Takes the lock, or raises Locked.
        timeout: The seconds until the last attempt.
        wait: Called once, when the wait begins.
        poll: The seconds between two attempts, after some shorter ones.
        undo: Undoes the work. If it is given, the work is done in a thread, as it may wait for a database,
            and undone if the task is cancelled meanwhile.

    Raises:
        Locked: Another holder still has the lock after `timeout` seconds.
    """
    deadline = monotonic() + timeout
    waits = pauses(poll)
    told = False
    while True:
        try:
            return work() if undo is None else await _in_thread(work, undo)
        except Locked as locked:
            left = deadline - monotonic()
            if left <= 0:
                raise
            if not told:
                wait(locked)
            told = True
        await asyncio.sleep(min(next(waits), left))  # so that the last attempt is when time is up


async def _in_thread(work: Callable[[], ResultT], undo: Callable[[ResultT], object]) -> ResultT:
    done: list[ResultT] = []
    try:
        await in_thread(lambda: done.append(work()))
    except asyncio.CancelledError:
        for each in done:
            await in_thread(partial(undo, each))
        raise
    return done[0]


class Turns:
    """Lets the tasks that wait for the same thing wait in a row, instead of each for itself."""

    def __init__(self) -> None:
        self._turns: MutableMapping[Hashable, asyncio.Lock] = WeakValueDictionary()

    def __reduce__(self) -> tuple[type[Turns], tuple[()]]:
        return type(self), ()  # nobody waits in a copy

    @asynccontextmanager
    async def of(self, key: Hashable, timeout: float) -> AsyncIterator[None]:
        """Wait for the turn of this task, at most `timeout` seconds, and hold it in the block.

        After the timeout, the block runs out of turn: its own attempt tells who is in the way.
        """
        # A lock belongs to the event loop that waits for it.
        turn = self._turns.setdefault((asyncio.get_running_loop(), key), asyncio.Lock())
        taken = False
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                taken = await turn.acquire()
        try:
            yield
        finally:
            if taken:
                turn.release()
