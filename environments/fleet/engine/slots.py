"""Slots: how many wishes a worker takes from each queue now.

DBOS keeps the limit of a queue in its database, one for all workers, and picks at random among the
environments that wait: with all slots taken, the wishes of a dead worker waited for up to 30 s. So each
worker sets its own limits when DBOS reads those of a queue. A worker has spare slots that only takeovers
use, and begins nothing new while a takeover waits.

DBOS asks each queue five times a second, unless its limit is zero. So the limit of a queue in which nothing
waits is zero, and the attendance of the worker finds out in which something does.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dbos import DBOS, Queue

from environments.fleet.engine.names import QUEUE, TAKEOVERS


class Slots:
    """The slots of this worker.

    Attributes:
        size: How many wishes it works on at the same time.
        spare: How many more, if they are takeovers.
        is_open: Whether it takes any more work.
        waiting: How many takeovers wait, here or elsewhere.
        anything_new: Whether anything waits in the other queue.
    """

    def __init__(self, size: int, spare: int) -> None:
        self.size = size
        self.spare = spare
        self.is_open = True
        self.waiting = 0
        self.anything_new = True
        self._busy: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, queue: str) -> Iterator[None]:
        """Count a wish of a queue as long as the context lasts."""
        with self._lock:
            self._busy[queue] += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy[queue] -= 1

    @property
    def busy(self) -> int:
        """How many wishes are in hand."""
        return self._busy.total()

    def limit(self, queue: str) -> int:
        """Return how many wishes of a queue may be in hand at the same time, those in hand included."""
        if not self.is_open:
            return 0
        others = self.busy - self._busy[queue]
        if queue == TAKEOVERS:
            return max(0, self.size + self.spare - others)
        return max(0, self.size - max(0, others - self.spare) - self.waiting)

    def limit_now(self, queue: str) -> int:
        """Return the limit of a queue, or 0 if nothing waits in it."""
        something = self.waiting > 0 if queue == TAKEOVERS else self.anything_new
        return self.limit(queue) if something else 0

    def apply(self, engine: DBOS) -> None:
        """Let the launched engine of this process ask for its limits here."""
        tables = engine._sys_db
        read = tables.get_queue
        kept: dict[str, Queue] = {}

        def get_queue(name: str, *arguments: Any, **options: Any) -> Queue | None:  # Any: as DBOS calls it
            if name not in (QUEUE, TAKEOVERS):
                return read(name, *arguments, **options)
            if name not in kept:
                found = read(name, *arguments, **options)
                if found is None:
                    return None
                kept[name] = found  # `fleet migrate` declares it once
            kept[name]._worker_concurrency = self.limit_now(name)
            return kept[name]

        tables.get_queue = get_queue  # type: ignore[method-assign]  # DBOS has no hook for it
