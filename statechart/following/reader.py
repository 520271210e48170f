"""Read the records of a history that were not told yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar, runtime_checkable

from statechart.errors import StorageError, UnusableSegment
from statechart.following.cursor import Position

_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


class Unread(Protocol):
    """A record that a follower has not read before."""

    @property
    def lineage(self) -> str:
        """The incarnation of the record's name."""
        ...

    @property
    def seq(self) -> int:
        """The number of the record."""
        ...

    @property
    def at(self) -> datetime:
        """The time of the record."""
        ...

    @property
    def type(self) -> str:
        """The type of the record."""
        ...

    @property
    def begins(self) -> bool:
        """Whether reading began with this record, although it may not be the first of the history."""
        ...


UnreadT = TypeVar("UnreadT", bound=Unread)
ReadT = TypeVar("ReadT", bound=Unread, covariant=True)


class Unfolding(Protocol[ReadT]):
    """A history while it grows."""

    def read(self) -> Iterator[ReadT]:
        """Yield the records since the last call; at first, and after another history began, all.

        A missing name has none.

        Raises:
            StorageError: The history can't be read.
        """
        ...

    def close(self) -> None:
        """Release what is held. The next call of `read` begins with the first record."""
        ...


@runtime_checkable
class Resumes(Protocol):
    """An Unfolding that need not read all ended segments of a history."""

    def resume(self, lineage: str, seq: int) -> None:
        """Leave out ended segments that hold nothing behind a record, if reading begins or begins anew."""
        ...


@dataclass(slots=True)
class Reader(Generic[UnreadT]):
    """Yields the records of a name that were not told yet.

    Attributes:
        unfolding: The history.
        told: The error that was told, until the history can be read again.
    """

    unfolding: Unfolding[UnreadT]
    told: str | None = None
    _latest: datetime = _BEGINNING
    _begun: Position | None = None
    _agrees: bool = True
    _is_whole: bool = True
    _met_gap: bool = False

    def unread(
        self, name: str, position: Callable[[], Position | None]
    ) -> Iterator[tuple[datetime, str, UnreadT | StorageError]]:
        """Yield the records after a position, with times that never go back, and errors."""
        try:
            try:
                yield from self._dated(name, position)
            except UnusableSegment as gap:
                self._met_gap = True
                # Told once: the records of the segment are passed over, but not in silence.
                yield self._latest, name, gap
                yield from self._dated(name, position)
        except StorageError as error:
            yield self._latest, name, error
        else:
            self.told = None

    def _dated(
        self, name: str, position: Callable[[], Position | None]
    ) -> Iterator[tuple[datetime, str, UnreadT]]:
        begun = position()
        if begun is not None and isinstance(self.unfolding, Resumes):
            # After a gap, all that is left may hold something new.
            self.unfolding.resume(*("", 0) if self._met_gap else (begun.lineage, begun.seq))
        for record in self._after(position):
            # The clock may have gone back, but the order of a name's records must not.
            self._latest = max(self._latest, record.at)
            yield self._latest, name, record

    def _after(self, position: Callable[[], Position | None]) -> Iterator[UnreadT]:
        later: list[UnreadT] = []
        for record in self.unfolding.read():
            if record.seq == 1 or record.begins:
                self._begin(record, position())
            begun = self._begun
            here = Position.of(record.lineage, record.seq, record.at)
            if here == begun:
                self._agrees = True
                later.clear()
            elif begun is None or here.seq > begun.seq:
                if not (self._agrees or self._is_whole):
                    break
                yield from later
                later.clear()
                if self._agrees or begun is None or here.at > begun.at:
                    yield record
            elif here.at > begun.at:
                # Only if the record of the position is missing: the history was begun anew after
                # damage, or an older copy was put back. Then what came later in time is new.
                later.append(record)
        if self._agrees or self._is_whole:
            yield from later
        else:
            # The record of the position is missing, or another one: what is new may be in any segment.
            yield from self._again(position)

    def _begin(self, first: UnreadT, position: Position | None) -> None:
        """Take a position in the history that begins with a record."""
        begun = position if position is not None and position.is_of(first.lineage) else None
        # With a gap, no reading has more than this one.
        self._begun, self._is_whole = begun, first.seq == 1 or self._met_gap
        # Behind a position whose own segment can't be read, all is new.
        self._agrees = begun is None or first.seq > begun.seq

    def _again(self, position: Callable[[], Position | None]) -> Iterator[UnreadT]:
        """Yield the records after a position in a history that is read from its first record."""
        self.unfolding.close()
        if isinstance(self.unfolding, Resumes):
            self.unfolding.resume("", 0)
        yield from self._after(position)
