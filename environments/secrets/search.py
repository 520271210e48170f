"""The search for secrets in a text, verbatim and below encodings."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property

from environments.secrets.encodings import ENCODINGS, UTF_8, Decoded, Span, byte_form
from statechart.terminal.control_codes import CODES_IN_UTF_8, strip_control_codes

HIDDEN = "***"
"""The replacement of a secret."""

SHORTEST = 4
"""The length of a secret below which hiding it would hide too much of other text."""

_DEPTH = 2  # encodings within each other, as in JSON in JSON
_FRAGMENT = 8  # bytes by which a part of a secret is recognised in one of several lines of Base64
_STEP = 4


class SecretSearch:
    """Finds secrets in texts, in time proportional to the text.

    Found are secrets and their lines, verbatim and in any two encodings, and in Base64 also
    fragments of long secrets, since programs write Base64 in lines.

    Args:
        secrets: The secrets.
        is_telling: Whether a part of a secret is looked for.
    """

    def __init__(
        self,
        secrets: Collection[str],
        is_telling: Callable[[str], bool] = lambda part: len(part) >= SHORTEST,
    ) -> None:
        self._secrets = [secret for secret in secrets if is_telling(secret.strip())]
        self._parts = frozenset(part for secret in secrets for part in _parts(secret, is_telling))

    def redact(self, text: str) -> str:
        """Return a text with each secret replaced."""
        pieces, last = [], 0
        for begin, end in self.spans(text):
            pieces += [text[last:begin], HIDDEN]
            last = end
        return "".join([*pieces, text[last:]]) if pieces else text

    def spans(self, text: str) -> list[Span]:
        """Return where secrets stand in a text, in order and without overlaps."""
        if not self._parts:
            return []
        merged: list[Span] = []
        for begin, end in sorted(self._in_bytes(text)):
            if merged and begin < merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((begin, end))
        return merged

    def _in_bytes(self, text: str) -> Iterator[Span]:
        if text.isascii():
            yield from self._found(text, _DEPTH)
        for decoded in UTF_8.decoded(text):
            yield from _origins(decoded, self._found(decoded.text, _DEPTH))

    def _found(self, text: str, depth: int) -> Iterator[Span]:
        for found in self._verbatim.finditer(text):
            yield found.span()
        if not depth:
            return
        for encoding in ENCODINGS.values():
            for decoded in encoding.decoded(text):
                yield from _origins(decoded, self._below(decoded, depth - 1))

    def _below(self, decoded: Decoded, depth: int) -> Iterator[Span]:
        if not decoded.is_guess:
            yield from self._found(decoded.text, depth)
        elif self._plausible.search(decoded.text):
            yield from self._found(decoded.text, depth)
            yield from self._fragments_in(decoded.text)

    @cached_property
    def _verbatim(self) -> re.Pattern[str]:
        # Longest first, since a shorter part may be the beginning of a longer one.
        return re.compile("|".join(map(re.escape, sorted(self._parts, key=len, reverse=True))))

    @cached_property
    def _plausible(self) -> re.Pattern[str]:
        # What is not Base64 decodes to noise, in which a search through all encodings would be wasted.
        others = {char for part in self._parts for char in part if not " " <= char <= "~"}
        shortest = min(_FRAGMENT, *map(len, self._parts))
        return re.compile(f"[\\t\\n\\r\\x1b -~{re.escape(''.join(sorted(others)))}]{{{shortest},}}")

    @cached_property
    def _fragments(self) -> dict[str, tuple[str, int]]:
        """The fragments of long secrets, with the secret and the place of each there."""
        found: dict[str, tuple[str, int]] = {}
        for secret in map(byte_form, self._secrets):
            if len(secret) >= 2 * _FRAGMENT:
                for place in range(0, len(secret) - _FRAGMENT + 1, _STEP):
                    found.setdefault(secret[place : place + _FRAGMENT], (secret, place))
        return found

    def _fragments_in(self, text: str) -> Iterator[Span]:
        place = begun = last = 0
        while self._fragments and place <= len(text) - _FRAGMENT:
            known = self._fragments.get(text[place : place + _FRAGMENT])
            place += 1
            if known is None:
                continue
            begin, end = _extended(text, place - 1, *known, last)
            if begin > last:
                yield begun, last
                begun = begin
            place = last = end
        yield begun, last


def _origins(decoded: Decoded, spans: Iterable[Span]) -> Iterator[Span]:
    for begin, end in spans:
        if begin < end and (origin := decoded.origin(begin, end)) is not None:
            yield origin


def _extended(text: str, begin: int, secret: str, place: int, floor: int) -> Span:
    """Return the whole part of a text that agrees with a secret around a fragment."""
    shift = place - begin
    end = begin + _FRAGMENT
    while end < len(text) and end + shift < len(secret) and text[end] == secret[end + shift]:
        end += 1
    while begin > floor and begin + shift > 0 and text[begin - 1] == secret[begin + shift - 1]:
        begin -= 1
    return begin, end


def _parts(secret: str, is_telling: Callable[[str], bool]) -> Iterator[str]:
    """Yield a secret line by line, and whole if need be, each also without control codes, in bytes."""
    # The white space around a line is no secret.
    lines = [line.strip() for line in secret.splitlines()]
    whole = [secret.strip()] if any(line and not is_telling(line) for line in lines) else []
    for text in (*lines, *whole):
        for part in (text, strip_control_codes(text).strip()):
            for form in (byte_form(part), re.sub(CODES_IN_UTF_8, "", byte_form(part))):
                if is_telling(form):
                    yield form
