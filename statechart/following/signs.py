"""Signs of change: what the file system tells of the files of each name."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Final, TypeAlias

from statechart.storage.disk.lock_probe import is_taken
from statechart.storage.layout import DOCUMENT, JOURNAL, Layout

_Sign: TypeAlias = tuple[int, int]
"""Hashes of all that the system tells of a name, and of its lock: there are thousands of them."""

_NOWHERE: Final[_Sign] = (0, 0)


class Signs:
    """The signs of all names below a root directory, as last looked at."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._root = os.fspath(layout.root)
        self._locks = os.fspath(layout.locks)
        self._seen: dict[str, _Sign] = {}
        self._held: set[str] = set()

    @property
    def names(self) -> frozenset[str]:
        """The names that there were."""
        return frozenset(self._seen)

    def sweep(self, *, locks: bool) -> frozenset[str]:
        """Look at all names, and return those that have changed, appeared or gone since the last look.

        With `locks`, names whose lock is taken are remembered, and told when it was let go.

        Raises:
            StorageError: The root directory can't be listed.
        """
        before, self._seen = (
            self._seen,
            {name: self._sign(name) or _NOWHERE for name in self._layout.names()},
        )
        changed = {name for name, _ in before.items() ^ self._seen.items()}
        if locks:
            changed |= self._let_go()
            for name, sign in self._seen.items():
                if sign[1] != before.get(name, _NOWHERE)[1]:
                    self.take_note(name)
        return frozenset(changed)

    def look(self, names: Iterable[str]) -> frozenset[str]:
        """Look at some names, and return those that have changed, appeared or gone since the last look."""
        changed = set()
        for name in names:
            sign = self._sign(name)
            if sign != self._seen.get(name):
                changed.add(name)
            if sign is None:
                self._seen.pop(name, None)
            else:
                self._seen[name] = sign
        return frozenset(changed)

    def look_at_held(self) -> frozenset[str]:
        """Look at the names whose lock was taken, and return those that have changed or were let go."""
        return self.look(self._held) | self._let_go()

    def take_note(self, name: str) -> None:
        """Remember whether the lock of a name is taken."""
        if self._is_taken(name):
            self._held.add(name)
        else:
            self._held.discard(name)

    def _let_go(self) -> set[str]:
        """Forget the names whose lock is no longer taken, and return them."""
        # A process that is killed changes no file.
        free = {name for name in self._held if not self._is_taken(name)}
        self._held -= free
        return free

    def _sign(self, name: str) -> _Sign | None:
        """Return the sign of a name, or None without its directory."""
        directory = f"{self._root}/{name}"
        # A file that is moved into the directory, such as a new document, changes the directory's time.
        if (status := _status(directory)) is None:
            return None
        lock = _status(f"{self._locks}/{name}.lock")
        files = (status, _status(f"{directory}/{JOURNAL}"), _status(f"{directory}/{DOCUMENT}"), lock)
        return hash(files), hash(lock)

    def _is_taken(self, name: str) -> bool:
        with suppress(OSError):
            return is_taken(f"{self._locks}/{name}.lock")
        return False


def _status(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
