"""Columns: the width of texts on a terminal, and lines that fit a width."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from typing import TextIO

USUAL = 80
"""The columns where no terminal sets them."""

_DRAWN = "┌▶✗…"


def text_width(text: str) -> int:
    """Return the columns of a text, counted as docutils does."""
    if text.isascii():
        return len(text)
    wide = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
    return wide - sum(unicodedata.combining(letter) != 0 for letter in text)


def padded(text: str, width: int, fill: str = " ") -> str:
    """Return a text with a character after it, up to a width."""
    return text + fill * (width - text_width(text))


def shortened(text: str, width: int, ellipsis: str = "…") -> str:
    """Return the words of a text that fit a width, with an ellipsis in the place of others."""
    if text_width(text) <= width:
        return text
    fitting = ""
    for word in text.split(" "):
        longer = f"{fitting} {word}" if fitting else word
        if text_width(f"{longer} {ellipsis}") > width:
            break
        fitting = longer
    return f"{fitting.rstrip(' ,;:(')} {ellipsis}".lstrip()


def hanging(head: str, words: Sequence[str], width: int, indent: int | None = None) -> list[str]:
    """Return words in lines that fit a width, if no word is longer.

    Args:
        head: The beginning of the first line.
        words: The words, which are not broken.
        width: The columns.
        indent: The columns before the words of the other lines; by default, those of the head.
    """
    start = " " * (text_width(head) if indent is None else indent)
    lines, begun = [head], False
    for word in words:
        if begun and text_width(f"{lines[-1]} {word}") > width:
            lines.append(start + word)
        else:
            lines[-1] += f" {word}" if begun else word
        begun = True
    return lines


def columns_of(stream: TextIO) -> int | None:
    """Return the columns of a terminal, or None for a stream that is no terminal."""
    if not stream.isatty():
        return None
    chosen = os.environ.get("COLUMNS", "")
    if chosen.isdecimal() and int(chosen):
        return int(chosen)
    try:
        return os.get_terminal_size(stream.fileno()).columns or USUAL
    except OSError:  # a terminal that is not one of the system, as in tests
        return USUAL


def is_ascii(stream: TextIO) -> bool:
    """Return whether the encoding of a stream lacks frames, arrows and signs."""
    try:
        _DRAWN.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return True
    return False
