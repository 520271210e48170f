"""Follow the records of all environments, in the order in which they happened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias

from environments.events.cursor import Cursor, Position
from environments.model.errors import UnreadableSummary
from environments.model.records import StepRecord
from environments.ports import FollowsHistory, Unfolding, Unread
from environments.system.cancellation import in_thread
from environments.system.watching import changed_names
from statechart.errors import NotFound, StorageError

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.records import HistoryEntry
    from environments.ports import EnvironmentRepository

TOLD: Final = frozenset(("created", "transition", "rebased"))
"""The types of the records that enter a state."""

_HELD = 200  # journals that are kept open, far below the usual limit of 1024 open files
_BLOCK = 100  # records that are read at once
_EVERY = 0.2  # seconds between two looks at a repository without files
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """A record of an environment, in the order of all environments.

    Attributes:
        name: The environment.
        lineage: The incarnation of the environment.
        entry: The record with its number, time and actor.
        cursor: How far all records were told, including this record.
    """

    name: str
    lineage: str
    entry: HistoryEntry
    cursor: Cursor

    @property
    def at(self) -> datetime:
        """The time of the record."""
        return self.entry.at

    @property
    def environment(self) -> AnyEnvironment | None:
        """The environment after the record; None for the record of a step."""
        return getattr(self.entry.record, "environment", None)


Told: TypeAlias = Event | UnreadableSummary
_Pending: TypeAlias = tuple[datetime, str, Unread | StorageError]


@dataclass(slots=True)
class Reader:
    """Yields the records of an environment that were not told yet.

    Attributes:
        unfolding: The history.
        told: The error that was told, until the history can be read again.
    """

    unfolding: Unfolding
    told: str | None = None
    _latest: datetime = _BEGINNING
    _begun: Position | None = None
    _agrees: bool = True

    def unread(self, name: str, position: Callable[[], Position | None]) -> Iterator[_Pending]:
        """Yield the records after a position, with times that never go back, or at last the error."""
        try:
            for record in self._after(position):
                # The clock may have gone back, but the order of an environment's records must not.
                self._latest = max(self._latest, record.at)
                yield self._latest, name, record
        except StorageError as error:
            yield self._latest, name, error
        else:
            self.told = None

    def _after(self, position: Callable[[], Position | None]) -> Iterator[Unread]:
        later: list[Unread] = []
        for record in self.unfolding.read():
            if record.seq == 1:
                begun = position()
                self._begun = begun if begun is not None and begun.is_of(record.lineage) else None
                self._agrees = self._begun is None
            begun = self._begun
            here = Position.of(record.lineage, record.seq, record.at)
            if here == begun:
                self._agrees = True
                later.clear()
            elif begun is None or here.seq > begun.seq:
                yield from later
                later.clear()
                if self._agrees or begun is None or here.at > begun.at:
                    yield record
            elif here.at > begun.at:
                # Only if the record of the position is missing: the history was begun anew after
                # damage, or an older copy was put back. Then what came later in time is new.
                later.append(record)
        yield from later


@dataclass(slots=True)
class Follower:
    """Tells the records of the environments of a repository, each once.

    Attributes:
        repository: The environments.
        wanted: Whether the environment of a name is followed.
        types: The types of the records to tell; None tells all.
        since: Records before this time are not told.
        positions: The last record of each environment that was told or passed over.
    """

    repository: EnvironmentRepository
    wanted: Callable[[str], bool] = lambda _name: True
    types: Collection[str] | None = TOLD
    since: datetime | None = None
    positions: dict[str, Position] = field(default_factory=dict)
    _readers: dict[str, Reader] = field(default_factory=dict)

    @property
    def cursor(self) -> Cursor:
        """How far the records were told."""
        return Cursor(dict(self.positions))

    def look(self, names: Iterable[str] | None = None) -> Iterator[Told]:
        """Yield the new records of some environments, or of all: in order in each, and by time.

        An environment that can't be read is told once, and read again with each look.
        """
        if names is None:
            names = self.repository.names()
        again = (name for name, reader in self._readers.items() if reader.told is not None)
        chosen = {name for name in (*names, *again) if self.wanted(name)}
        yield from self._read(chosen)
        yield from self._forget_purged()

    def _read(self, names: Collection[str]) -> Iterator[Told]:
        for _, name, found in merge(*map(self._unread, sorted(names)), key=_when):
            if isinstance(found, StorageError):
                yield from self._unreadable(name, found)
            else:
                self.positions[name] = Position.of(found.lineage, found.seq, found.at)
                yield from self._told(name, found)

    def _forget_purged(self) -> Iterator[Told]:
        """Yield the last records of environments that are gone, and forget these environments."""
        yield from self._read(self._readers.keys() - set(self.repository.names()))
        # Asked again: what was created again meanwhile is read already, and stays.
        there = set(self.repository.names())
        self.positions = {name: each for name, each in self.positions.items() if name in there}
        for name in self._readers.keys() - there:
            self._readers.pop(name).unfolding.close()

    def close(self) -> None:
        """Close all journals."""
        for reader in self._readers.values():
            reader.unfolding.close()
        self._readers.clear()

    async def changes(self) -> AsyncGenerator[frozenset[str], None]:
        """Yield the names that may have new records; at first, all."""
        if isinstance(self.repository, FollowsHistory):
            async with aclosing(changed_names(self.repository.root)) as changes:
                async for changed in changes:
                    yield changed
        while True:
            yield frozenset(self.repository.names())
            await asyncio.sleep(_EVERY)

    def _unread(self, name: str) -> Iterator[_Pending]:
        reader = self._readers.get(name)
        if reader is None:
            reader = self._readers[name] = Reader(self._unfolding(name))
        return reader.unread(name, lambda: self.positions.get(name))

    def _unfolding(self, name: str) -> Unfolding:
        if isinstance(self.repository, FollowsHistory):
            return self.repository.unfolding(name, hold=len(self._readers) < _HELD)
        return _Whole(self.repository, name)

    def _told(self, name: str, found: Unread) -> Iterator[Told]:
        if self.types is not None and found.type not in self.types:
            return
        if self.since is not None and found.at < self.since:
            return
        try:
            entry = found.entry()
        except StorageError as error:
            yield from self._unreadable(name, error)
        else:
            yield Event(name, found.lineage, entry, self.cursor)

    def _unreadable(self, name: str, error: StorageError) -> Iterator[Told]:
        reader = self._readers[name]
        if reader.told != str(error):
            reader.told = str(error)
            yield UnreadableSummary(name, error)


@dataclass(slots=True)
class _Whole:
    """The history of an environment in a repository that only returns whole histories."""

    repository: EnvironmentRepository
    name: str

    def read(self) -> Iterator[Unread]:
        """Yield all records; a missing environment has none."""
        lineage = ""
        with suppress(NotFound):
            for entry in self.repository.history(self.name):
                if not isinstance(entry.record, StepRecord):
                    lineage = entry.record.environment.lineage
                yield Unread(lineage, entry.seq, entry.at, entry.record.type, partial(_same, entry))

    def close(self) -> None:
        """Do nothing: nothing is held."""


async def follow(follower: Follower, *, forever: bool) -> AsyncGenerator[Told, None]:
    """Yield the transitions recorded so far, and with `forever` those that follow."""
    try:
        if not forever:
            async for told in _told(follower.look()):
                yield told
            return
        async with aclosing(follower.changes()) as changes:
            async for changed in changes:
                async for told in _told(follower.look(changed)):
                    yield told
    finally:
        follower.close()


async def _told(look: Iterator[Told]) -> AsyncIterator[Told]:
    """Yield the results of a look, which reads files, without blocking other tasks."""
    while block := await in_thread(lambda: list(islice(look, _BLOCK))):
        for told in block:
            yield told


def _when(pending: _Pending) -> datetime:
    return pending[0]


def _same(entry: HistoryEntry) -> HistoryEntry:
    return entry
