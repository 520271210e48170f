"""The encodings in which programs print a secret, undone so that a search finds the secret.

All texts here are in the byte form of `byte_form`: a program may encode a part of a character's bytes.
"""

from __future__ import annotations

import html
import re
from base64 import b64decode
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

from statechart.terminal.control_codes import CODES_IN_UTF_8

Span = tuple[int, int]
"""A part of a text, from a position to before another."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text without one encoding.

    Attributes:
        text: The decoded text.
        origin: Returns where a part of the decoded text stands in the encoded text, or None if the
            part is too short to be told from other text.
        is_guess: Whether the text may never have been encoded, as with any word and Base64.
    """

    text: str
    origin: Callable[[int, int], Span | None]
    is_guess: bool = False


class Encoding(Protocol):
    """An encoding of texts."""

    def decoded(self, text: str) -> Iterator[Decoded]:
        """Yield the texts that a text decodes to; none if that is the text itself."""
        ...


@dataclass(frozen=True)
class Escapes:
    """An encoding that writes some characters as escapes.

    Attributes:
        pattern: Matches an escape.
        meaning: Returns the text that an escape stands for.
        sign: Matches in each text that is worth decoding.
    """

    pattern: str
    meaning: Callable[[str], str]
    sign: str = ""

    @cached_property
    def _escape(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def decoded(self, text: str) -> Iterator[Decoded]:
        """Yield the text without escapes, if there are any."""
        if not re.search(self.sign, text):
            return
        # Three lists of pieces: where each begins in the result, and its begin and end in the text.
        places: list[int] = []
        begins: list[int] = []
        ends: list[int] = []
        pieces: list[str] = []
        length = last = 0

        def add(piece: str, begin: int, end: int) -> None:
            nonlocal length
            if piece:
                places.append(length)
                begins.append(begin)
                ends.append(end)
                pieces.append(piece)
                length += len(piece)

        for escape in self._escape.finditer(text):
            begin, end = escape.span()
            add(text[last:begin], last, begin)
            add(self.meaning(escape[0]), begin, end)
            last = end
        if not last:
            return
        add(text[last:], last, len(text))

        def origin(begin: int, end: int) -> Span:
            # A piece that kept its length is copied, or an escape of one character: both map by offset.
            first, final = bisect_right(places, begin) - 1, bisect_right(places, end - 1) - 1
            copied = ends[first] - begins[first] == len(pieces[first])
            ends_copied = ends[final] - begins[final] == len(pieces[final])
            return (
                begins[first] + (begin - places[first] if copied else 0),
                begins[final] + end - places[final] if ends_copied else ends[final],
            )

        yield Decoded("".join(pieces), origin)


class Base64:
    """Base64 as a part of any text, in one line or several, with the alphabet of MIME or of URLs."""

    SHORTEST = 8
    """The number of characters of an encoded secret below which any word would look like one."""

    _RUN = r"[A-Za-z0-9+/_-]{8,}(?:\r?\n[ \t]*[A-Za-z0-9+/_-]+)*"

    @cached_property
    def _run(self) -> re.Pattern[str]:
        return re.compile(self._RUN)

    def decoded(self, text: str) -> Iterator[Decoded]:
        """Yield each run of characters of the alphabet, decoded."""
        for run in self._run.finditer(text):
            characters, places = run[0], list(range(run.start(), run.end()))
            if "\n" in characters:
                places = [place for place in places if not text[place].isspace()]
                characters = "".join(characters.split())
            characters = characters.replace("-", "+").replace("_", "/")
            # The encoding may begin anywhere in the run, behind a word or a path.
            for skipped in range(4):
                yield self._at(characters[skipped:], places[skipped:])

    def _at(self, characters: str, places: Sequence[int]) -> Decoded:
        whole = characters + "A" * (-len(characters) % 4)

        def origin(begin: int, end: int) -> Span | None:
            # Three bytes are four characters. The characters at the ends that depend on the
            # neighbouring bytes as well stay.
            first, final = -(-begin * 8 // 6), min(end * 8 // 6, len(places))
            if final - first < self.SHORTEST:
                return None
            return places[first], places[final - 1] + 1

        return Decoded(b64decode(whole).decode("latin-1"), origin, is_guess=True)


_BACKSLASHES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b"}
_BACKSLASH = (
    r"\\(?:u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}"
    r"|u[0-9A-Fa-f]{4}|U00[01][0-9A-Fa-f]{5}|x[0-9A-Fa-f]{2}|[0-3]?[0-7]{1,2}|[^\n])"
)


def _backslash(escape: str) -> str:
    kind, number = escape[1], escape[2:]
    if "\\" in number:  # two halves of a character beyond the first 65,536
        halves = escape.encode().decode("unicode_escape")
        return byte_form(halves.encode("utf-16", "surrogatepass").decode("utf-16"))
    if number and kind in "xuU":
        return byte_form(chr(int(number, 16)))
    if kind in "01234567":
        return chr(int(escape[1:], 8))
    return _BACKSLASHES.get(kind, kind)


def _byte(escape: str) -> str:
    """Return the byte that `\xe9` is in Python's bytes, in C and in shells; a character elsewhere."""
    return chr(int(escape[2:], 16)) if escape[1] == "x" and len(escape) == 4 else _backslash(escape)


def _percent(escape: str) -> str:
    return " " if escape == "+" else chr(int(escape[1:], 16))


def _entity(entity: str) -> str:
    # `html.unescape` would drop control characters and read others as browsers do.
    number = re.fullmatch(r"&#(?:[xX](?P<hexadecimal>.+)|(?P<decimal>.+));", entity)
    if number is None:
        return byte_form(html.unescape(entity))
    code = int(number["decimal"] or number["hexadecimal"], 10 if number["decimal"] else 16)
    return byte_form(chr(code)) if code < 0x110000 else entity


def byte_form(text: str) -> str:
    """Return the UTF-8 of a text, with one character for each byte."""
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a character, as only escapes can write it
        data = text.encode("utf-8", "surrogatepass")
    return data.decode("latin-1")


UTF_8: Final = Escapes(r"[^\x00-\x7f]", byte_form)
"""Turns any text into its byte form."""

ENCODINGS: Final[dict[str, Encoding]] = {
    "control codes and colours": Escapes(CODES_IN_UTF_8, lambda _code: ""),
    # JSON of all kinds (Go's, with escaped slashes, in ASCII), JavaScript, Python, `printf %q`.
    "backslashes": Escapes(_BACKSLASH, _backslash),
    "backslashes of bytes": Escapes(_BACKSLASH, _byte, sign=r"\\x[89A-Fa-f]"),
    "quotes of shells": Escapes(r"""'"'"'|'\\''""", lambda _quote: "'"),
    "doubled quotes": Escapes(r"""''|\"\"""", lambda quotes: quotes[0]),  # YAML, SQL, CSV
    "URLs": Escapes(r"%[0-9A-Fa-f]{2}", _percent),
    "forms": Escapes(r"%[0-9A-Fa-f]{2}|\+", _percent, sign=r"\+"),
    "HTML and XML": Escapes(
        r"&(?:#[0-9]{1,8}|#[xX][0-9A-Fa-f]{1,7}|[A-Za-z][A-Za-z0-9]{1,31});",
        _entity,
    ),
    "Base64": Base64(),
}
"""All encodings; programs put any of them into one another."""
