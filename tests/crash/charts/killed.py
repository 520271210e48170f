"""A process that walks a chart on disk and is killed: in any call, within a write, or after a sync."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from statechart import ChartRepository, JsonFileRepository
from statechart.storage.segments.size import Segment
from tests.crash.charts.everything import NAME, Act, Everything, Item, done

KINDS = ("call", "write", "sync")


@dataclass(frozen=True)
class Kill:
    """The death of a process at the nth time of something; of a write, only a part is done."""

    kind: str
    at: int
    part: float = 0.0

    def arm(self) -> None:
        """Die when the time has come."""
        match self.kind:
            case "call":
                sys.setprofile(_Counter(self.at))
            case "write":
                for name in ("write", "pwrite"):
                    setattr(os, name, self._tearing(getattr(os, name)))
            case _:
                os.fdatasync = self._dying_after(os.fdatasync)

    def _tearing(self, real: Callable[..., int]) -> Callable[..., int]:
        def write(descriptor: int, data: Any, *offset: int) -> int:
            if _times.count("write") == self.at:
                real(descriptor, bytes(data)[: int(len(data) * self.part)], *offset)
                die()
            return real(descriptor, data, *offset)

        return write

    def _dying_after(self, real: Callable[[int], None]) -> Callable[[int], None]:
        def fdatasync(descriptor: int) -> None:
            real(descriptor)
            if _times.count("sync") == self.at:
                die()

        return fdatasync


class _Times:
    def __init__(self) -> None:
        self.counted: dict[str, int] = {}

    def count(self, what: str) -> int:
        self.counted[what] = self.counted.get(what, 0) + 1
        return self.counted[what]


_times = _Times()


class _Counter:
    def __init__(self, at: int) -> None:
        self.left = at

    def __call__(self, _frame: FrameType, event: str, _argument: object) -> None:
        if event in ("call", "c_call"):
            self.left -= 1
            if not self.left:
                die()


def die() -> NoReturn:
    """Kill this process."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def store(place: Path) -> JsonFileRepository[Item]:
    # Segments end within a walk.
    return JsonFileRepository(place, Item, segment=Segment(records=7))


def killed(place: Path, acts: list[Act], begin: int, kill: Kill | None) -> tuple[int, bool]:
    """Do acts in a fork that is killed; return how many it said were done, and whether it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            _work(place, acts[begin:], writing, kill)
        finally:
            os._exit(1)
    os.close(writing)
    told = b""
    while more := os.read(reading, 4096):
        told += more
    os.close(reading)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, status
    return len(told), os.WIFSIGNALED(status)


def _work(place: Path, acts: list[Act], writing: int, kill: Kill | None) -> NoReturn:
    tell = os.write
    with store(place).open(NAME) as session:
        if kill is not None:
            kill.arm()
        for act in acts:
            done(act, session.value, session)
            tell(writing, b".")
    sys.setprofile(None)
    os._exit(0)


@dataclass
class Round:
    """A walk whose process is killed, again and again, until it is at its end.

    Attributes:
        wrong: What is not as it should be.
        unsaid: The kills after a commit that the process did not tell of any more.
    """

    place: Path
    acts: list[Act]
    values: list[Item]
    wrong: list[str]
    kills: int = 0
    unsaid: int = 0

    def begin(self) -> None:
        store(self.place).create(NAME, self.values[0])

    def kill(self, kill: Kill) -> None:
        """Go on from where the value is, be killed, and look."""
        before = self._at()
        told, was_killed = killed(self.place, self.acts, before, kill)
        self.kills += was_killed
        at = self._at()
        if not was_killed and at != len(self.acts):
            self.wrong.append(f"{kill}: it ended at {at} of {len(self.acts)}")
        if not before + told <= at <= before + told + 1:
            self.wrong.append(f"{kill}: {told} were said to be done after {before}, and it is at {at}")
        self.unsaid += at == before + told + 1
        self._look(kill, at)

    def _at(self) -> int:
        """Return how many acts are done, as a reader without a lock says."""
        return store(self.place).history(NAME)[-1].revision - 1

    def _look(self, kill: Kill, at: int) -> None:
        read = store(self.place).load(NAME).value
        with store(self.place).open(NAME) as session:
            held = session.value
        for value in (read, held):
            if value != self.values[at]:
                self.wrong.append(f"{kill}: at {at} it is {value} instead of {self.values[at]}")
        for report in ChartRepository(self.place, Everything).verify(NAME):
            self.wrong += [f"{kill}: {problem}" for problem in report.problems]


def drawn(chance: random.Random) -> Kill:
    """Return a kill that comes within a few macrosteps."""
    kind = chance.choice(KINDS)
    return Kill(kind, chance.randrange(1, 9000 if kind == "call" else 12), chance.random())
