"""New lines of a service's log, read across a rotation."""

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
    """Return at most the last `limit` bytes that a log gained since a position.

    Args:
        root: The environment's directory.
        since: The position: `inode` and `offset`; None for the beginning.
        limit: The most bytes to return.
        whole: Whether to include a last line that may still be incomplete.

    Returns:
        `since`, the position behind the bytes; `text`, the bytes in Base64; and `skipped`, the
        number of bytes before them that were left out.
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
        # The rest of a line that was cut may hold half a secret, which no redaction recognises.
        begun, end, text = text.partition(b"\n")
        skipped += len(begun) + len(end)
    # So may a line that is still being written: it waits for the next time, unless it is very long.
    rest = b"" if whole or time.time() - latest.st_mtime > _YOUNG else text.rpartition(b"\n")[2]
    if len(rest) > _LONG:
        rest = b""
    place = {"inode": latest.st_ino, "offset": size - len(rest)}
    said = text[: len(text) - len(rest)]
    return {"since": place, "text": base64.b64encode(said).decode(), "skipped": skipped}


def _gathered(files: list[BinaryIO], since: dict[str, int], limit: int) -> tuple[bytes, int, int]:
    """Return the new bytes, the number of bytes left out before them, and the size of the last file."""
    inodes = [os.fstat(file.fileno()).st_ino for file in files]
    first = inodes.index(since["inode"]) if since.get("inode") in inodes else 0
    text, skipped, last = b"", 0, 0
    for index in range(len(files) - 1, first - 1, -1):
        size = os.fstat(files[index].fileno()).st_size
        offset = since.get("offset", 0) if inodes[index] == since.get("inode") else 0
        begin = offset if offset <= size else 0  # the file was truncated
        taken = min(limit - len(text), size - begin)
        skipped += size - begin - taken
        files[index].seek(size - taken)
        text = files[index].read(taken) + text
        last = size if index == len(files) - 1 else last
    return text, skipped, last
