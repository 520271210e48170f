"""The names of a store that change, as every store tells them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol, runtime_checkable


class Changed(Protocol):
    """The names that have changed, as they change."""

    @property
    def watching(self) -> str:
        """How changes are noticed: `inotify`, `listen`, or the reason for looking at intervals.

        While the store can't be read: `away: ` and the reason.
        """
        ...

    def names(self, *, every: float | None = None) -> AsyncGenerator[frozenset[str], None]:
        """Yield the names that may have changed; at first, all. Names that are gone are yielded too.

        With `every`, an empty set is yielded after so many seconds without a change.
        """
        ...


def may_be_late(watching: str) -> bool:
    """Return whether changes are noticed by looking at intervals, as `Changed.watching` tells."""
    return watching.startswith(("polling", "away"))


def is_away(watching: str) -> bool:
    """Return whether the store can't be read at present, as `Changed.watching` tells."""
    return watching.startswith("away")


@runtime_checkable
class TellsNames(Protocol):
    """A store that tells which of its names change, whichever process changes them."""

    def changed(self) -> Changed:
        """Return the changes from the first iteration on."""
        ...
