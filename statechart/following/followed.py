"""Follow the histories of many names: each record once, in order in each name, and by time among them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Generic, TypeVar

from statechart.errors import StorageError
from statechart.following.cancellation import in_thread
from statechart.following.cursor import Position
from statechart.following.reader import Reader, Unfolding, UnreadT

ToldT = TypeVar("ToldT")

HELD = 200
"""The journals that are kept open, far below the usual limit of 1024 open files."""

TOGETHER = 1000
"""The journals whose records are merged by time, as each is in memory meanwhile."""

_BLOCK = 100  # records that are read at once


@dataclass(slots=True)
class Followed(Generic[UnreadT]):
    """The histories of many names, and how far each was told.

    Attributes:
        names: Returns the names that exist now.
        unfolding: Opens the history of a name. With the second argument, the last records are read even
            if the name is purged meanwhile.
        wanted: Whether a name is followed.
        positions: The last record of each name that was told or passed over.
    """

    names: Callable[[], Collection[str]]
    unfolding: Callable[[str, bool], Unfolding[UnreadT]]
    wanted: Callable[[str], bool] = lambda _name: True
    positions: dict[str, Position] = field(default_factory=dict)
    _readers: dict[str, Reader[UnreadT]] = field(default_factory=dict)

    def look(self, names: Iterable[str] | None = None) -> Iterator[tuple[str, UnreadT | StorageError]]:
        """Yield the new records of some names, or of all: in order in each, and by time.

        Of more than `TOGETHER` names, those that come first by name are told first. A name that can't be
        read has its error told once, and is read again with each look.
        """
        if names is None:
            names = self.names()
        again = (name for name, reader in self._readers.items() if reader.told is not None)
        chosen = {name for name in (*names, *again) if self.wanted(name)}
        yield from self._read(chosen)
        yield from self._forget_purged()

    def unreadable(self, name: str, error: StorageError) -> bool:
        """Return whether an error of a name was not told yet; from now on, it was."""
        reader = self._readers[name]
        new = reader.told != str(error)
        reader.told = str(error)
        return new

    def close(self) -> None:
        """Close all histories."""
        for reader in self._readers.values():
            reader.unfolding.close()
        self._readers.clear()

    def _read(self, names: Collection[str]) -> Iterator[tuple[str, UnreadT | StorageError]]:
        ordered = sorted(names)
        for begin in range(0, len(ordered), TOGETHER):
            pending = map(self._unread, ordered[begin : begin + TOGETHER])
            for _, name, found in merge(*pending, key=_when):
                if not isinstance(found, StorageError):
                    self.positions[name] = Position.of(found.lineage, found.seq, found.at)
                    yield name, found
                elif self.unreadable(name, found):
                    yield name, found

    def _forget_purged(self) -> Iterator[tuple[str, UnreadT | StorageError]]:
        """Yield the last records of names that are gone, and forget these names."""
        yield from self._read(self._readers.keys() - set(self.names()))
        # Asked again: what was created again meanwhile is read already, and stays.
        there = set(self.names())
        for name in self.positions.keys() - there:
            del self.positions[name]
        for name in self._readers.keys() - there:
            self._readers.pop(name).unfolding.close()

    def _unread(self, name: str) -> Iterator[tuple[datetime, str, UnreadT | StorageError]]:
        reader = self._readers.get(name)
        if reader is None:
            unfolding = self.unfolding(name, len(self._readers) < HELD)
            reader = self._readers[name] = Reader(unfolding)
        return reader.unread(name, lambda: self.positions.get(name))


async def in_blocks(look: Iterator[ToldT]) -> AsyncGenerator[ToldT, None]:
    """Yield the results of a look, which reads files or rows, without blocking other tasks.

    Results before an error are yielded before it is raised: the look counts them as told.
    """
    while True:
        block, error = await in_thread(lambda: _block(look))
        for told in block:
            yield told
        if error is not None:
            raise error
        if not block:
            return


def _block(look: Iterator[ToldT]) -> tuple[list[ToldT], StorageError | None]:
    block: list[ToldT] = []
    try:
        block.extend(islice(look, _BLOCK))
    except StorageError as error:
        return block, error
    return block, None


def _when(pending: tuple[datetime, str, object]) -> datetime:
    return pending[0]
