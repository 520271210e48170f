"""Attendance: a worker tells that it lives, and takes up what dead workers leave."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from environments.fleet.engine import requeue
from environments.fleet.versions import is_older
from environments.system.watchdog import Watchdog
from statechart.errors import StorageError
from statechart.storage.values.held import lease_time

if TYPE_CHECKING:
    from environments.fleet.engine.heart import Heart
    from environments.fleet.engine.slots import Slots
    from environments.fleet.engine.workers import Workers
    from environments.fleet.worker_status import WorkerStatus

_UNGUARDED: Final = 365 * 24 * 3600.0  # seconds; without work there is nothing to guard

_MOMENT: Final = 0.1  # seconds

_LOOKERS: Final = 16
"""About how many workers look after the others at each beat."""


@dataclass(slots=True)
class Attendance:
    """The presence of one worker in the table.

    Attributes:
        workers: The table.
        heart: Tells that this worker lives.
        me: This worker.
        slots: Its slots.
        tell: Prints a message.
        over: Called once if the worker was declared dead, or is about to be.
        drained: Called at each beat while the worker is asked to drain, with the time that is left.
    """

    workers: Workers
    heart: Heart
    me: WorkerStatus
    slots: Slots
    tell: Callable[[str], None]
    over: Callable[[], None]
    drained: Callable[[timedelta], None]
    watchdog: Watchdog = field(default_factory=Watchdog.of_this_process)
    _seen: float = 0.0
    _steady: float = 0.0
    _thorough: float = 0.0
    _known: int = 1
    _expects: bool = False

    def begin(self) -> None:
        """Register, before any work is taken, so that the worker never looks dead while it works."""
        self._seen = lease_time()
        # Others get a moment to be seen, in case the database has just come back.
        self._steady = self._seen - self._limit + 2 * self.me.beat.total_seconds()
        self.workers.register(self.me)

    def guard(self) -> None:
        """Have this process ended in time, if it can't tell that it lives: paused, it can't end itself.

        Others take over when it was silent for `dead_after`; it ends after two thirds of that.
        """
        self.watchdog.owner_until(self._seen + self._patience)

    def require_seen(self) -> None:
        """End the process if it has work, and could not tell for too long that it lives.

        The watchdog would do so a moment later, and could not say why.
        """
        silent = lease_time() - self._seen
        if self.slots.busy and silent > self._patience - 0.1:
            self.tell(
                f"{self.me.name} ends: it could not tell the database for {silent:.1f} s that it lives; "
                f"others take its work up after {self._limit:g} s (--dead-after)"
            )
            self.over()

    def beat(self) -> None:
        """Tell that the worker lives."""
        asked = lease_time()
        try:
            left = self.heart.beat()
        except LookupError:
            self.tell(
                f"{self.me.name} was declared dead, and ends: its last sign of life was "
                f"{asked - self._seen:.1f} s ago, and the limit is {self._limit:g} s (--dead-after)"
            )
            self.over()
            return
        except StorageError as error:
            self.tell(f"{self.me.name}: {error}")
            return
        if asked - self._seen > self._limit / 2:
            self._steady = asked  # the database was away: the others, too, could not be seen
        self._seen = asked
        if self.slots.busy:
            self.guard()
        else:
            self.watchdog.owner_until(asked + _UNGUARDED)
        if left is not None:
            self.drained(left)

    def look_after(self) -> float | None:
        """Queue what dead workers have left, and find out what waits.

        Returns:
            The seconds until the next look, if it is to be before the next beat: a worker that becomes too
            silent meanwhile is found at once.
        """
        # Of many workers, a few at a time: each beat of each would read the rows of all.
        others = self._expects or random.random() * self._known <= _LOOKERS
        try:
            if others and lease_time() - self._steady >= self._limit:
                self._look_after_others()
            found = requeue.outlook(self.workers.database, self.me, others=others)
        except StorageError as error:
            self.tell(f"{self.me.name}: {error}")
            return None
        self.slots.waiting, self.slots.anything_new = found.takeovers, found.anything_new
        # Another worker may just be taking up what the dead one left: then it is seen a moment later.
        pause = _MOMENT if self._expects else None
        self._expects = found.due is not None and 0 < found.due <= self.me.beat.total_seconds()
        return found.due if self._expects else pause

    def run(self, step: Callable[[], float | None], until: Callable[[], bool]) -> None:
        """Do something at each beat, or earlier if it says so, until told to end."""
        while not until():
            pause = step()
            time.sleep(self.me.beat.total_seconds() * random.uniform(0.9, 1.1) if pause is None else pause)

    def _look_after_others(self) -> None:
        database = self.workers.database
        gone = self.workers.bury(self.me.id)
        # Seldom without cause: one that buries may die before it has put the wishes back.
        if not gone and lease_time() < self._thorough:
            return
        self._thorough = lease_time() + self._limit * random.uniform(0.5, 1)
        for wish, worker in requeue.take_up(database).items():
            why = f" ({gone[worker]})" if worker in gone else ""
            self.tell(f"{self.me.name}: takes up {wish} of {worker}, which is dead{why}")
        versions = self.workers.versions()
        self._known = sum(versions.values())
        orphans = [
            each
            for each in requeue.queued_versions(database)
            if each not in versions and is_older(each, self.me.version)
        ]
        if orphans and (count := requeue.adopt(database, orphans, self.me.version)):
            self.tell(f"{self.me.name}: takes over {count} wishes of older programs")

    @property
    def _limit(self) -> float:
        return self.me.dead_after.total_seconds()

    @property
    def _patience(self) -> float:
        return self._limit * 2 / 3
