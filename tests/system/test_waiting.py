from __future__ import annotations

import time
from datetime import timedelta

import pytest

from environments.system.waiting import block_until, retry, until
from environments.testing import FixedClock


def after(count, value=True):
    """Return a function that is false until it was called `count` times."""
    calls = []

    def look():
        calls.append(1)
        return value if len(calls) > count else False

    return look


async def test_a_wait_ends_as_soon_as_the_condition_holds():
    clock = FixedClock()

    assert await until(after(3, "found"), within=timedelta(seconds=10), every=0.5, clock=clock) == "found"
    assert clock.slept == [0.5, 0.5, 0.5]


async def test_a_wait_ends_when_time_is_up_with_a_last_look():
    clock = FixedClock()

    assert not await until(after(4), within=1.25, every=0.5, clock=clock)
    assert clock.slept == [0.5, 0.5, 0.25]
    assert await until(after(3), within=1.25, every=0.5, clock=clock)


async def test_a_condition_is_looked_at_once_where_there_is_no_time():
    clock = FixedClock()

    assert await until(after(0), within=timedelta(), clock=clock)
    assert not await until(after(1), within=timedelta(), clock=clock)
    assert clock.slept == []


async def test_a_condition_may_be_a_coroutine_function_and_its_value_judged_by_the_caller():
    values = iter("abc")

    async def look():
        return next(values)

    found = await until(look, within=1.0, clock=FixedClock(), satisfied=lambda value: value == "b")

    assert found == "b"


async def test_an_exception_of_the_condition_ends_the_wait():
    with pytest.raises(ZeroDivisionError):
        await until(lambda: 1 / 0, within=1.0, clock=FixedClock())


def test_a_wait_without_an_event_loop_blocks():
    begun = time.monotonic()

    assert block_until(after(2), within=10.0, every=0.01)
    assert not block_until(after(2), within=0.0)
    assert 0.02 <= time.monotonic() - begun < 5


def failing(times, error=ConnectionError):
    left = [error(str(number)) for number in range(times)]

    async def work():
        if left:
            raise left.pop(0)
        return "done"

    return work


async def test_work_is_retried_until_it_succeeds():
    clock, told = FixedClock(), []

    done = await retry(
        failing(2), on=OSError, within=10.0, every=0.5, clock=clock, before_retry=told.append
    )

    assert done == "done"
    assert clock.slept == [0.5, 0.5]
    assert [str(error) for error in told] == ["0", "1"]


async def test_the_last_error_is_raised_when_time_is_up():
    with pytest.raises(ConnectionError, match="2"):
        await retry(failing(9), on=ConnectionError, within=1.0, every=0.5, clock=FixedClock())


async def test_an_error_that_cannot_pass_is_raised_at_once():
    clock = FixedClock()

    with pytest.raises(ZeroDivisionError):
        await retry(failing(1, ZeroDivisionError), on=OSError, within=1.0, clock=clock)
    with pytest.raises(ConnectionError):
        await retry(failing(1), on=ConnectionError, within=1.0, clock=clock, when=lambda _error: False)
    assert clock.slept == []
