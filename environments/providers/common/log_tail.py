"""The last lines of a service log."""

from __future__ import annotations

import os
from collections.abc import Callable

from environments.secrets.redaction import clean
from environments.system.files import AnyPath, OwnPath

_TAIL_BYTES = 32_768
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
            file.seek(max(begin, end - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    if end - begin > _TAIL_BYTES:  # half a line may hold half a secret, which redaction would miss
        text = text.partition("\n")[2]
    return "\n".join(clean(text, redact).splitlines()[-_TAIL_LINES:])


def last_word(text: str) -> str:
    """Return the last line that is not blank, cut to a length that fits a summary."""
    said = [line.strip() for line in text.splitlines() if line.strip()]
    if not said:
        return ""
    return said[-1] if len(said[-1]) <= _LINE_LIMIT else said[-1][: _LINE_LIMIT - 1] + "…"
