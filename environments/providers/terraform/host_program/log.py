"""Log: what a service said since somebody looked last, through a rotation."""

from __future__ import annotations

import base64
import os
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, BinaryIO

_YOUNG = 2.0
_LONG = 65_536


def read(root: Path, *, since: dict[str, int] | None, limit: int, whole: bool) -> dict[str, Any]:
    """Return at most the last `limit` bytes that were said since a place in the log.

    Args:
        root: The environment's directory.
        since: The place: `inode` and `offset`; None for the beginning.
        limit: How much of it is wanted.
        whole: Whether the last line counts although it may be written still. Half a secret in it
            would be recognised by nobody.

    Returns:
        The place behind it; what was said, in Base64; and how many bytes of it were left out.
    """
    with ExitStack() as opened:
        files: list[BinaryIO] = []
        for path in (root / "service.log.1", root / "service.log"):
            with suppress(FileNotFoundError):
                files.append(opened.enter_context(path.open("rb")))
        if not files:
            return {"since": since, "text": "", "skipped": 0}
        text, skipped, size = _gathered(files, since or {}, limit)
        latest = os.fstat(files[-1].fileno())
    if skipped:
        begun, end, text = text.partition(b"\n")
        skipped += len(begun) + len(end)
    rest = b"" if whole or time.time() - latest.st_mtime > _YOUNG else text.rpartition(b"\n")[2]
    if len(rest) > _LONG:
        rest = b""
    place = {"inode": latest.st_ino, "offset": size - len(rest)}
    said = text[: len(text) - len(rest)]
    return {"since": place, "text": base64.b64encode(said).decode(), "skipped": skipped}


def _gathered(files: list[BinaryIO], since: dict[str, int], limit: int) -> tuple[bytes, int, int]:
    """Return what is new, how many bytes before it were left out, and the size of the last file."""
    inodes = [os.fstat(file.fileno()).st_ino for file in files]
    first = inodes.index(since["inode"]) if since.get("inode") in inodes else 0
    text, skipped, last = b"", 0, 0
    for index in range(len(files) - 1, first - 1, -1):
        size = os.fstat(files[index].fileno()).st_size
        offset = since.get("offset", 0) if inodes[index] == since.get("inode") else 0
        begin = offset if offset <= size else 0  # it was cut
        taken = min(limit - len(text), size - begin)
        skipped += size - begin - taken
        files[index].seek(size - taken)
        text = files[index].read(taken) + text
        last = size if index == len(files) - 1 else last
    return text, skipped, last
