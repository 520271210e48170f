"""Four runners in processes of their own, killed at random: each timer is fired once, none early."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from statechart import ChartRepository
from tests.statechart.stored.timers import waiting
from tests.statechart.stored.timers.waiting import Job, jobs

RUNNERS = 4


class Runners:
    """Processes that fire timers, of which some are killed and begun anew.

    Attributes:
        running: The numbers of those that run.
        kills: The number of processes that were killed.
    """

    def __init__(self, place: str, count: int) -> None:
        self.running: list[int] = []
        self.kills = 0
        self._origin = subprocess.Popen(
            [sys.executable, "-m", waiting.__name__, place],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(count):
            self._begin()

    def kill_one(self) -> None:
        """Kill one at random, and begin another."""
        self._kill(random.choice(self.running))
        self.kills += 1
        self._begin()

    def close(self) -> None:
        """End all."""
        for each in [*self.running]:
            self._kill(each)
        assert self._origin.stdin is not None
        self._origin.stdin.close()
        assert self._origin.wait(60) == 0
        assert self._origin.stdout is not None
        self._origin.stdout.close()

    def _begin(self) -> None:
        self.running.append(int(self._asked("begin")))

    def _kill(self, number: int) -> None:
        self.running.remove(number)
        assert int(self._asked(str(number))) == signal.SIGKILL

    def _asked(self, line: str) -> str:
        assert self._origin.stdin is not None
        assert self._origin.stdout is not None
        self._origin.stdin.write(f"{line}\n")
        self._origin.stdin.flush()
        return self._origin.stdout.readline()


@contextmanager
def runners(place: str, count: int = RUNNERS) -> Iterator[Runners]:
    found = Runners(place, count)
    try:
        yield found
    finally:
        found.close()


def create(repository: ChartRepository[Job], count: int, *, first: float, every: float) -> None:
    """Create values whose timers are due one after the other, the first so many seconds from now."""
    begin = time.time() + first
    for number in range(count):
        name = f"n{number:04}"
        seconds = max(0.001, begin + number * every - time.time())
        # Some lapse, as their guard refuses.
        repository.create(name, Job(name=name, seconds=seconds, is_open=number % 10 != 0))


def waited(repository: ChartRepository[Job], runners: Runners, *, limit: float, pause: float) -> None:
    """Kill runners until nothing is due any more, now or later."""
    end = time.monotonic() + limit
    while list(repository.due(datetime.max.replace(tzinfo=UTC))):
        assert time.monotonic() < end, f"{len(list(repository.due()))} timers are still due"
        time.sleep(random.uniform(0, 2 * pause))
        runners.kill_one()


def lateness(repository: ChartRepository[Job]) -> list[float]:
    """Check that each timer was fired once and not early; return the seconds by which each was late."""
    found = []
    for name in repository.names():
        created, *fired = repository.history(name)
        assert created.value is not None
        (deadline,) = created.value["state"]["timers"].values()  # type: ignore[index, call-overload, union-attr]
        assert [(each.type, each.data["timer"]) for each in fired] == [
            ("transition" if created.value["is_open"] else "lapsed", "waiting.expire")
        ]
        assert fired[0].data["due"] == deadline
        late = (fired[0].at - datetime.fromisoformat(str(deadline))).total_seconds()
        assert late >= 0
        found.append(late)
    assert all(report.intact for report in repository.verify())
    return sorted(found)


def storm(place: str, count: int, *, first: float, every: float, pause: float, limit: float) -> None:
    repository = jobs(place)
    repository.create("first", Job(seconds=1e9))  # makes the tables
    repository.delete("first")
    with runners(place) as running:
        create(repository, count, first=first, every=every)
        waited(repository, running, limit=limit, pause=pause)
    found = lateness(repository)

    assert len(found) == count
    half, most = found[len(found) // 2], found[int(len(found) * 0.95)]
    print(
        f"{count} timers, {running.kills} runners killed: each fired once; late by {half:.3f} s (median), "
        f"{most:.3f} s (95 %), {found[-1]:.3f} s (most)"
    )


def test_four_runners_that_are_killed_fire_each_timer_once(any_place: str) -> None:
    storm(any_place, 24, first=0.8, every=0.05, pause=0.1, limit=240)


@pytest.mark.soak
def test_four_runners_that_are_killed_fire_each_of_a_thousand_timers_once(any_place: str) -> None:
    storm(any_place, 1000, first=60, every=0.03, pause=0.15, limit=900)


def test_a_runner_that_was_stopped_fires_what_was_due_meanwhile_once(tmp_path: object) -> None:
    repository = jobs(str(tmp_path))
    with runners(str(tmp_path), 1) as running:
        os.kill(running.running[0], signal.SIGSTOP)
        repository.create("a", Job(seconds=0.5))
        time.sleep(0.8)
        assert [name for name, _ in repository.due()] == ["a"]
        os.kill(running.running[0], signal.SIGCONT)
        end = time.monotonic() + 120
        while repository.find("waiting") and time.monotonic() < end:
            time.sleep(0.02)

    assert lateness(repository)
