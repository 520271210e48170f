"""Power: cuts the power of a real file system at random instants, and looks at what is left.

The file system is in a loop image. The shutdown call stops all of its writes at once and keeps its log
from being flushed, which leaves the image as a power cut does. Run as a program: it needs root, and a
mount namespace of its own, so that nothing stays mounted however it ends.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import random
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from environments.workspace import Workspace
from statechart.storage.disk import sync_directory
from tests.crash.aftermath import Aftermath
from tests.crash.disk_check import DATA, Counter, Segmented
from tests.crash.scenes import NAME, acknowledge_records, carry_out, told
from tests.crash.zygote import Tell, in_child, looked_at, teller

SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN
NO_LOG_FLUSH = struct.pack("I", 2)
LIFE = ("create", "up", "release", "run", "update", "destroy", "purge")
SIZES = {"ext4": "64M", "xfs": "320M"}
MAKE = {"ext4": ("mkfs.ext4", "-q", "-F"), "xfs": ("mkfs.xfs", "-q", "-f")}
OPTIONS = {"ext4": "loop,data=writeback,noauto_da_alloc", "xfs": "loop"}
"""Without the kernel's own remedies for programs that forget to sync."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system whose power can be cut."""

    kind: str
    image: Path
    at: Path

    @classmethod
    def made(cls, kind: str, directory: Path) -> Disk:
        """Make an image of that file system."""
        disk = cls(kind, directory / f"{kind}.img", directory / kind)
        subprocess.run(["truncate", "-s", SIZES[kind], disk.image], check=True)
        subprocess.run([*MAKE[kind], disk.image], check=True)
        disk.at.mkdir()
        disk.mount()
        return disk

    def mount(self) -> None:
        """Mount the image, with all writes that reached it."""
        subprocess.run(
            ["mount", "-t", self.kind, "-o", OPTIONS[self.kind], self.image, self.at], check=True
        )

    def unmount(self) -> None:
        """Unmount the image; no file on it may be open."""
        subprocess.run(["umount", self.at], check=True)

    def opened(self) -> int:
        """Return a descriptor for cutting the power."""
        return os.open(self.at, os.O_RDONLY | os.O_DIRECTORY)


def live(place: Path, tell: Tell) -> None:
    """Run a whole life of an environment; report each beginning, each saved record and each end."""
    acknowledge_records(tell)
    for command in LIFE:
        asyncio.run(carry_out(command, place))
        tell(f"end {command}")


def count_in_segments(place: Path, tell: Tell) -> None:
    """Count without end in short segments, and compress them; report each saved record."""
    store = Segmented(place).store
    (place / DATA).parent.mkdir(parents=True)
    store.create("demo", Counter())
    while True:
        with store.open("demo") as session:
            for count in range(9):
                session.commit("counted", Counter(count=count), expected=session.head.revision)
                tell(f"seq {session.head.seq}")
        store.compress("demo")


def judged_in_segments(place: Path, said: list[str], _full: list[str]) -> tuple[list[str], str]:
    """Return what is wrong with a history in segments, and how it went on."""
    acknowledged = max((int(line[4:]) for line in said if line.startswith("seq ")), default=0)
    segmented = Segmented(place)
    if not segmented.store.exists("demo"):
        return [f"{acknowledged} records, and no name"] if acknowledged else [], "begun anew"
    try:
        segmented.load("demo")  # all of its segments
        last = segmented.store.load("demo").head.seq
        segmented.change("demo")
        segmented.load("demo")
        bad = [str(each.problem) for each in segmented.store.segments("demo") if each.problem is not None]
    except Exception as error:  # whatever it is: there must be none
        return [f"{type(error).__name__}: {error}"], ""
    lost = [f"{acknowledged} were acknowledged, {last} are there"] if last < acknowledged else []
    return [*lost, *bad], "went on"


def whole_life(place: Path) -> tuple[list[str], float]:
    """Return the history of a whole life, in words, and its duration in seconds."""
    _prepare(place)
    began = time.monotonic()
    for command in LIFE[:-1]:
        asyncio.run(carry_out(command, place))
    took = time.monotonic() - began
    history = told(Workspace(place / "data").history(NAME))
    shutil.rmtree(place)
    return history, took


def cut(disk: Disk, place: Path, after: float, living: Callable[[Path, Tell], None] = live) -> list[str]:
    """Cut the power some seconds after the beginning of a life; return the reports before the cut."""
    _prepare(place)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            living(place, teller(writing))
        finally:
            os._exit(0)
    os.close(writing)
    power = disk.opened()
    heard = _heard(reading, time.monotonic() + after)
    fcntl.ioctl(power, SHUTDOWN, NO_LOG_FLUSH)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(power)
    os.close(reading)
    disk.unmount()
    disk.mount()
    lines = heard.decode().split("\n")
    return lines[:-1]  # the last one is empty, or was not told to its end


def _heard(reading: int, until: float) -> bytes:
    """Return the reports so far. Later reports prove no promise."""
    content = b""
    while (left := until - time.monotonic()) > 0:
        ready, _, _ = select.select([reading], [], [], left)
        chunk = os.read(reading, 65536) if ready else b""
        content += chunk
        if ready and not chunk:
            time.sleep(max(until - time.monotonic(), 0))
    return content


def _prepare(place: Path) -> None:
    (place / "world").mkdir(parents=True)
    sync_directory(place)
    sync_directory(place.parent)


def judged(place: Path, said: list[str], full: list[str]) -> tuple[list[str], str]:
    """Return what is wrong with what was left, and how it went on.

    The command that is looked at is the one behind the last that is known to have ended: it may
    have begun without a word. The end of the purge is the end of all.
    """
    ended = [line[4:] for line in said if line.startswith("end ")]
    command = LIFE[min(len(ended), len(LIFE) - 1)]
    words = [line for line in said if line.startswith("seq ")]
    if len(ended) == len(LIFE):
        words.append("command")
    return looked_at(Aftermath(command, place, words, full))


def main(kind: str, cuts: int, directory: Path, seed: int, *, in_segments: bool = False) -> None:
    """Cut the power repeatedly; print a line of JSON for each cut."""
    living, judge = (count_in_segments, judged_in_segments) if in_segments else (live, judged)
    chance = random.Random(seed)
    disk = Disk.made(kind, directory)
    _, lines = in_child(lambda tell: tell(json.dumps(whole_life(disk.at / "whole"))))
    full, seconds = json.loads(lines[0])
    for number in range(cuts):
        place = disk.at / f"cut{number}"
        said = cut(disk, place, chance.uniform(0, seconds * 1.2), living)
        wrong, way = judge(place, said, full)
        print(json.dumps({"told": len(said), "wrong": wrong, "way": way}), flush=True)
        shutil.rmtree(place)
    disk.unmount()


if __name__ == "__main__":
    main(
        sys.argv[1],
        int(sys.argv[2]),
        Path(sys.argv[3]),
        int(sys.argv[4]),
        in_segments=sys.argv[5:] == ["segments"],
    )
