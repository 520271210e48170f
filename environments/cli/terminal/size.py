"""The size of the terminal, if the output goes to one."""

from __future__ import annotations

import os
from typing import TextIO

from statechart.formats.columns import columns_of

_USUAL_LINES = 24


def size_of(stream: TextIO) -> os.terminal_size | None:
    """Return the size of the terminal that a stream writes to, or None if it is none."""
    columns = columns_of(stream)
    if columns is None:
        return None
    try:
        lines = os.get_terminal_size(stream.fileno()).lines
    except OSError:
        lines = 0
    # A terminal that does not tell its size has none of either.
    return os.terminal_size((columns, lines or _USUAL_LINES))
