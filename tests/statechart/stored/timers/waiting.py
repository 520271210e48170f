"""A chart whose values wait, and a program that forks runners of their timers."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import traceback
import warnings
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from statechart import Chart, ChartRepository, ChartWarning, Configuration, State, Timer

BROKEN: set[str] = set()
"""The names whose hook raises."""


class Job(BaseModel, frozen=True):
    name: str = "job"
    seconds: float = 1.0
    is_open: bool = True
    state: Configuration | None = None


def given(job: Job) -> timedelta:
    return timedelta(seconds=job.seconds)


with warnings.catch_warnings():
    warnings.simplefilter("ignore", ChartWarning)  # a timer may lapse, as it should

    class Waiting(Chart[Job]):
        waiting = State(initial=True)
        held = State()
        expired = State(final=True)
        done = State(final=True)

        expire = waiting.to(expired, cond="is_open")
        hold = waiting.to(held)
        release = held.to(waiting)
        again = waiting.to(waiting)
        finish = waiting.to(done) | held.to(done)

        timers = (Timer(waiting, after=given, event=expire),)

        def is_open(self, model: Job) -> bool:
            """The job is shut."""
            return model.is_open

        def on_expire(self, model: Job) -> None:
            if model.name in BROKEN:
                raise OSError("no paper")


class Renamed(Chart[Job]):
    """The same chart later: the state `waiting` is now `standing`."""

    standing = State(initial=True)
    expired = State(final=True)

    expire = standing.to(expired)

    timers = (Timer(standing, after=given, event=expire),)


class Clock:
    """A wall clock that is set."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def step(self, **by: float) -> None:
        self.now += timedelta(**by)


def jobs(place: str) -> ChartRepository[Job]:
    return ChartRepository(place, Waiting)


async def run(place: str) -> None:
    async with jobs(place).timers() as runner:
        os.write(1, f"{os.getpid()}\n".encode())
        await runner.wait()


def forked(place: str) -> None:
    """Begin a runner in a child, which writes its number once it looks at the store."""
    if os.fork() == 0:
        try:
            asyncio.run(run(place))
        except BaseException:
            traceback.print_exc()
        os._exit(1)


if __name__ == "__main__":
    jobs(sys.argv[1])  # loads what children need
    for line in sys.stdin:
        if line == "begin\n":
            forked(sys.argv[1])
        else:
            os.kill(int(line), signal.SIGKILL)
            _, status = os.waitpid(int(line), 0)
            print(os.WTERMSIG(status), flush=True)
