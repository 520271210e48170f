"""Uncut: work that a cancellation does not cut, and never leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TypeVar

ResultT = TypeVar("ResultT")


async def in_thread(
    work: Callable[[], ResultT], *, on_cancel: Callable[[], None] = lambda: None
) -> ResultT:
    """Do blocking work in a thread; when cancelled, wait for its end before going on.

    A thread can't be ended from outside, and work that goes on unseen would race with whatever is
    done next. `on_cancel` may ask it to end early.
    """
    return await shielded(asyncio.to_thread(work), on_cancel=on_cancel)


async def shielded(
    work: Coroutine[None, None, ResultT], *, on_cancel: Callable[[], None] = lambda: None
) -> ResultT:
    """Do work that a cancellation does not cut: it is waited for, and then the cancellation goes on."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        on_cancel()
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # looked at, so that the loop does not call it forgotten
        raise
