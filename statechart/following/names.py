"""The names below a root directory that change, whichever process changes them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from math import inf
from pathlib import Path
from time import monotonic
from typing import Final

from statechart.following.cancellation import in_thread
from statechart.following.notices import Notices
from statechart.following.signs import Signs
from statechart.following.watches import Watches
from statechart.following.watching import EVERY
from statechart.storage.layout import Layout

INOTIFY: Final = "inotify"

_NET: Final = 30.0  # seconds

_SHARE: Final = 20
"""Without the kernel, looking takes at most this part of the time."""


class NameChanges:
    """The names below a root directory that change, whichever process changes them.

    The kernel tells the changes of each name's journal and documents, and the end of each lock, also if a
    process is killed. Where it does not, such as on a network file system or beyond its limit of watches,
    all names are looked at again and again: those that are being changed each second, and the others as
    often as their number allows. They are looked at once in a while in any case.

    Args:
        root: The directory, which may appear later.
        notices: Opens the notices of the kernel.
        pause: The seconds between two looks without the kernel, at least.
        net: The seconds after which all names are looked at although the kernel tells the changes.
    """

    def __init__(
        self,
        root: Path,
        notices: Callable[[], Notices] = Notices,
        *,
        pause: float = EVERY,
        net: float = _NET,
    ) -> None:
        self._layout = Layout(root.absolute())
        self._notices = notices
        self._pause = pause
        self._net = net
        self._reason: str | None = None

    @property
    def watching(self) -> str:
        """How changes are noticed: `inotify`, or the reason for looking at intervals."""
        return INOTIFY if self._reason is None else f"polling: {self._reason}"

    async def names(self, *, every: float | None = None) -> AsyncGenerator[frozenset[str], None]:
        """Yield the names that may have changed; at first, all. Names that are gone are yielded too.

        What changes while the caller is busy is yielded together afterwards, so nothing is missed. With
        `every`, an empty set is yielded after so many seconds without a change.

        Raises:
            StorageError: The directory can't be listed.
        """
        looking = _Looking(self._layout, self._notices, self._pause, self._net)
        try:
            names = await in_thread(looking.sweep)
            while True:
                self._reason = looking.reason
                yield names
                quiet = inf if every is None else monotonic() + every
                while not (names := await looking.wait(quiet)) and monotonic() < quiet:
                    self._reason = looking.reason
        finally:
            looking.close()


class _Looking:
    """Looks at the names that the kernel tells, and at all names from time to time."""

    def __init__(self, layout: Layout, notices: Callable[[], Notices], pause: float, net: float) -> None:
        self._layout = layout
        self._pause = pause
        self._net = net
        self._watches = Watches(layout, notices)
        self._signs = Signs(layout)
        self._next_sweep = 0.0

    @property
    def reason(self) -> str | None:
        """Why the kernel does not tell all changes, or None."""
        return self._watches.reason

    def sweep(self) -> frozenset[str]:
        """Look at all names, and return those that have changed since the last look."""
        begun = monotonic()
        # Watched before they are looked at, so that no change falls between.
        if self._watches.is_stale:
            self._watches.begin()
        else:
            self._watches.cover(self._layout.names())
        changed = self._signs.sweep(locks=self.reason is not None)
        now = monotonic()
        self._next_sweep = now + (
            self._net if self.reason is None else max(self._pause, _SHARE * (now - begun))
        )
        return changed

    async def wait(self, until: float) -> frozenset[str]:
        """Wait for changes, at most until a time and no longer than sensible, and return the names."""
        at = min(until, self._next_sweep)
        if self.reason is not None:
            at = min(at, monotonic() + self._pause)
        told = await self._watches.wait(max(0.0, at - monotonic()))
        self._signs.look(told.names)  # or the next sweep would tell them again
        if told.is_lost or monotonic() >= self._next_sweep:
            return told.names | await in_thread(self.sweep)
        if self.reason is None:
            return told.names
        for name in told.names:
            self._signs.take_note(name)
        return told.names | self._signs.look_at_held()

    def close(self) -> None:
        """Look no longer."""
        self._watches.close()
