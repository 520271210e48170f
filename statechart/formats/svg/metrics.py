"""The widths of texts, measured by a table: generous, since readers have other fonts than ours."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

NAME_SIZE = 13.0
"""The size of names of states."""

EVENT_SIZE = 11.0
"""The size of labels at arrows."""

SMALL_SIZE = 10.0
"""The size of actions, times, notes and phases."""

BADGE_SIZE = 9.5
"""The size of the numbers in badges."""

BOLD = 1.17
"""How much wider a bold text is."""

# The widths of DejaVu Sans, wider than Arial, Segoe UI and Helvetica, in thousandths of the size.
_BY_WIDTH = {
    280: "ijlIJ'",
    340: " !,./:;|\\f",
    420: "r`t-()[]",
    540: '*_"?csz',
    600: "kvxyFLPTY",
    640: "abdeghnopqu0123456789{}$ES^",
    700: "ABCKVXZR",
    790: "DGHNOQU&",
    840: "#+<=>~wM",
    880: "жфшщыюω",
    990: "mW@%ЖФЫМΩ",
    1120: "ШЩЮ",
}
_WIDTHS = {letter: width / 1000 for width, letters in _BY_WIDTH.items() for letter in letters}
_WORD = re.compile(r"[^ _\-/.:]*[_\-/.:]?")
_CAPITAL, _SMALL, _WIDE = 0.8, 0.66, 1.05
_NARROW_SCRIPTS = 0x700
"""The letters before are Latin, Greek, Cyrillic, Hebrew or Arabic; those of others are taken to be wide."""


@lru_cache(maxsize=8192)
def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a line, or a little more."""
    width = sum(_WIDTHS.get(letter) or _unusual(letter) for letter in text) * size
    return width * BOLD if bold else width


def _unusual(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    if ord(letter) >= _NARROW_SCRIPTS:
        return _WIDE
    match unicodedata.category(letter):
        case "Ll" | "Lo" | "Lm" | "Nd":
            return _SMALL
        case "Lu" | "Lt":
            return _CAPITAL
        case _:
            return _WIDE


@lru_cache(maxsize=4096)
def wrapped(text: str, width: float, size: float, *, bold: bool = False) -> tuple[str, ...]:
    """Return a text in lines that fit a width, broken between words, or else within."""
    lines: list[str] = []
    line = ""
    for piece in _pieces(text, width, size, bold=bold):
        if line and text_width((line + piece).rstrip(), size, bold=bold) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return (*lines, line.rstrip())


def longest_word(text: str, size: float) -> float:
    """Return the width of the longest part of a text that is not broken if there is room."""
    return max((text_width(word, size) for word in _WORD.findall(text)), default=0.0)


def limited(lines: Sequence[str], most: int) -> tuple[str, ...]:
    """Return at most so many lines, with an ellipsis where others follow."""
    return tuple(lines) if len(lines) <= most else (*lines[: most - 1], f"{lines[most - 1][:-1]}…")


def shortened(text: str, width: float, size: float) -> str:
    """Return a text that fits a width, with an ellipsis in place of what is too much."""
    kept = text
    while kept and text_width(kept + "…" if kept != text else text, size) > width:
        kept = kept[:-1]
    return text if kept == text else f"{kept.rstrip()}…"


def _pieces(text: str, width: float, size: float, *, bold: bool) -> Iterator[str]:
    """Yield the words of a text with the space after each, and those that are too long in parts."""
    for word in text.split(" "):
        piece = ""
        for letter in word:
            if piece and (
                text_width(piece + letter, size, bold=bold) > width
                or (piece[-1] in "_-/.:" and text_width(word, size, bold=bold) > width)
            ):
                yield piece
                piece = ""
            piece += letter
        yield piece + " "
