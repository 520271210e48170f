"""Processes that write to a store in a database, and what of it is on record afterwards."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from environments.system.waiting import block_until
from statechart.errors import StorageError
from statechart.storage.segments.size import Segment
from statechart.storage.sql.errors import StoreUnreachable
from statechart.storage.sql.repository import JsonSqlRepository
from statechart.testing.repository_contract import Counter

_SHORT = Segment(records=20)


def forked(work: Callable[[], None]) -> int:
    """Run a function in a child that ends with it, and return the child's number."""
    sys.stdout.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside the heartbeat
        child = os.fork()
    if child:
        return child
    code = 1
    try:
        random.seed(os.getpid())
        work()
        code = 0
    finally:
        os._exit(code)


@dataclass
class Writers:
    """Processes that each write to a name of their own, and note what was acknowledged.

    Args:
        url: The database.
        directory: The directory of their notes.
        count: The number of writers.
    """

    url: str
    directory: Path
    count: int
    children: dict[int, int] = field(default_factory=dict)

    def begin(self) -> None:
        """Create the names, and start the writers."""
        repository = self.repository()
        for number in range(self.count):
            repository.create(f"w{number}", Counter())
        for number in range(self.count):
            self.start(number)

    def repository(self) -> JsonSqlRepository[Counter]:
        return JsonSqlRepository(self.url, Counter, segment=_SHORT)

    def start(self, number: int) -> None:
        """Start a writer, also in place of one that died."""
        self.children[number] = forked(lambda: self._write(number))

    def kill(self, number: int) -> None:
        """Kill a writer."""
        os.kill(self.children[number], signal.SIGKILL)
        os.waitpid(self.children[number], 0)

    def go_on(self, count: int) -> None:
        """Wait until more changes than a number were acknowledged."""
        notes = [self.directory / f"w{number}" for number in range(self.count)]

        def acknowledged() -> int:
            return sum(len(each.read_bytes().splitlines()) for each in notes if each.exists())

        assert block_until(lambda: acknowledged() > count, within=120)

    def end(self) -> None:
        """Have the writers end, and wait for them."""
        (self.directory / "stop").touch()
        for child in self.children.values():
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    def _write(self, number: int) -> None:
        repository = self.repository()
        notes = os.open(self.directory / f"w{number}", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        stop, trouble = self.directory / "stop", self.directory / "trouble"
        while not stop.exists():
            try:
                with repository.open(f"w{number}", timeout=60) as session:
                    for _ in range(random.randint(5, 60)):
                        if stop.exists():
                            break
                        value = Counter(count=session.value.count + 1)
                        session.commit("counted", value, expected=session.head.revision)
                        os.write(notes, b"%d\n" % value.count)
            except StoreUnreachable:
                time.sleep(0.02)
            except StorageError as error:
                with trouble.open("a") as told:
                    told.write(f"w{number}: {type(error).__name__}: {error}\n")
                time.sleep(0.02)

    def judge(self, kills: int = 0) -> tuple[int, int]:
        """Compare the notes with the records; return how many were acknowledged, and are on record."""
        repository, acknowledged, recorded = self.repository(), 0, 0
        trouble = self.directory / "trouble"
        assert not trouble.exists(), trouble.read_text()
        unacknowledged = 0
        for number in range(self.count):
            counts = [
                record.value["count"]
                for record in repository.history(f"w{number}")
                if record.type == "counted" and record.value is not None
            ]
            noted = [int(line) for line in (self.directory / f"w{number}").read_text().split()]
            assert counts == list(range(1, len(counts) + 1))  # none lost, none twice
            assert set(noted) <= set(counts)
            assert len(noted) == len(set(noted))
            unacknowledged += len(set(counts) - set(noted))
            acknowledged, recorded = acknowledged + len(noted), recorded + len(counts)
        # A process that was killed may not have learned what it had done.
        assert unacknowledged <= kills
        return acknowledged, recorded
