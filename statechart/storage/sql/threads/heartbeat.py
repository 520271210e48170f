"""The heartbeat: a thread that renews the leases of all names that a process holds in a database.

It is a thread and not a task, since steps keep the event loop busy for longer than a lease. A second thread
tells the watchers, since a renewal may wait for a database that is away.
"""

from __future__ import annotations

import threading
import weakref
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeAlias

import sqlalchemy as sa

from statechart.errors import StorageError
from statechart.storage.sql.clock import now, unhurried
from statechart.storage.sql.errors import DatabaseFailed
from statechart.storage.sql.tables import NAMES
from statechart.storage.values.held import lease_time

_BEATS: Final = 5  # in the time of a lease: work stops after 2/3, so a stall of almost half ends none
_AGAIN: Final = 0.25  # seconds after a renewal that failed
_AT_ONCE: Final = 500  # leases in a statement
_FORGOTTEN: Final = 0.6  # seconds of such changes that a server forgets that crashes: 3 * wal_writer_delay
_STEP: Final = 0.5  # seconds at most: a wait does not count the time in which the machine is suspended


class Leased(Protocol):
    """A name that is held, as far as its lease is concerned.

    Attributes:
        lineage: The incarnation of the name.
        text: The holder, as the row has it.
        ttl: The seconds of a lease.
        due: The time of the next renewal, by `lease_time`.
        until: The time until which work may go on.
        trouble: The reason why the last renewal did not succeed so far, or an empty text.
    """

    lineage: str
    text: str
    ttl: float
    due: float
    until: float
    trouble: str

    @property
    def is_watched(self) -> bool:
        """Whether a watcher has still to be told a loss."""
        ...

    def renewed(self, at: float) -> None:
        """Take note of a renewal that was asked for at a time."""
        ...

    def taken_over(self) -> None:
        """Take note that another holder has the name."""
        ...

    def tell_lost(self) -> None:
        """Tell the watchers once that the time is over."""
        ...


Change: TypeAlias = Callable[[sa.Executable], Sequence[sa.Row[Any]]]
"""Runs a statement that changes rows, and returns the rows that it returns."""

Beat: TypeAlias = Callable[[Change, list[Leased]], "float | None"]
"""Does what is due, and returns the seconds until it has to be called again, or None for no names."""


def first_due(at: float, ttl: float) -> float:
    """Return the time of the first renewal of a lease that was taken at a time."""
    return at + ttl / _BEATS


class Leases:
    """The names that this process holds in a database.

    A session that is forgotten is not renewed: others may take its name when the lease is over.
    """

    def __init__(self) -> None:
        self._held: weakref.WeakSet[Leased] = weakref.WeakSet()
        self._changed = threading.Condition()
        self._changes = 0
        self._running: set[Beat] = set()
        self._wakes: dict[Beat, float] = {}  # while it waits, until when

    def add(self, change: Change, held: Leased) -> None:
        """Renew the lease of a name from now on."""
        with self._changed:
            self._held.add(held)
        self._see_to(_renew, change, held.due)

    def watch(self, change: Change, held: Leased) -> None:
        """Tell the watchers of a name when its time is over, from now on."""
        self._see_to(_tell, change, held.until)

    def discard(self, held: Leased) -> None:
        """Renew the lease of a name no longer."""
        with self._changed:
            self._held.discard(held)

    def _see_to(self, beat: Beat, change: Change, by: float) -> None:
        with self._changed:
            self._changes += 1
            if beat in self._running:
                # A worker takes many names a second: a thread that looks in time is not woken for each.
                if self._wakes.get(beat, by) > by:
                    self._changed.notify_all()
                return
            self._running.add(beat)
        try:
            threading.Thread(
                target=self._run, args=(beat, change), name=f"envchart{beat.__name__}_leases", daemon=True
            ).start()
        except BaseException:
            self._ended(beat)
            raise

    def _run(self, beat: Beat, change: Change) -> None:
        try:
            self._go_on(beat, change)
        except BaseException:
            self._ended(beat)  # the next name that is taken begins another
            raise

    def _ended(self, beat: Beat) -> None:
        with self._changed:
            self._running.discard(beat)

    def _go_on(self, beat: Beat, change: Change) -> None:
        while True:
            with self._changed:
                held, seen = list(self._held), self._changes
            wait = beat(change, held)
            del held  # a forgotten session must not be kept
            with self._changed:
                if self._changes != seen:
                    continue
                if wait is None:
                    self._running.discard(beat)
                    return
                self._wakes[beat] = lease_time() + wait
                self._changed.wait(wait)
                del self._wakes[beat]


def _renew(change: Change, held: list[Leased]) -> float | None:
    """Renew the leases that are due, and all others with them."""
    if not held:
        return None
    if min(each.due for each in held) <= lease_time():
        by_ttl: defaultdict[float, list[Leased]] = defaultdict(list)
        for each in held:
            by_ttl[each.ttl].append(each)
        for ttl, some in by_ttl.items():
            for first in range(0, len(some), _AT_ONCE):
                _renew_some(change, some[first : first + _AT_ONCE], ttl)
    return max(0.0, min(each.due for each in held) - lease_time())


def _renew_some(change: Change, held: list[Leased], ttl: float) -> None:
    at = lease_time()
    # By the holder, and not by the fence, which a commit that was cut off moves meanwhile.
    pairs = [(each.lineage, each.text) for each in held]
    statement = (
        sa.update(NAMES)
        .where(sa.tuple_(NAMES.c.lineage, NAMES.c.holder).in_(pairs))
        .values(lease_until=now() + ttl)
        .returning(NAMES.c.lineage)
    )
    if ttl / _BEATS >= _FORGOTTEN:
        # A crash of the server then takes one renewal back at most. The lease still lasts until 4/5 of its
        # time after the forgotten one, and work ends at 2/3. Fences don't depend on it: those are on disk.
        statement = statement.returning(unhurried())
    for each in held:
        each.trouble = "the database does not answer"
    try:
        kept = {row.lineage for row in change(statement)}
    except StorageError as error:
        for each in held:
            each.trouble = error.summary if isinstance(error, DatabaseFailed) else str(error)
            each.due = lease_time() + min(_AGAIN, ttl / _BEATS)
        return
    for each in held:
        each.due = first_due(at, ttl)
        each.trouble = ""
        if each.lineage in kept:
            each.renewed(at)
        else:
            each.taken_over()


def _tell(_change: Change, held: list[Leased]) -> float | None:
    """Tell the watchers of the leases whose time is over."""
    watched = [each for each in held if each.is_watched]
    if not watched:
        return None
    for each in watched:
        if each.until <= lease_time():
            each.tell_lost()
    return min(_STEP, *(max(0.01, each.until - lease_time()) for each in watched), _STEP)
