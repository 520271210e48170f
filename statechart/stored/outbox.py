"""The interface of a store's effects: which are due, and who runs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statechart.holder import Holder
    from statechart.storage.segments.due import Due
    from statechart.stored.damage import Damaged


@dataclass(frozen=True, slots=True)
class Pending:
    """The effects of a name that are due, and the incarnation of the name."""

    name: str
    lineage: str
    effects: list[Due]


class RunLock(Protocol):
    """The right to run the effects of a name; a holder that dies loses it."""

    def acquire(self, holder: Holder) -> None:
        """Take the right, without waiting.

        Raises:
            Locked: Another run has it.
            StorageError: It can't be taken.
        """
        ...

    def check(self) -> None:
        """Check that no other run can have it by now.

        Raises:
            LeaseLost: It was lost.
        """
        ...

    def release(self) -> None:
        """Give the right back."""
        ...


class Outbox(Protocol):
    """The effects that are due in a store, found without locks."""

    def of(self, name: str) -> Pending:
        """Return the effects that are due for a name.

        Raises:
            NotFound: The name does not exist.
            StorageError: Its history is damaged or can't be read.
        """
        ...

    def all(self, *, remember: bool = False) -> Iterator[Pending | Damaged]:
        """Yield each name for which something is due, or whose history can't be read.

        Args:
            remember: Write down which names have nothing due, for the next call.
        """
        ...

    def lock(self, name: str) -> RunLock:
        """Return the right to run the effects of a name."""
        ...
