"""Which names a runner of timers attempts, and when; nothing is read or fired here."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from statechart.engine.declaration.timers import Due

_AT_ONCE: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Retry:
    """An attempt that is repeated.

    Attributes:
        timers: The timers that could not be fired, with their deadlines: one that began again is another.
        at: The time of the next attempt, by a clock that is never set.
        count: The number of attempts so far.
        since: The time of the first attempt.
    """

    timers: frozenset[Due]
    at: float
    count: int
    since: float


class Schedule:
    """The deadlines of names by the wall clock, and attempts to be repeated by a clock that is never set.

    A name that is taken is attempted by nobody else until it is given back. What is noted of the name
    meanwhile may be older than the attempt, so the name is looked at once more.
    """

    def __init__(self) -> None:
        self._deadlines: dict[str, datetime] = {}
        self._heap: list[tuple[datetime, str]] = []
        self._later: list[tuple[float, str]] = []
        self.retries: dict[str, Retry] = {}
        self._taken: set[str] = set()
        self._dirty: set[str] = set()

    def note(self, name: str, timers: Iterable[Due]) -> None:
        """Take note of the timers of a name that run; those that wait for another attempt go on waiting."""
        if name in self._taken:
            self._dirty.add(name)
            return
        timers = tuple(timers)
        retry = self.retries.get(name)
        if retry is not None and retry.timers.isdisjoint(timers):
            del self.retries[name]
            retry = None
        self._set(name, _earliest(timers, retry))

    def note_all(self, found: Iterable[tuple[str, tuple[Due, ...]]], names: Collection[str] | None) -> None:
        """Take note of the timers of some names, or of all; names that were not found have none."""
        timers = dict(found)
        known = self._deadlines.keys() | self.retries.keys() | self._taken
        for name in [*timers, *((known if names is None else known & set(names)) - timers.keys())]:
            self.note(name, timers.get(name, ()))

    def take(self, now: datetime, time: float) -> str | None:
        """Return a name to attempt now, or None; the earliest deadline is first.

        Args:
            now: The present by the wall clock.
            time: The present by the clock that is never set.
        """
        name = self._first(now)
        while name is None and self._later and self._later[0][0] <= time:
            at, waiting = heappop(self._later)
            retry = self.retries.get(waiting)
            if retry is not None and retry.at == at and waiting not in self._taken:
                name = waiting
        if name is not None:
            self._taken.add(name)
            self._deadlines.pop(name, None)
        return name

    def give_back(self, name: str, timers: Iterable[Due], retry: Retry | None) -> None:
        """Let a name be attempted again, by its timers that run and, if any of them failed, later."""
        self._taken.discard(name)
        self.retries.pop(name, None)
        if retry is not None:
            self.retries[name] = retry
            heappush(self._later, (retry.at, name))
        self._set(name, _earliest(timers, retry))
        if name in self._dirty:
            self._dirty.discard(name)
            self._set(name, _AT_ONCE)

    def wait(self, now: datetime, time: float, longest: float) -> float:
        """Return the seconds until there may be a name to attempt, at most so many."""
        seconds = longest
        self._drop_old()
        if self._heap:
            # A deadline a hundred years ahead, less a moment in the year 1, is a time that fits.
            seconds = min(seconds, (self._heap[0][0] - now).total_seconds())
        if self._later:
            seconds = min(seconds, self._later[0][0] - time)
        return max(0.0, seconds)

    def _first(self, now: datetime) -> str | None:
        self._drop_old()
        if self._heap and self._heap[0][0] <= now:
            return heappop(self._heap)[1]
        return None

    def _drop_old(self) -> None:
        """Drop entries of names that have another deadline now."""
        while self._heap and self._deadlines.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)

    def _set(self, name: str, at: datetime | None) -> None:
        if at is None:
            self._deadlines.pop(name, None)
        elif self._deadlines.get(name) != at:
            self._deadlines[name] = at
            heappush(self._heap, (at, name))


def _earliest(timers: Iterable[Due], retry: Retry | None) -> datetime | None:
    """Return the earliest deadline of the timers that do not wait for another attempt."""
    waiting = frozenset[object]() if retry is None else retry.timers
    return min((each.at for each in timers if each not in waiting), default=None)
