"""What a verification says about the segments of a history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from statechart.storage.record import Record
from statechart.storage.segments.whole import SegmentFile
from statechart.wording import counted


def problems(segments: Iterable[SegmentFile]) -> Iterator[tuple[int, str]]:
    """Yield the first record of each ended segment that can't be verified, and why."""
    for segment in segments:
        if segment.problem is not None:
            yield segment.first_seq, str(segment.problem)
        elif segment.place == "unlinked":
            reason = "it can't be verified while the segment after it can't be read"
            yield segment.first_seq, f"{segment.path.name}: {reason}"


def notes(segments: Sequence[SegmentFile]) -> Iterator[str]:
    """Yield remarks about segments that are no problem: those that are compressed, or not needed."""
    ended = [each for each in segments if each.place in ("plain", "compressed")]
    if ended:
        compressed = sum(each.place == "compressed" for each in ended)
        yield f"{counted(len(ended), 'ended segment')}, {compressed} of them compressed"
    for each in segments:
        if each.beside is not None:
            yield f"{each.beside.name} is not needed: {each.path.name} holds the same records"
        if each.place == "stray":
            yield f"{each.path.name} is no part of this history: no later segment names it"


def begins_readable(segments: Iterable[SegmentFile], opening: Record) -> bool:
    """Return whether the segments before a first record can't be read."""
    return any(each.problem is not None and each.last_seq == opening.seq - 1 for each in segments)
