"""Read the segments that ended before a journal, the latest first."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

from statechart.errors import (
    CorruptHistory,
    MissingSegment,
    NewerSchema,
    NotOurs,
    StorageError,
    UnusableSegment,
    Where,
)
from statechart.storage.chain import CHECKPOINT, Head
from statechart.storage.disk import OwnPath, entries, read_file, translated
from statechart.storage.record import NAMED, Ended, Record, ended_of, verified

GZIP = b"\x1f\x8b"
_OTHERS = {
    b"\x28\xb5\x2f\xfd": ("zst", "zstd", "zstd -d"),
    b"\xfd7zXZ\0": ("xz", "xz", "xz -d"),
    b"BZh": ("bz2", "bzip2", "bzip2 -d"),
    b"\x04\x22\x4d\x18": ("lz4", "lz4", "lz4 -d"),
    b"PK\x03\x04": ("zip", "zip", "unzip"),
    b"7z\xbc\xaf\x27\x1c": ("7z", "7-Zip", "7z x"),
}
"""Other compressions by their first bytes: the usual ending, the name, the command that undoes it."""


@dataclass(frozen=True, slots=True)
class Older:
    """An ended segment as read: its bytes are those that the next checkpoint names.

    Attributes:
        ended: What the checkpoint says.
        path: The file, compressed or not.
        content: The records, uncompressed.
        opening: The first record.
        is_compressed: Whether the file is compressed, whatever its name is.
    """

    ended: Ended
    path: Where
    content: bytes
    opening: Record
    is_compressed: bool

    def records(self, name: str, known: int) -> Iterator[tuple[Record, Head]]:
        """Yield each record with the head after it, verified.

        Raises:
            UnusableSegment: A record does not follow the record before it.
        """
        try:
            yield from verified(self.content, self.path, name, known)
        except CorruptHistory as error:
            raise _unusable(name, self.path, self.ended, f"line {error.line}: {error.problem}") from error


ReadsEnded: TypeAlias = Callable[[Ended], Older]
"""Reads an ended segment, and verifies it."""

Enough = Callable[[Record], bool]
"""Says of the first record of a segment whether the segments before it are not needed."""


def never(_opening: Record) -> bool:
    """Return False: all segments are needed."""
    return False


def older(opening: Record, read: ReadsEnded, enough: Enough = never) -> Iterator[Older]:
    """Yield the segments before the segment of a first record, the latest first, back to what is enough.

    `read` reads one of them, and verifies it.

    Raises:
        MissingSegment: A segment is not there.
        UnusableSegment: A segment is damaged, is compressed by another tool, or is not a file.
        NewerSchema: A newer program wrote a segment.
        StorageError: A segment can't be read.
    """
    while opening.type == CHECKPOINT and not enough(opening):
        ended = ended_of(opening.data)
        assert ended is not None  # a first record that says something else is refused
        found = read(ended)
        yield found
        opening = found.opening


def read_older(directory: OwnPath, name: str, ended: Ended, known: int) -> Older:
    """Read an ended segment, from either of its files; raises the errors of `older`."""
    problem: UnusableSegment | None = None
    for place in (directory / ended.file, directory / f"{ended.file}.gz"):
        try:
            stored = read_file(place)
            if stored is not None:
                return verify(stored, name, Path(place), ended, known)
        except UnusableSegment as error:
            problem = problem or error
        except NotOurs as error:
            problem = problem or _unusable(name, error.path, ended, f"it {error.problem}")
    raise problem or _missing(directory, name, ended)


def latest_ended(directory: OwnPath) -> tuple[Path | None, bytes]:
    """Return the ended segment that was written last, as it is, for a history that has lost its journal.

    Raises:
        StorageError: The directory can't be read.
    """
    found: list[tuple[int, int, OwnPath]] = []
    with translated("look into", directory):
        for place in entries(directory):
            named = NAMED.fullmatch(place.name)
            status = place.status() if named else None
            if named is not None and status is not None:
                # Files that are compressed together may have the same time.
                found.append((status.st_mtime_ns, int(named[2]), place))
    for *_, place in sorted(found, key=lambda each: each[:2], reverse=True):
        with suppress(NotOurs, zlib.error):
            stored = read_file(place) or b""
            packed = stored.startswith(GZIP)
            return Path(place), zlib.decompress(stored, wbits=31) if packed else stored
    return None, b""


def verify(stored: bytes, name: str, path: Where, ended: Ended, known: int) -> Older:
    """Return an ended segment from its bytes, compressed or not, if they are those that were written.

    Raises:
        UnusableSegment: They are not.
        NewerSchema: A newer program wrote them.
    """
    content = _uncompressed(stored, name, path, ended)
    if len(content) != ended.bytes or sha256(content).hexdigest() != ended.sha256:
        raise _unusable(name, path, ended, _difference(content, path, name, ended, known))
    try:
        opening, _ = next(verified(content, path, name, known))
    except CorruptHistory as error:
        raise _unusable(name, path, ended, f"line {error.line}: {error.problem}") from error
    return Older(ended, path, content, opening, stored.startswith(GZIP))


def _uncompressed(stored: bytes, name: str, path: Where, ended: Ended) -> bytes:
    for start, (_, tool, command) in _OTHERS.items():
        if stored.startswith(start):
            problem = f"it is compressed by {tool}, which is not read here: undo that with {command}"
            raise _unusable(name, path, ended, problem)
    if not stored.startswith(GZIP):
        return stored
    unpacking = zlib.decompressobj(wbits=31)
    try:
        # One byte more than there should be, so that a file that grows without end is noticed.
        content = unpacking.decompress(stored, ended.bytes + 1)
    except zlib.error as error:
        raise _unusable(name, path, ended, f"it can't be decompressed ({error})") from error
    if not unpacking.eof and len(content) <= ended.bytes:
        raise _unusable(name, path, ended, "it can't be decompressed (the file is cut off)")
    return content


def _difference(content: bytes, path: Where, name: str, ended: Ended, known: int) -> str:
    """Return how the content of a segment differs from the segment that ended."""
    first = last = None
    try:
        for record, _ in verified(content, path, name, known):
            first, last = first or record, record
    except CorruptHistory as error:
        return f"line {error.line}: {error.problem}" if error.line else error.problem
    except NotOurs as error:
        return f"it {error.problem}"
    except NewerSchema as error:
        return str(error)
    assert first is not None
    assert last is not None
    if (first.seq, last.seq) == (ended.first_seq, ended.last_seq) and len(content) == ended.bytes:
        return "its records are not those that were written: their SHA-256 differs"
    if first.seq != ended.first_seq:
        return f"it holds records {first.seq} to {last.seq}: it was exchanged with another segment"
    if len(content) < ended.bytes:
        return f"it ends with record {last.seq}: it was cut off"
    return f"it is {len(content)} bytes long instead of {ended.bytes}: it was changed"


def _missing(directory: OwnPath, name: str, ended: Ended) -> StorageError:
    for ending, _, command in _OTHERS.values():
        other = directory / f"{ended.file}.{ending}"
        with translated("look at", other):
            is_there = other.exists()
        if is_there:
            problem = f"it is not read in this form: undo the compression with {command}"
            return _unusable(name, Path(other), ended, problem)
    path = Path(directory / ended.file)
    problem = "it is not there: put it back, or its compressed form, to read these records"
    return MissingSegment(name, path, ended.first_seq, ended.last_seq, problem)


def _unusable(name: str, path: Where, ended: Ended, problem: str) -> UnusableSegment:
    advice = "" if "compress" in problem else ". Put a sound copy there"
    return UnusableSegment(name, path, ended.first_seq, ended.last_seq, f"{problem}{advice}")
