"""Attendance: a worker tells that it lives, and takes up what dead workers leave."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from environments.fleet.engine import requeue
from environments.fleet.engine.names import TAKEOVERS
from environments.fleet.versions import is_older
from environments.system.watchdog import Watchdog
from statechart.errors import StorageError
from statechart.storage.values.held import lease_time

if TYPE_CHECKING:
    from environments.fleet.engine.slots import Slots
    from environments.fleet.engine.workers import Workers
    from environments.fleet.worker_status import WorkerStatus

BEAT: Final = timedelta(seconds=0.5)


@dataclass(slots=True)
class Attendance:
    """The presence of one worker in the table.

    Attributes:
        workers: The table.
        me: This worker.
        slots: Its slots.
        tell: Prints a message.
        over: Called once if the worker was declared dead.
        drained: Called at each beat while the worker is asked to drain, with the time that is left.
    """

    workers: Workers
    me: WorkerStatus
    slots: Slots
    tell: Callable[[str], None]
    over: Callable[[], None]
    drained: Callable[[timedelta], None]
    watchdog: Watchdog = field(default_factory=Watchdog.of_this_process)
    _seen: float = 0.0
    _steady: float = 0.0

    def begin(self) -> None:
        """Register, before any work is taken, so that the worker never looks dead while it works."""
        self._seen = lease_time()
        # Others get a moment to be seen, in case the database has just come back.
        self._steady = self._seen - self.workers.dead.total_seconds() + 2 * BEAT.total_seconds()
        self.workers.register(self.me)

    def guard(self) -> None:
        """Have this process ended in time, if it can't tell that it lives: paused, it can't end itself.

        Others take over when it was silent for `dead`; it ends after two thirds of that.
        """
        self.watchdog.owner_until(self._seen + self.workers.dead.total_seconds() * 2 / 3)

    def beat(self) -> None:
        """Tell that the worker lives, and look after the work of dead ones."""
        asked = lease_time()
        try:
            left = self.workers.beat(self.me.id)
            if asked - self._seen > self.workers.dead.total_seconds() / 2:
                self._steady = asked  # the database was away: the others, too, could not be seen
            self._seen = asked
            if self.slots.busy:
                self.guard()
            else:
                self.watchdog.owner_until(asked + _UNGUARDED)
            if left is not None:
                self.drained(left)
            if asked - self._steady >= self.workers.dead.total_seconds():
                self._look_after_others()
            self.slots.waiting = requeue.waiting_takeovers(self.workers.database, self.me.version)
        except LookupError:
            self.tell(f"{self.me.name} was declared dead, and ends: it had not been seen for too long")
            self.over()
        except StorageError as error:
            self.tell(f"{self.me.name}: {error}")

    def _look_after_others(self) -> None:
        """Queue what dead workers have left, and what no worker of its version is there for."""
        database = self.workers.database
        self.workers.bury(spare=self.me.id)
        present = self.workers.all()
        for gone in requeue.abandoned(database, [each.id for each in present]):
            for wish in requeue.put_back(database, [gone], queue=TAKEOVERS):
                self.tell(f"{self.me.name}: takes up {wish} of {gone}, which is dead")
        versions = {each.version for each in present}
        orphans = [
            each
            for each in requeue.queued_versions(database)
            if each not in versions and is_older(each, self.me.version)
        ]
        if orphans and (count := requeue.adopt(database, orphans, self.me.version)):
            self.tell(f"{self.me.name}: takes over {count} wishes of older programs")

    def run(self, until: Callable[[], bool]) -> None:
        """Beat until told to end."""
        while not until():
            self.beat()
            time.sleep(BEAT.total_seconds())


_UNGUARDED: Final = 365 * 24 * 3600.0  # seconds; without work there is nothing to guard
