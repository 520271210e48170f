"""The remarks of a verification about the segments of a history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from statechart.errors import Where
from statechart.storage.record import Record
from statechart.storage.segments.whole import SegmentFile
from statechart.wording import counted


def problems(segments: Sequence[SegmentFile]) -> Iterator[tuple[int, Where, str]]:
    """Yield the first record of each ended segment that can't be verified, its place, and why.

    The segments before one that can't be read, which may be hundreds, are one problem.
    """
    unlinked = [each for each in segments if each.place == "unlinked"]
    if unlinked:
        first, last = unlinked[0], max(each.last_seq for each in unlinked)
        why = "they can't be verified while the segment after them can't be read"
        yield first.first_seq, first.path, f"records {first.first_seq} to {last}: {why}"
    for segment in segments:
        if segment.problem is not None:
            why = getattr(segment.problem, "problem", None) or str(segment.problem)
            records = f"records {segment.first_seq} to {segment.last_seq}"
            yield segment.first_seq, segment.path, f"{records}: {why}"


def notes(segments: Sequence[SegmentFile]) -> Iterator[str]:
    """Yield remarks about segments that are no problem: those that are compressed, or not needed."""
    ended = [each for each in segments if each.place in ("plain", "compressed")]
    if ended:
        compressed = sum(each.place == "compressed" for each in ended)
        yield f"{counted(len(ended), 'ended segment')}, {compressed} of them compressed"
    for each in segments:
        if each.beside is not None:
            yield f"{each.beside.name} is not needed: {file_name(each.path)} holds the same records"
    # After a new history was begun, all segments of the damaged one lie there.
    match [file_name(each.path) for each in segments if each.place == "stray"]:
        case [name]:
            yield f"{name} is no part of this history: no later segment names it"
        case [name, *others]:
            rest = counted(len(others), "other segment")
            yield f"{name} and {rest} are no part of this history: no later segment names them"


def file_name(path: Where) -> str:
    """Return the file name of a segment."""
    return str(path).rpartition("/")[2]


def begins_readable(segments: Iterable[SegmentFile], opening: Record) -> bool:
    """Return whether the segments before a first record can't be read."""
    return any(each.problem is not None and each.last_seq == opening.seq - 1 for each in segments)
