"""Wait for a name without blocking other tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import TypeVar

from statechart.errors import Locked

ResultT = TypeVar("ResultT")

_POLL = 0.005  # seconds: most holders only read and write a record


async def patiently(work: Callable[[], ResultT], timeout: float) -> ResultT:
    """Do work that needs a lock, again until the lock is free or time is up.

    Raises:
        Locked: Another holder still has the lock after `timeout` seconds.
    """
    deadline = monotonic() + timeout
    while True:
        try:
            return work()
        except Locked:
            left = deadline - monotonic()
            if left <= 0:
                raise
        await asyncio.sleep(min(_POLL, left))
