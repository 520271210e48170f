"""A whole history: the records of all its segments, and where the segments are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from statechart.errors import MissingSegment, StorageError, UnusableSegment, Where
from statechart.storage.chain import CHECKPOINT, Head
from statechart.storage.disk import entries, translated
from statechart.storage.layout import JOURNAL, Layout
from statechart.storage.reading import Found, find_settled
from statechart.storage.record import NAMED, Ended, Record, ended_of
from statechart.storage.segments.older import Enough, ReadsEnded, never, older, read_older
from statechart.storage.segments.rotation import other_names

Upgrade: TypeAlias = Callable[[Record, Where, int], Record]
"""Converts a record to the present schema, given its place and the number of the last record before it."""

Place: TypeAlias = Literal["current", "plain", "compressed", "missing", "unusable", "unlinked", "stray"]


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """A segment of a history.

    Attributes:
        path: The file, or the place in a database.
        first_seq: The number of the first record.
        last_seq: The number of the last record.
        bytes: The size of the records, uncompressed, where it is known.
        sha256: The hash of an ended segment's records, where it is known.
        place: `current` is the journal; `plain` and `compressed` ended and are sound; `missing` and
            `unusable` have a problem; `unlinked` lies before one of these, and can't be verified without
            it; `stray` is a file that no later segment names.
        problem: The error of reading it.
        beside: Another file for the same segment, which is not needed.
    """

    path: Where
    first_seq: int
    last_seq: int
    place: Place
    bytes: int | None = None
    sha256: str | None = None
    problem: StorageError | None = None
    beside: Path | None = None


def records(
    layout: Layout, name: str, known: int, *, upgrade: Upgrade, enough: Enough = never
) -> Iterator[Record]:
    """Yield the records of all segments, or of the latest back to what is enough, the oldest first.

    All files are verified before the first record is yielded. The content of a single segment is kept at a
    time, as a history may be long.

    Raises:
        StorageError: As `find_settled` and `older`.
    """
    found, chain = _chain(layout, name, known, enough)
    path = layout.journal(name)
    yield from joined(name, chain, _reading(layout, name, known), known, found.opening, path, upgrade)
    for record in found.records():
        yield upgrade(record, path, found.before)


def joined(
    name: str,
    chain: list[Ended],
    read: ReadsEnded,
    known: int,
    opening: Record,
    path: Where,
    upgrade: Upgrade,
) -> Iterator[Record]:
    """Yield the records of ended segments, of which the last is continued by a first record.

    Args:
        name: The name.
        chain: The segments, the latest first.
        read: Reads one of them.
        known: The newest schema version that the reader understands.
        opening: The first record of the present segment.
        path: The place of the present segment.
        upgrade: Converts a record to the present schema.

    Raises:
        UnusableSegment: A segment is damaged, or does not continue the segment before it.
    """
    before: Head | None = None
    for ended in reversed(chain):
        segment = read(ended)
        first = segment.opening.seq - 1
        _require_next(name, segment.path, ended, segment.opening, before)
        for record, head in segment.records(name, known):
            before = head
            yield upgrade(record, segment.path, first)
    if before is not None:
        _require_next(name, path, chain[0], opening, before)


def _reading(layout: Layout, name: str, known: int) -> ReadsEnded:
    directory = layout.own(layout.directory(name))
    return lambda ended: read_older(directory, name, ended, known)


def _chain(layout: Layout, name: str, known: int, enough: Enough) -> tuple[Found, list[Ended]]:
    read = _reading(layout, name, known)
    for last in (False, True):
        found, _ = find_settled(layout, name, known)
        try:
            return found, [each.ended for each in older(found.opening, read, enough)]
        except MissingSegment:
            # The name may have been purged and created again meanwhile, or a file decompressed.
            if last:
                raise
    raise AssertionError("unreachable: the second attempt returns or raises")


def _require_next(name: str, path: Where, ended: Ended, opening: Record, before: Head | None) -> None:
    """Check that a segment continues the segment before it."""
    if before is None:
        return
    if (opening.prev, opening.seq) != (before.hash, before.seq + 1) or opening.revision != before.revision:
        problem = f"its first record does not continue record {before.seq}, the last of the segment before"
        raise UnusableSegment(name, path, ended.first_seq, ended.last_seq, problem)


def place_of(layout: Layout, name: str, known: int, seq: int) -> tuple[Where, int]:
    """Return the file that holds a record, and the number of the last record before that file.

    If the segments can't be read, it is the journal.
    """
    with suppress(StorageError):
        found, _ = find_settled(layout, name, known)
        if seq > found.before:
            return layout.journal(name), found.before
        for each in older(found.opening, _reading(layout, name, known)):
            if each.opening.seq <= seq:
                return each.path, each.opening.seq - 1
    return layout.journal(name), 0


def segments(layout: Layout, name: str, known: int) -> list[SegmentFile]:
    """Return the segments of a history, the oldest first, each verified.

    Raises:
        StorageError: As `find_settled`: the journal itself can't be read.
    """
    directory = layout.own(layout.require(name))
    # The files first: a segment that ends meanwhile is then not among them, or is named by the journal.
    with translated("list", directory):
        places = entries(directory)
    found, _ = find_settled(layout, name, known)
    listed = [
        SegmentFile(
            layout.directory(name) / JOURNAL, found.before + 1, found.head.seq, "current", found.head.size
        )
    ]
    known_files: set[str] = set()
    opening: Record | None = found.opening
    while opening is not None and opening.type == CHECKPOINT:
        ended = ended_of(opening.data)
        assert ended is not None
        each, opening = _looked_at(layout, name, ended, known)
        listed.append(each)
        known_files.add(ended.file)
    gap = listed[-1].first_seq if listed[-1].problem is not None else 0
    # The journal has another name while its segment ends, or if its writer died then.
    same = set(other_names(places, found.before + 1, found.content))
    for place in places:
        named = NAMED.fullmatch(place.name)
        # By the name without the ending, as a segment may be compressed meanwhile.
        if named is None or place in same or place.name.removesuffix(".gz") in known_files:
            continue
        first, last = int(named[1]), int(named[2])
        listed.append(SegmentFile(Path(place), first, last, "unlinked" if last < gap else "stray"))
    return sorted(listed, key=lambda each: (each.place == "current", each.first_seq, str(each.path)))


def _looked_at(layout: Layout, name: str, ended: Ended, known: int) -> tuple[SegmentFile, Record | None]:
    """Return an ended segment with its first record, if it can be read."""
    directory = layout.own(layout.directory(name))
    plain, compressed = directory / ended.file, directory / f"{ended.file}.gz"
    path: Where = Path(plain)
    opening = None
    place: Place = "missing"
    problem: StorageError | None = None
    try:
        found = read_older(directory, name, ended, known)
        path, opening = found.path, found.opening
        place = "compressed" if found.is_compressed else "plain"
        for _ in found.records(name, known):
            pass
    except StorageError as error:
        problem, opening = error, None
        path = getattr(error, "path", path)
        place = "missing" if isinstance(error, MissingSegment) else "unusable"
    with translated("look at", plain):
        both = plain.exists() and compressed.exists()
    beside = Path(plain if path == Path(compressed) else compressed) if both else None
    return (
        SegmentFile(
            path,
            ended.first_seq,
            ended.last_seq,
            place,
            ended.bytes,
            ended.sha256,
            problem,
            beside,
        ),
        opening,
    )
