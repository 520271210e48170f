"""Follow the records of all environments, in the order in which they happened."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from environments.events.cursor import Cursor
from environments.model.errors import UnreadableSummary
from environments.model.records import StepRecord
from environments.ports import BeginsLater, FollowsHistory, Unread
from environments.storage.changed import changed_of
from statechart.errors import NotFound, StorageError
from statechart.following.followed import Followed, in_blocks
from statechart.following.watching import EVERY
from statechart.storage.chain import CHECKPOINT

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.records import HistoryEntry
    from environments.ports import EnvironmentRepository
    from statechart.following.cursor import Position
    from statechart.following.reader import Unfolding

TOLD: Final = frozenset(("created", "transition", "rebased"))
"""The types of the records that enter a state."""


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
    _followed: Followed[Unread] = field(init=False)

    def __post_init__(self) -> None:
        self._followed = Followed(self.repository.names, self._unfolding, self.wanted, self.positions)

    @property
    def cursor(self) -> Cursor:
        """How far the records were told."""
        return Cursor(dict(self.positions))

    def look(self, names: Iterable[str] | None = None) -> Iterator[Told]:
        """Yield the new records of some environments, or of all: in order in each, and by time.

        An environment that can't be read is told once, and read again with each look.
        """
        for name, found in self._followed.look(names):
            if isinstance(found, StorageError):
                yield UnreadableSummary(name, found)
            else:
                yield from self._told(name, found)

    def close(self) -> None:
        """Close all journals."""
        self._followed.close()

    async def changes(self) -> AsyncGenerator[frozenset[str], None]:
        """Yield the names that may have new records; at first, all."""
        async with aclosing(changed_of(self.repository).names(every=EVERY)) as changes:
            async for changed in changes:
                yield changed

    def _unfolding(self, name: str, hold: bool) -> Unfolding[Unread]:
        return unfolding_of(self.repository, name, since=self.since, hold=hold)

    def _told(self, name: str, found: Unread) -> Iterator[Told]:
        if found.type == CHECKPOINT or (self.types is not None and found.type not in self.types):
            return
        if self.since is not None and found.at < self.since:
            return
        try:
            entry = found.entry()
        except StorageError as error:
            if self._followed.unreadable(name, error):
                yield UnreadableSummary(name, error)
        else:
            yield Event(name, found.lineage, entry, self.cursor)


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


def unfolding_of(
    repository: EnvironmentRepository, name: str, *, since: datetime | None = None, hold: bool = True
) -> Unfolding[Unread]:
    """Return the history of a name as it grows; segments that ended before a time may be left out."""
    if not isinstance(repository, FollowsHistory):
        return _Whole(repository, name)
    unfolding = repository.unfolding(name, hold=hold)
    if since is not None and isinstance(unfolding, BeginsLater):
        unfolding.begin_at(since)
    return unfolding


async def follow(follower: Follower, *, forever: bool) -> AsyncGenerator[Told, None]:
    """Yield the transitions recorded so far, and with `forever` those that follow."""
    try:
        if not forever:
            async for told in in_blocks(follower.look()):
                yield told
            return
        async with aclosing(follower.changes()) as changes:
            async for changed in changes:
                async for told in in_blocks(follower.look(changed)):
                    yield told
    finally:
        follower.close()


def _same(entry: HistoryEntry) -> HistoryEntry:
    return entry
