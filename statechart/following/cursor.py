"""Cursors: how far the records of many histories were told, as a text."""

from __future__ import annotations

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from statechart.errors import InvalidCursor

_PREFIX: Final = "ev1."
_LARGEST: Final = 1 << 26  # bytes: more than a million names take
_LINEAGE: Final = 8  # characters that distinguish the incarnations of a name
_STORE: Final = ""  # no name is empty
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Position:
    """The last record of a name that was told.

    Attributes:
        lineage: The beginning of the name's lineage.
        seq: The number of the record.
        at: The time of the record, in microseconds.
    """

    lineage: str
    seq: int
    at: int

    @classmethod
    def of(cls, lineage: str, seq: int, at: datetime) -> Position:
        """Return the position after a record."""
        return cls(lineage[:_LINEAGE], seq, (at - _BEGINNING) // timedelta(microseconds=1))

    def is_of(self, lineage: str) -> bool:
        """Return whether the position is in the history of an incarnation."""
        return lineage[:_LINEAGE] == self.lineage


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the records of each name were told; `str` makes a text for `Cursor.read`.

    Attributes:
        positions: The last record of each name.
        store: Identifies the store of the names, or is empty.
    """

    positions: Mapping[str, Position] = field(default_factory=dict)
    store: str = ""

    def __str__(self) -> str:
        plain = {name: (each.lineage, each.seq, each.at) for name, each in sorted(self.positions.items())}
        if self.store:
            plain[_STORE] = self.store, 0, 0
        # Each event that is printed has a cursor: the best compression takes three times as long.
        packed = zlib.compress(json.dumps(plain, separators=(",", ":")).encode(), 3)
        return _PREFIX + urlsafe_b64encode(packed).decode().rstrip("=")

    @staticmethod
    def resembles(text: str) -> bool:
        """Return whether a text begins like that of a cursor."""
        return text.startswith(_PREFIX)

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the cursor that a text stands for.

        Raises:
            InvalidCursor: The text is not from a cursor.
        """
        try:
            positions = {name: _position(*parts) for name, parts in _unpacked(text.strip()).items()}
            store = positions.pop(_STORE, None)
            return cls(positions, store.lineage if store is not None else "")
        except (ValueError, TypeError, AttributeError, zlib.error, RecursionError) as error:
            raise InvalidCursor(text) from error


def _unpacked(text: str) -> dict[str, Any]:  # Any: JSON
    code = text.removeprefix(_PREFIX)
    if code == text:
        raise ValueError("another prefix")
    unpacking = zlib.decompressobj()
    plain = unpacking.decompress(urlsafe_b64decode(code + "=" * (-len(code) % 4)), _LARGEST)
    if not unpacking.eof:
        raise ValueError("not whole")
    unpacked: dict[str, Any] = json.loads(plain)
    return unpacked


def _position(lineage: str, seq: int, at: int) -> Position:
    if (type(lineage), type(seq), type(at)) != (str, int, int):
        raise TypeError("not a position")
    return Position(lineage, seq, at)
