"""Cursors of the events of environments."""

from __future__ import annotations

from typing import Self

from environments.errors import InvalidCursor
from statechart import errors
from statechart.following import cursor


class Cursor(cursor.Cursor):
    """How far the records of each environment were told; `str` makes a text for `Cursor.read`."""

    __slots__ = ()

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the cursor that a text stands for.

        Raises:
            InvalidCursor: The text is not from a cursor.
        """
        try:
            return super().read(text)
        except errors.InvalidCursor as error:
            raise InvalidCursor(text) from error
