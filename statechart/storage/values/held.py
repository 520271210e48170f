"""The interface of a name that is held for changes, in whatever store."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from statechart.holder import Holder
    from statechart.storage.chain import Head
    from statechart.storage.record import Line, Record


def lease_time() -> float:
    """Return the seconds by which leases are measured here; they count while the machine is suspended."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class LeaseWatcher(Protocol):
    """Learns how long a name is certainly held. It is called by another thread, and must not block."""

    def renewed(self, until: float) -> None:
        """Take note that work on the name may go on until a time, as `lease_time` tells it.

        The time is that of the last renewal and two thirds of the lease: the last third is for ending.
        """
        ...

    def lost(self, why: str) -> None:
        """Take note that the time is over without a renewal, or that another holder has the name.

        `why` is a sentence that says so for people.
        """
        ...


class Held(Protocol):
    """A name that this process holds, and the end of its history, to which nobody else appends."""

    @property
    def holder(self) -> Holder:
        """The holder."""
        ...

    @property
    def crashed(self) -> Holder | None:
        """The previous holder, if it ended without releasing the name."""
        ...

    @property
    def released_by(self) -> Holder | None:
        """The previous holder, if it released the name."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Damage that was found and repaired when the name was taken."""
        ...

    @property
    def head(self) -> Head:
        """The end of the history. It moves when an append is durable, and not otherwise."""
        ...

    @property
    def records(self) -> int:
        """The number of records in the present segment."""
        ...

    def is_still(self, head: Head) -> bool:
        """Return whether the history certainly ends with a head."""
        ...

    def check(self) -> None:
        """Check that the name is still held.

        Raises:
            LeaseLost: It was let go, taken over, or its record was changed by somebody else.
            CommitUncertain: It is uncertain whether the last append is on record.
        """
        ...

    def append(self, line: Line, shown: Callable[[], bytes]) -> None:
        """Append a line that follows the head, durably, and move the head.

        An interruption leaves the old head with the old record, the new head with the new record, or a
        name on which every call raises.

        Args:
            line: The line.
            shown: Returns the value after the line, as JSON, for stores that keep it beside the history.

        Raises:
            LeaseLost: As `check`; nothing was written.
            StorageError: The line could not be written; the record is unchanged.
            CommitUncertain: The line may or may not be on record.
        """
        ...

    def show(self, record: Record, head: Head, version: int) -> None:
        """Bring a projection of the value up to date, after the append of a record with a value.

        Raises:
            StorageError: The projection is behind; the record is not affected.
        """
        ...

    def checkpoint(self, actor: str, value: bytes, version: int) -> tuple[Line, str]:
        """Return the line that begins the next segment, and the name of the one that ends.

        Args:
            actor: The author of the record.
            value: The present value, as JSON.
            version: Its schema version.

        Raises:
            StorageError: The present segment can't be read.
        """
        ...

    def begin(self, line: Line, ended: str) -> None:
        """Begin the next segment, durably, and move the head.

        Raises:
            StorageError: The present segment goes on.
        """
        ...

    def watch(self, watcher: LeaseWatcher) -> None:
        """Tell a watcher each renewal, the last at once, and the loss; in files, neither happens."""
        ...

    def close(self, *, undo: bool) -> None:
        """Let the name go. Later calls have no effect.

        With `undo`, the holder before stays on record as the one who let it go last.
        """
        ...
