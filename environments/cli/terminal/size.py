"""The size of the terminal, if the output goes to one."""

from __future__ import annotations

import os
from typing import TextIO


def columns_of(stream: TextIO) -> int | None:
    """Return the columns of the terminal that a stream writes to, or None if it is none."""
    size = size_of(stream)
    return None if size is None else size.columns


def size_of(stream: TextIO) -> os.terminal_size | None:
    """Return the size of the terminal that a stream writes to, or None if it is none."""
    if not stream.isatty():
        return None
    try:
        found = os.get_terminal_size(stream.fileno())
    except OSError:
        return os.terminal_size((80, 24))
    # A terminal that does not tell its size has none of either.
    return os.terminal_size((found.columns or 80, found.lines or 24))
