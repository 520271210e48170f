"""A whole history on its way: its segments, verified."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from statechart.errors import CorruptHistory, Where
from statechart.storage.chain import CHECKPOINT, Head
from statechart.storage.layout import JOURNAL
from statechart.storage.record import Ended, Record, ended_of, verified


@dataclass(frozen=True, slots=True)
class Part:
    """A segment of a history.

    Attributes:
        content: The lines, uncompressed.
        file: The name of the file in a store of files.
    """

    content: bytes
    file: str = JOURNAL


@dataclass(frozen=True, slots=True)
class Summary:
    """A whole history that was verified.

    Attributes:
        head: The head after the last record.
        first: The number of the first record of the last segment.
        recent: The last record with a value, and the records after it.
        shown: The head after the first of these.
        digest: The SHA-256 of all lines, in hexadecimal.
        bytes: The size of all lines.
    """

    head: Head
    first: int
    recent: tuple[Record, ...]
    shown: Head
    digest: str
    bytes: int


class Departure(Protocol):
    """A name that is held for leaving its store."""

    @property
    def name(self) -> str:
        """The name."""
        ...

    @property
    def lineage(self) -> str:
        """The incarnation."""
        ...

    def parts(self) -> Iterator[Part]:
        """Yield the segments, oldest first; each call begins anew."""
        ...

    def leave(self, to: str) -> None:
        """Take the name away, durably and at once, with a note of where it went.

        The history stays in the store, where no command finds it.

        Raises:
            LeaseLost: The name is no longer held; nothing was changed.
        """
        ...

    def close(self) -> None:
        """Let the name go."""
        ...


class Gone(Protocol):
    """A note that a name was moved to another store."""

    @property
    def name(self) -> str:
        """The name."""
        ...

    @property
    def lineage(self) -> str:
        """The incarnation."""
        ...

    @property
    def to(self) -> str:
        """The other store, by its path or its URL without a password."""
        ...


class Harbour(Protocol):
    """A store, as histories leave and reach it."""

    @property
    def where(self) -> str:
        """The place, as messages name it."""
        ...

    def names(self) -> list[str]:
        """Return the names, sorted."""
        ...

    def depart(self, name: str, command: str, timeout: float = 0) -> Departure:
        """Hold a name for leaving, waiting at most `timeout` seconds for another holder.

        Raises:
            NotFound: The name does not exist.
            Locked: Another holder has it.
            CorruptHistory: The history is damaged.
        """
        ...

    def gone(self) -> Sequence[Gone]:
        """Return the notes of the names that left, the latest last."""
        ...

    def lineage(self, name: str) -> str | None:
        """Return the incarnation of a name, or None if there is none."""
        ...

    def stage(self, name: str, history: Summary, parts: Iterable[Part]) -> None:
        """Store a history where no command finds it; an earlier attempt is replaced.

        Raises:
            AlreadyExists: The name is taken.
            Diverged: The history was here earlier, and has left with other records.
            StorageError: The history could not be stored.
        """
        ...

    def staged(self, name: str, lineage: str) -> Iterator[Part] | None:
        """Return the segments of a staged history, oldest first, or None if there is none."""
        ...

    def arrive(self, name: str, lineage: str) -> None:
        """Give a staged history its name, durably and at once; one that has it is left as it is.

        Raises:
            AlreadyExists: The name is taken.
        """
        ...

    def discard(self, lineage: str) -> None:
        """Delete a history that left, and keep the note."""
        ...


def summarize(parts: Iterable[Part], name: str, where: Where, known: int) -> Summary:
    """Verify a whole history: the chain of the records, and that no segment is missing.

    Raises:
        CorruptHistory: The history is damaged, or its beginning is missing.
        NewerSchema: A newer program wrote a record.
    """
    digest, size = sha256(), 0
    before: tuple[Part, Head, int] | None = None
    recent: list[Record] = []
    shown: Head | None = None
    for part in parts:
        digest.update(part.content)
        size += len(part.content)
        opening: Record | None = None
        head: Head | None = None
        for record, head in verified(part.content, where, name, known):
            if opening is None:
                opening = record
                _require_next(name, where, record, before)
            if record.value is not None:
                recent, shown = [], head
            recent.append(record)
        assert opening is not None, "a segment without a record is refused"
        assert head is not None
        if head.size != len(part.content):
            raise CorruptHistory(name, where, f"{part.file} ends in the middle of a line")
        before = part, head, opening.seq
    if before is None or shown is None:
        raise CorruptHistory(name, where, "it holds no record")
    _, last, first = before
    return Summary(last, first, tuple(recent), shown, digest.hexdigest(), size)


def _require_next(name: str, where: Where, opening: Record, before: tuple[Part, Head, int] | None) -> None:
    """Check that a segment begins the history, or continues the segment before."""
    if before is None:
        if opening.type == CHECKPOINT:
            problem = f"records 1 to {opening.seq - 1} are missing: put the ended segments back"
            raise CorruptHistory(name, where, problem)
        return
    part, head, first = before
    ended = ended_of(opening.data)
    is_next = (opening.type, opening.prev, opening.seq) == (CHECKPOINT, head.hash, head.seq + 1)
    expected = Ended(
        file=part.file,
        records=head.seq - first + 1,
        bytes=len(part.content),
        first_seq=first,
        last_seq=head.seq,
        sha256=sha256(part.content).hexdigest(),
    )
    if not is_next or ended != expected:
        raise CorruptHistory(name, where, f"record {opening.seq} does not continue {part.file}")
