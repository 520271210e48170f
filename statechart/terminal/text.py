"""Moments, columns and histories as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from math import ceil
from typing import TYPE_CHECKING, TypeAlias

from statechart.terminal.cells import padded, width_of, wrapped
from statechart.terminal.control_codes import strip_control_codes

if TYPE_CHECKING:
    from collections.abc import Callable

    Style: TypeAlias = Callable[[str, str], str]
    """Colours a text and removes its control codes."""

_LEAST_WORDS = 32  # columns beside the others
_LEAST_INDENT = 4
_BLOCK = 1000  # lines of a history, aligned among themselves
_UNITS = (("day", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def ago(moment: datetime, now: datetime) -> str:
    """Say how long ago a moment was."""
    passed = lasting((now - moment).total_seconds())
    return f"{passed} ago" if passed else "now"


def until(moment: datetime, now: datetime) -> str:
    """Say how soon a moment comes: near its end in a small unit, and rounded to the nearest number."""
    left = (moment - now).total_seconds()
    minutes = ceil(left / 60)  # shortly after a duration was set, all of it is left
    for unit, length in (("days", 24 * 60), ("h", 60)):
        if minutes >= 2 * length:
            return f"in {round(minutes / length)} {unit}"
    if left > 60:
        return f"in {minutes} min"
    return f"in {int(left)} s" if left >= 1 else "now"


def lasting(seconds: float) -> str:
    """Return a duration in its largest unit, or an empty string below a second."""
    for unit, length in _UNITS:
        if seconds >= length:
            count = int(seconds // length)
            plural = "s" if unit == "day" and count > 1 else ""
            return f"{count} {unit}{plural}"
    return ""


def when(moment: datetime) -> str:
    """Return a moment in UTC, to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines with aligned columns; the last column is not padded."""
    # Names and messages come from files: a control code in them could act on the terminal.
    cleaned = [[strip_control_codes(cell).replace("\n", " ") for cell in row] for row in rows]
    widths = [max(map(width_of, column)) for column in zip(*cleaned, strict=True)]
    return ["  ".join(map(padded, row, widths)).rstrip() for row in cleaned]


def precise(moment: datetime) -> str:
    """Return a moment in UTC, to the millisecond."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + "Z"


def history_text(rows: Iterable[Sequence[str]], width: int | None = None) -> Iterator[str]:
    """Yield a line for each row, after a heading; more of them if a width is given and the row is longer.

    A history may be long: it is read while lines are yielded, and columns are aligned in blocks.
    """
    all_rows = chain([("SEQ", "REV", "TIME", "BY", "WHAT")], rows)
    while block := list(islice(all_rows, _BLOCK)):
        lines = columns(block)
        if width is None:
            yield from lines
            continue
        before = sum(max(width_of(row[place]) for row in block) + 2 for place in range(len(block[0]) - 1))
        # On a narrow terminal, what follows is below the time.
        indent = before if width - before >= _LEAST_WORDS else lines[0].find("TIME")
        for line in lines:
            yield from wrapped(line, width, indent=max(indent, _LEAST_INDENT))
