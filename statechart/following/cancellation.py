"""Shield work from cancellation, and wait for it to finish."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TypeVar

ResultT = TypeVar("ResultT")


async def in_thread(
    work: Callable[[], ResultT], *, on_cancel: Callable[[], None] = lambda: None
) -> ResultT:
    """Do blocking work in a thread; a cancellation is raised after the thread has finished.

    `on_cancel` is called on a cancellation, and may ask the work to finish early.
    """
    # A thread can't be ended from outside, and its work would race with the next command.
    return await shielded(asyncio.to_thread(work), on_cancel=on_cancel)


async def shielded(
    work: Coroutine[None, None, ResultT], *, on_cancel: Callable[[], None] = lambda: None
) -> ResultT:
    """Do work to its end; a cancellation is raised afterwards."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        on_cancel()
        while not task.done():  # a second cancellation must not leave the work behind either
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # retrieved, so that asyncio does not report it as never retrieved
        raise
