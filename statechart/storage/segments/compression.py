"""Compress the segments of a history that ended."""

from __future__ import annotations

import gzip
from hashlib import sha256
from pathlib import Path

from statechart.errors import StorageError
from statechart.storage.disk import read_file, remove_file, replace_file, sync_directory, translated
from statechart.storage.layout import Layout
from statechart.storage.segments.whole import SegmentFile, segments


def compress(layout: Layout, name: str, known: int) -> list[Path]:
    """Compress the sound ended segments, and return the new files. Call it under the lock.

    Each segment is there at every instant: plain, compressed, or both.

    Raises:
        StorageError: The journal can't be read, or a file not be written; the segment is unchanged.
    """
    return [_compressed(layout, each) for each in segments(layout, name, known) if each.place == "plain"]


def _compressed(layout: Layout, segment: SegmentFile) -> Path:
    plain = layout.own(Path(segment.path))
    target = plain.parent / f"{plain.name}.gz"
    content = read_file(plain) or b""
    # Without a time, so that equal segments make equal files.
    packed = gzip.compress(content, mtime=0)
    with translated("compress", plain):
        if sha256(gzip.decompress(packed)).hexdigest() != segment.sha256:
            raise StorageError(f"cannot compress {plain}: it was changed meanwhile")
        replace_file(target, packed)
        remove_file(plain)
        sync_directory(plain.parent)
    return Path(target)
