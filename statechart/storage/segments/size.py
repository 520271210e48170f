"""When a segment ends, and the line that begins the next, in whatever store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from statechart.storage.chain import ABOVE, CHECKPOINT, Head, lines_of
from statechart.storage.record import Draft, Ended, Line, Record, line_after, read_line
from statechart.storage.segments.carried import carried

_FEWEST = 8


@dataclass(frozen=True, slots=True)
class Segment:
    """The size of a segment: when it is reached, the next segment begins.

    A segment holds at least eight records, if their number is not limited to less: the checkpoint that
    begins a segment repeats the whole value.

    Attributes:
        records: The number of records.
        bytes: The size in bytes.

    Raises:
        ValueError: A number is too small.
    """

    records: int = 200
    bytes: int = 1_000_000

    def __post_init__(self) -> None:
        # A checkpoint alone must not fill a segment.
        if self.records < 2 or self.bytes < 1:
            raise ValueError(f"a segment holds at least two records and one byte, not {self}")

    def is_full(self, records: int, size: int) -> bool:
        """Return whether another segment should follow."""
        return records >= self.records or (size >= self.bytes and records >= _FEWEST)


DEFAULT = Segment()


def checkpoint(
    content: bytes,
    head: Head,
    *,
    first_seq: int,
    file: str,
    name: str,
    actor: str,
    value: bytes,
    version: int,
) -> Line:
    """Return the line that begins the segment after one with this content.

    Args:
        content: The whole segment, which is verified.
        head: Its end.
        first_seq: The number of its first record.
        file: The file name of the segment, once it has ended.
        name: The name of the value.
        actor: The author of the line.
        value: The present value, as JSON.
        version: Its schema version.
    """
    ended = Ended(
        file=file,
        records=head.seq - first_seq + 1,
        bytes=head.size,
        first_seq=first_seq,
        last_seq=head.seq,
        sha256=sha256(content).hexdigest(),
    )
    data = {
        **carried(_records(content)),
        "lineage": head.lineage,
        "name": name,
        "ended": ended.model_dump(mode="json"),
    }
    draft = Draft(CHECKPOINT, actor, data, None, value, version + ABOVE)
    # The value does not count as a revision, since it is the one before.
    before = Head(head.lineage, head.seq, head.revision - 1, head.hash, 0)
    return line_after(before, draft)


def _records(content: bytes) -> Iterator[Record]:
    return map(read_line, lines_of(content))
