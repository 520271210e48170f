"""Read a journal as it grows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress

from statechart.errors import CorruptHistory, NotFound, NotOurs, StorageError
from statechart.storage.chain import Head
from statechart.storage.disk import translated
from statechart.storage.layout import Layout
from statechart.storage.reading import find
from statechart.storage.record import Record, verified


class Tail:
    """Reads the records of a name that were appended since the last look, each verified.

    Args:
        layout: The paths below the root.
        name: The name; it may be gone, or appear later.
        known: The newest schema version that the reader understands.
        upgrade: Converts a record to the present schema.
        hold: Keep the journal open, so that the last records of a purged name can still be read.
    """

    def __init__(
        self,
        layout: Layout,
        name: str,
        known: int,
        *,
        upgrade: Callable[[Record], Record] = lambda record: record,
        hold: bool = True,
    ) -> None:
        self._layout = layout
        self._upgrade = upgrade
        self._name = name
        self._known = known
        self._hold = hold
        self._path = layout.own(layout.journal(name))
        self._descriptor: int | None = None
        self._identity: tuple[int, int] | None = None
        self._head: Head | None = None

    @property
    def lineage(self) -> str:
        """The incarnation of the last record that was read; empty before the first."""
        return self._head.lineage if self._head is not None else ""

    def read(self) -> Iterator[Record]:
        """Yield the records since the last call; at first, all.

        A journal that was replaced, because its name was purged and created again or its history begun
        anew, is read to its end, and then the new journal from its first record. The records of a
        journal that was changed or could not be read are all yielded again.

        Raises:
            CorruptHistory: The journal is damaged.
            NewerSchema: A newer program wrote a record.
            NotOurs: The directory is another program's.
            StorageError: The journal can't be read.
        """
        try:
            yield from self._rest()
            while self._was_replaced():
                yield from self._rest()
        except StorageError:
            self.close()
            raise
        finally:
            if not self._hold:
                self._release()

    def close(self) -> None:
        """Close the journal. The next call of `read` begins with its first record."""
        self._release()
        self._head = self._identity = None

    def _rest(self) -> Iterator[Record]:
        if not self._open():
            return
        if self._head is not None:
            try:
                yield from self._verified(self._head)
            except CorruptHistory:
                pass  # an append was cut off again and another came, for example: the whole journal tells
            else:
                return
        self._head = None
        yield from self._verified(None)

    def _verified(self, before: Head | None) -> Iterator[Record]:
        assert self._descriptor is not None
        offset = before.size if before is not None else 0
        with translated("read", self._path):
            content = _read(self._descriptor, offset)
        for record, head in verified(
            content, self._layout.journal(self._name), self._name, self._known, before
        ):
            self._head = head
            yield self._upgrade(record)

    def _open(self) -> bool:
        """Open the journal, if it is not open; return whether there is one."""
        if self._descriptor is None:
            with translated("read", self._path):
                try:
                    self._descriptor = self._path.open(os.O_RDONLY)
                except (FileNotFoundError, NotADirectoryError):
                    self._require_gone()
                    return False
        status = os.fstat(self._descriptor)
        identity = status.st_dev, status.st_ino
        if identity != self._identity or (self._head is not None and status.st_size < self._head.size):
            self._head = None
        self._identity = identity
        return True

    def _require_gone(self) -> None:
        """Raise the error of a name that exists, and has no journal that could be opened."""
        with suppress(NotFound):
            find(self._layout, self._name, self._known)

    def _was_replaced(self) -> bool:
        """Let go of a journal that is at its path no more; return whether another one is there."""
        try:
            there = self._path.status()
        except (NotOurs, OSError):  # the next look reports it
            return False
        if there is not None and (there.st_dev, there.st_ino) == self._identity:
            return False
        self.close()
        return there is not None

    def _release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None


def _read(descriptor: int, offset: int) -> bytes:
    """Return the bytes of an open file from an offset on."""
    parts = []
    while part := os.pread(descriptor, 1 << 20, offset):
        parts.append(part)
        offset += len(part)
    return b"".join(parts)
