"""The segments of a history in a database: whole, and one by one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from statechart.errors import MissingSegment, StorageError
from statechart.storage.chain import CHECKPOINT, lines_of
from statechart.storage.record import Ended, Record, ended_of, read_line
from statechart.storage.segments.older import Enough, Older, never, older, verify
from statechart.storage.segments.whole import Place, SegmentFile, Upgrade, joined
from statechart.storage.sql.reading import Names, Present, find, segment_of


@dataclass(frozen=True, slots=True)
class History:
    """A history in a database, as it was when its present segment was read.

    Attributes:
        names: The names of the collection.
        name: The name.
        known: The newest schema version that the reader understands.
        present: The present segment.
    """

    names: Names
    name: str
    known: int
    present: Present

    @classmethod
    def of(cls, names: Names, name: str, known: int) -> History:
        """Read the present segment of a history; raises the errors of `find`."""
        return cls(names, name, known, find(names, name, known))

    @property
    def place(self) -> str:
        """The place of the present segment, for messages."""
        return self.names.place(self.name)

    def read(self, ended: Ended) -> Older:
        """Read an ended segment, and verify it.

        Raises:
            MissingSegment: It is not there.
            UnusableSegment: It is damaged.
        """
        content = segment_of(self.names.database, self.present.head.lineage, ended.first_seq)
        path = f"{self.place}/{ended.file}"
        if not content:
            problem = "they are not in the database: restore them from a backup"
            raise MissingSegment(self.name, path, ended.first_seq, ended.last_seq, problem)
        return verify(content, self.name, path, ended, self.known)

    def records(self, upgrade: Upgrade, chain: list[Ended]) -> Iterator[Record]:
        """Yield the records of ended segments, given the latest first, and of the present segment."""
        opening = self.present.opening
        yield from joined(self.name, chain, self.read, self.known, opening, self.place, upgrade)
        for line in lines_of(self.present.content):
            yield upgrade(read_line(line), self.place, self.present.before)

    def place_of(self, seq: int) -> tuple[str, int]:
        """Return the place of a record, and the number of the last record before that place."""
        with suppress(StorageError):
            if seq > self.present.before:
                return self.place, self.present.before
            for each in older(self.present.opening, self.read):
                if each.opening.seq <= seq:
                    return str(each.path), each.opening.seq - 1
        return self.place, 0

    def segments(self) -> list[SegmentFile]:
        """Return the segments, oldest first, each verified; an unreadable segment has its problem."""
        head, before = self.present.head, self.present.before
        listed = [SegmentFile(self.place, before + 1, head.seq, "current", head.size)]
        opening: Record | None = self.present.opening
        while opening is not None and opening.type == CHECKPOINT:
            ended = ended_of(opening.data)
            assert ended is not None
            each, opening = self._looked_at(ended)
            listed.append(each)
        return sorted(listed, key=lambda each: each.first_seq)

    def _looked_at(self, ended: Ended) -> tuple[SegmentFile, Record | None]:
        """Return an ended segment with its first record, if it can be read."""
        place: Place = "plain"
        problem: StorageError | None = None
        opening = None
        try:
            found = self.read(ended)
            opening = found.opening
            for _ in found.records(self.name, self.known):
                pass
        except StorageError as error:
            problem, opening = error, None
            place = "missing" if isinstance(error, MissingSegment) else "unusable"
        path = f"{self.place}/{ended.file}"
        listed = SegmentFile(
            path, ended.first_seq, ended.last_seq, place, ended.bytes, ended.sha256, problem
        )
        return listed, opening


def chained(names: Names, name: str, known: int, enough: Enough = never) -> tuple[History, list[Ended]]:
    """Read a history, and verify its ended segments back to what is enough, the latest first.

    Raises:
        StorageError: As `find` and `History.read`.
    """
    for last in (False, True):
        history = History.of(names, name, known)
        try:
            return history, [each.ended for each in older(history.present.opening, history.read, enough)]
        except MissingSegment:
            if last:  # otherwise the name may have been purged and created again meanwhile
                raise
    raise AssertionError("unreachable: the second attempt returns or raises")
