"""Read a history as it grows."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import suppress
from datetime import datetime

from statechart.errors import CorruptHistory, NotFound, NotOurs, StorageError, UnusableSegment, Where
from statechart.storage.chain import CHECKPOINT, Head
from statechart.storage.disk import translated
from statechart.storage.layout import Layout
from statechart.storage.reading import find
from statechart.storage.record import Ended, Record, verified
from statechart.storage.segments.older import Older, older, read_older
from statechart.storage.segments.whole import Upgrade


def _as_it_is(record: Record, _path: Where, _before: int) -> Record:
    return record


class Tail:
    """Reads the records of a name that were appended since the last look, each verified.

    Args:
        layout: The paths below the root.
        name: The name; it may be gone, or appear later.
        known: The newest schema version that the reader understands.
        upgrade: Converts a record to the present schema.
        hold: Keep the journal open, so that the last records of a purged name can still be read.

    Attributes:
        begun: Whether the last record that was read is the first of a history, or of the part of a
            history that is read, and not the successor of the record read before it.
    """

    def __init__(
        self, layout: Layout, name: str, known: int, *, upgrade: Upgrade = _as_it_is, hold: bool = True
    ) -> None:
        self.begun: bool = False
        self._layout = layout
        self._upgrade = upgrade
        self._name = name
        self._known = known
        self._hold = hold
        self._path = layout.own(layout.journal(name))
        self._descriptor: int | None = None
        self._identity: tuple[int, int] | None = None
        # The end of what was read: of this file, and of all files.
        self._head: Head | None = None
        self._told: Head | None = None
        self._lines_before = 0
        self._since: tuple[str, int] = "", 0
        self._from: datetime | None = None
        self._gap: UnusableSegment | None = None

    @property
    def lineage(self) -> str:
        """The incarnation of the last record that was read; empty before the first."""
        return self._told.lineage if self._told is not None else ""

    def resume(self, lineage: str, seq: int) -> None:
        """Leave out ended segments that hold nothing behind a record, if reading begins or begins anew.

        Args:
            lineage: The incarnation, or its beginning. In the history of another, all is read.
            seq: The number of the record.
        """
        self._since, self._from = (lineage, seq), None

    def begin_at(self, time: datetime) -> None:
        """Leave out ended segments that hold only records before a time, until `resume` says more."""
        self._from = time

    def read(self) -> Iterator[Record]:
        """Yield the records since the last call; at first, all.

        Reading goes on where a segment ended and the next began. A journal that was replaced by another
        history, because its name was purged and created again or its history begun anew, is read to its
        end, and then the new history from its first record. The records of a journal that was changed or
        could not be read are all yielded again.

        Raises:
            UnusableSegment: An ended segment with records that were not read yet is missing or damaged.
                The next call begins with the first record that can be read behind it.
            CorruptHistory: The journal is damaged.
            NewerSchema: A newer program wrote a record.
            NotOurs: The directory is another program's.
            StorageError: The journal can't be read.
        """
        try:
            yield from self._rest()
            while self._was_replaced():
                yield from self._rest()
        except UnusableSegment:
            self._release()  # what was read stays read
            self._head = self._identity = None
            raise
        except NotFound:  # purged before it could be opened again
            self.close()
        except StorageError:
            self.close()
            raise
        finally:
            if not self._hold:
                self._release()

    def close(self) -> None:
        """Close the journal. The next call of `read` begins with the first record."""
        self._release()
        self._head = self._told = self._identity = self._gap = None

    def _rest(self) -> Iterator[Record]:
        if not self._open():
            return
        if self._head is not None:
            try:
                yield from self._appended(self._head)
            except CorruptHistory:
                self._told = None  # an append was cut off again and another came, for example
            else:
                return
        self._head = None
        yield from self._from_beginning()

    def _appended(self, head: Head) -> Iterator[Record]:
        """Yield the records behind the head of the present file."""
        line = head.seq - self._lines_before + 1
        content = self._content(head.size)
        journal = self._layout.journal(self._name)
        for record, after in verified(content, journal, self._name, self._known, head, line=line):
            self._head = self._told = after
            self.begun = False
            yield self._upgrade(record, journal, self._lines_before)

    def _from_beginning(self) -> Iterator[Record]:
        """Yield the records of a file from its first, and before them those of the segments before it."""
        content = self._content(0)
        journal = self._layout.journal(self._name)
        opening, head = next(verified(content, journal, self._name, self._known))
        if self._told is not None and not _may_continue(opening, head, self._told):
            self._told = self._gap = None
        told = self._told
        for segment in reversed(self._before(opening, head)):
            found = self._read_ended(segment)
            records = found.records(self._name, self._known)
            if not (yield from self._new(records, told, found.path, found.opening.seq - 1)):
                break
        else:
            self._lines_before = opening.seq - 1
            records = verified(content, journal, self._name, self._known)
            if (yield from self._new(records, told, journal, self._lines_before, is_last=True)):
                return
        # The history is another one, although it has the same incarnation.
        self._told = self._gap = None
        yield from self._from_beginning()

    def _before(self, opening: Record, head: Head) -> list[Ended]:
        """Return the segments with records that were not read, as far as they are wanted, latest first."""
        lineage, since = self._since
        last = since if head.lineage.startswith(lineage) else 0
        wanted = max(last, 1)  # a record that was told elsewhere is read again, to be compared
        time = self._from
        if self._told is not None:
            last, wanted, time = self._told.seq, self._told.seq + 1, None

        def is_enough(first: Record) -> bool:
            return first.seq <= wanted or (time is not None and first.at < time)

        found: list[Ended] = []
        try:
            for each in older(opening, self._read_ended, is_enough):
                found.append(each.ended)  # noqa: PERF401  # those behind a gap are kept
        except UnusableSegment as gap:
            # Told once; then the records behind it are read.
            is_told = self._gap is not None and self._gap.path == gap.path
            if gap.last_seq > last and not is_told:
                self._gap = gap
                raise
        return found

    def _new(
        self,
        records: Iterator[tuple[Record, Head]],
        told: Head | None,
        path: Where,
        before: int,
        *,
        is_last: bool = False,
    ) -> Generator[Record, None, bool]:
        """Yield the records of a file that were not read; return whether they continue what was read."""
        for record, head in records:
            if told is None or record.seq > told.seq:
                follows = told is not None and record.seq == told.seq + 1
                if told is not None and follows and record.prev != told.hash:
                    return False
                self.begun = self._told is told and not follows
                self._told = head
                if is_last:
                    self._head = head
                yield self._upgrade(record, path, before)
        return True

    def _read_ended(self, ended: Ended) -> Older:
        return read_older(self._path.parent, self._name, ended, self._known)

    def _content(self, offset: int) -> bytes:
        if self._descriptor is None and not self._open():
            raise NotFound(self._name, str(self._layout.root))
        assert self._descriptor is not None
        with translated("read", self._path):
            content = _read(self._descriptor, offset)
        if not self._hold:
            self._release()  # before the first record is yielded: many journals are read side by side
        return content

    def _open(self) -> bool:
        """Open the journal, if it is not open; return whether it exists."""
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
        """Let go of a journal that is at its path no more; return whether another journal is there."""
        try:
            there = self._path.status()
        except (NotOurs, OSError):  # the next look reports it
            return False
        if there is not None and (there.st_dev, there.st_ino) == self._identity:
            return False
        self._release()
        self._head = self._identity = None
        return there is not None

    def _release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None


def _may_continue(opening: Record, head: Head, told: Head) -> bool:
    """Return whether a file may hold, or lie behind, the successor of the last record that was read."""
    return opening.type == CHECKPOINT and head.lineage == told.lineage and opening.seq > told.seq


def _read(descriptor: int, offset: int) -> bytes:
    """Return the bytes of an open file from an offset on."""
    parts = []
    while part := os.pread(descriptor, 1 << 20, offset):
        parts.append(part)
        offset += len(part)
    return b"".join(parts)
