"""Standard streams: made fit to be used, however the process was started, and their size."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import TextIOWrapper
from typing import TextIO

from statechart.formats.columns import columns_of

_USUAL_LINES = 24


def prepare_streams() -> None:
    """Open what is closed, wait for readers, and let characters that an encoding lacks be written.

    A daemon may start a program with closed streams. The next files opened would get their numbers,
    and what is printed would go there. A parent may leave a pipe in non-blocking mode, in which all
    that does not fit into the pipe would be lost.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    for number in (1, 2):
        if not os.get_blocking(number):
            os.set_blocking(number, True)
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
    # A name or message may hold characters that the terminal's encoding lacks.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def prints_aside() -> Iterator[None]:
    """Send to stderr what the code of a chart prints meanwhile: stdout is for the result."""
    with redirect_stdout(sys.stderr):
        yield


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
