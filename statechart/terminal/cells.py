"""The width of text in a terminal, in which some characters take two columns and some none."""

from __future__ import annotations

import unicodedata

_INVISIBLE = {"Mn", "Me", "Cf"}  # marks on the character before, and joiners


def width_of(text: str) -> int:
    """Return the number of columns that a text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in _INVISIBLE:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def padded(text: str, columns: int) -> str:
    """Return a text, filled up with blanks to a number of columns."""
    return text.ljust(columns) if text.isascii() else text + " " * (columns - width_of(text))


def cut(text: str, columns: int) -> str:
    """Return the words of a text that fit into a number of columns; an ellipsis stands for the others.

    Nothing is returned if not even the first word fits.
    """
    if width_of(text) <= columns:
        return text
    found = ""
    for word in text.split(" "):
        longer = f"{found} {word}" if found else word
        if width_of(longer) > columns - 1:
            break
        found = longer
    return f"{found.rstrip(',;:')}…" if found else ""


def wrapped(text: str, columns: int, *, indent: int = 2) -> list[str]:
    """Return a text as lines of at most a number of columns; all but the first line are indented."""
    first, *words = text.split(" ")
    lines = [first]
    for word in words:
        if width_of(lines[-1]) + 1 + width_of(word) <= columns:
            lines[-1] += f" {word}"
        else:
            lines.append(" " * indent + word)
    return lines
