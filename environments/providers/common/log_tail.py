"""The last lines of a service log."""

from __future__ import annotations

import os
from collections.abc import Callable

from environments.secrets.redaction import clean
from environments.system.files import AnyPath, OwnPath

_TAIL_BYTES = 32_768
_LONGEST_LINE = 1_048_576  # bytes
_TAIL_LINES = 20
_LINE_LIMIT = 200


def tail(log: AnyPath, offset: int, redact: Callable[[str], str]) -> str:
    """Return the last lines that a log gained since an offset, without control codes or secrets.

    Args:
        log: The file. A missing file has no lines.
        offset: A position in bytes. An offset behind the end means the start: the log was replaced.
        redact: Replaces secrets.
    """
    try:
        with os.fdopen(OwnPath.of(log).open(os.O_RDONLY), "rb") as file:
            end = file.seek(0, os.SEEK_END)
            begin = offset if offset <= end else 0
            for size in (_TAIL_BYTES, _LONGEST_LINE):
                file.seek(max(begin, end - size))
                text = file.read(size).decode(errors="replace")
                if end - begin > size:  # half a line may hold half a secret, which redaction would miss
                    text = text.partition("\n")[2]
                if text:
                    break
    except FileNotFoundError:
        return ""
    if not text and end > begin:
        return f"(a line of more than {_LONGEST_LINE:,} bytes)"
    return "\n".join(clean(text, redact).splitlines()[-_TAIL_LINES:])


def last_word(text: str) -> str:
    """Return the last line that is not blank, cut to a length that fits a summary."""
    said = [line.strip() for line in text.splitlines() if line.strip()]
    if not said:
        return ""
    return said[-1] if len(said[-1]) <= _LINE_LIMIT else said[-1][: _LINE_LIMIT - 1] + "…"
