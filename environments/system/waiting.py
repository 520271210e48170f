"""Wait for a condition, or retry what failed, until it succeeds or time is up."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from inspect import isawaitable
from typing import Any, TypeVar, overload

from environments.system.clock import SYSTEM_CLOCK, Clock

ResultT = TypeVar("ResultT")
ErrorT = TypeVar("ErrorT", bound=Exception)

EVERY = 0.05
"""The default pause between two looks, in seconds."""


@overload
async def until(
    condition: Callable[[], Awaitable[ResultT]],
    *,
    within: timedelta | float,
    every: float = EVERY,
    clock: Clock = SYSTEM_CLOCK,
    satisfied: Callable[[ResultT], object] = bool,
) -> ResultT: ...
@overload
async def until(
    condition: Callable[[], ResultT],
    *,
    within: timedelta | float,
    every: float = EVERY,
    clock: Clock = SYSTEM_CLOCK,
    satisfied: Callable[[ResultT], object] = bool,
) -> ResultT: ...
async def until(
    condition: Callable[[], Any],  # Any: the overloads say which
    *,
    within: timedelta | float,
    every: float = EVERY,
    clock: Clock = SYSTEM_CLOCK,
    satisfied: Callable[[Any], object] = bool,
) -> Any:
    """Evaluate a condition until its value satisfies or time is up, and return the last value.

    The condition is evaluated at least once, and once more when time is up. An exception that it
    raises ends the wait.

    Args:
        condition: A function or a coroutine function.
        within: How long to wait, as a duration or in seconds.
        every: The pause between two evaluations, in seconds.
        clock: Measures the wait and sleeps.
        satisfied: Whether a value ends the wait; by default, whether it is true.
    """
    deadline = clock.monotonic() + _seconds(within)
    while True:
        value = condition()
        if isawaitable(value):
            value = await value
        if satisfied(value) or (left := deadline - clock.monotonic()) <= 0:
            return value
        await clock.sleep(min(every, left))  # so that the last look is when time is up


def block_until(
    condition: Callable[[], ResultT],
    *,
    within: timedelta | float,
    every: float = EVERY,
    satisfied: Callable[[ResultT], object] = bool,
) -> ResultT:
    """Do what `until` does where there is no event loop; blocks the thread."""
    deadline = time.monotonic() + _seconds(within)
    while True:
        value = condition()
        if satisfied(value) or (left := deadline - time.monotonic()) <= 0:
            return value
        time.sleep(min(every, left))


async def retry(
    work: Callable[[], Awaitable[ResultT]],
    *,
    on: type[ErrorT],
    within: timedelta | float,
    every: float = EVERY,
    clock: Clock = SYSTEM_CLOCK,
    when: Callable[[ErrorT], bool] = lambda _error: True,
    before_retry: Callable[[ErrorT], None] = lambda _error: None,
) -> ResultT:
    """Do work, again after a passing error, until it succeeds or time is up.

    Args:
        work: A coroutine function.
        on: The exception that may pass; any other is raised at once.
        within: How long to go on, as a duration or in seconds.
        every: The pause between two attempts, in seconds.
        clock: Measures the time and sleeps.
        when: Whether an error may pass.
        before_retry: Called with each error that is followed by another attempt.

    Raises:
        ErrorT: The error of the last attempt.
    """
    deadline = clock.monotonic() + _seconds(within)
    while True:
        try:
            return await work()
        except on as error:
            left = deadline - clock.monotonic()
            if left <= 0 or not when(error):
                raise
            before_retry(error)
        await clock.sleep(min(every, left))


def _seconds(duration: timedelta | float) -> float:
    return duration.total_seconds() if isinstance(duration, timedelta) else duration
