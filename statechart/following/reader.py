"""Read the records of a history that were not told yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

from statechart.errors import StorageError
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

    def unread(
        self, name: str, position: Callable[[], Position | None]
    ) -> Iterator[tuple[datetime, str, UnreadT | StorageError]]:
        """Yield the records after a position, with times that never go back, or at last the error."""
        try:
            for record in self._after(position):
                # The clock may have gone back, but the order of a name's records must not.
                self._latest = max(self._latest, record.at)
                yield self._latest, name, record
        except StorageError as error:
            yield self._latest, name, error
        else:
            self.told = None

    def _after(self, position: Callable[[], Position | None]) -> Iterator[UnreadT]:
        later: list[UnreadT] = []
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
