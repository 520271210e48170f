"""The directories below a root directory, watched as far as the kernel allows."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic
from typing import Final, NamedTuple

from statechart.errors import InvalidName
from statechart.following.notices import NoNotices, Notice, Notices
from statechart.storage.disk import network_filesystem
from statechart.storage.disk.lock_probe import is_taken
from statechart.storage.layout import DOCUMENT, JOURNAL, Layout

_AGAIN: Final = 300.0
"""Seconds after which a kernel that refused is asked again."""

_LOCK: Final = ".lock"


class Told(NamedTuple):
    """The changes that the kernel told.

    Attributes:
        names: The names that may have changed.
        is_lost: Whether any name may have changed.
    """

    names: frozenset[str] = frozenset()
    is_lost: bool = False


class Watches:
    """Watches the root directory, the locks, and the directory of each name.

    Attributes:
        reason: Why the kernel does not tell all changes, or None if it does. Even so, it may tell where
            names appear and locks change.
    """

    def __init__(self, layout: Layout, notices: Callable[[], Notices]) -> None:
        self._layout = layout
        self._open = notices
        self._notices: Notices | None = None
        self._root: tuple[int, int] | None = None
        self._asked = 0.0
        self._is_lost = True
        self.reason: str | None = None

    @property
    def is_stale(self) -> bool:
        """Whether to begin: for the first time, with another root directory, or if more may be allowed."""
        refused = self.reason is not None and monotonic() > self._asked + _AGAIN
        return self._is_lost or refused or self._root != _identity(self._layout)

    def begin(self) -> None:
        """Begin to watch, with all the directories that there are.

        Raises:
            StorageError: The root directory can't be listed.
        """
        self.close()
        self.reason = None
        self._asked, self._root, self._is_lost = monotonic(), _identity(self._layout), False
        kind = network_filesystem(self._layout.root)
        if kind is not None:
            self.reason = f"{self._layout.root} is on {kind}, where other machines make changes unseen"
            return
        if not self._watch_top():
            self.reason = self.reason or f"{self._layout.root} does not exist"
        self.cover(self._layout.names())

    def cover(self, names: Iterable[str]) -> None:
        """Watch the directories of names that are not watched yet, unless the kernel has refused."""
        if self._notices is None or self.reason is not None:
            return
        try:
            for name in names:
                if (directory := self._layout.directory(name)) not in self._notices:
                    self._notices.add(directory, follow=False)
        except NoNotices as error:
            # Other programs of this user need watches, too. The locks tell when a name is worth a look.
            self.close()
            self._watch_top()
            self.reason = str(error)

    async def wait(self, within: float) -> Told:
        """Wait for changes, at most `within` seconds."""
        if self._notices is None:
            await asyncio.sleep(within)
            return Told()
        notices = await self._notices.wait(within)
        names = {name for notice in notices if (name := self._name(notice)) is not None}
        if any(notice.directory == self._layout.root and not notice.name for notice in notices):
            self._is_lost = True  # the root directory has left its path
        return Told(frozenset(names), any(self._tells_nothing(notice) for notice in notices))

    def close(self) -> None:
        """Watch nothing."""
        if self._notices is not None:
            self._notices.close()
            self._notices = None

    def _watch_top(self) -> bool:
        """Watch the root directory and the locks, and return whether there is a root directory."""
        try:
            self._notices = self._open()
            there = self._notices.add(self._layout.root)
            self._notices.add(self._layout.locks)
        except NoNotices as error:
            self.close()
            self.reason = str(error)
            return False
        return there

    def _tells_nothing(self, notice: Notice) -> bool:
        """Return whether a notice means that anything may have changed."""
        top = (self._layout.root, self._layout.locks)
        return notice.directory is None or (notice.directory in top and not notice.name)

    def _name(self, notice: Notice) -> str | None:
        """Return the name that a notice is about, after following the directories that come and go."""
        if notice.directory is None or not notice.name:
            return None
        if notice.directory == self._layout.root:
            return self._moved(notice)
        if notice.directory == self._layout.locks:
            return self._locked(notice)
        is_ours = notice.name in (JOURNAL, DOCUMENT) or (
            notice.name.endswith(".json") and not notice.name.startswith(".")
        )
        return notice.directory.name if is_ours else None

    def _moved(self, notice: Notice) -> str | None:
        """Return the name whose directory has come or gone."""
        assert self._notices is not None
        path = self._layout.root / notice.name
        is_locks = path == self._layout.locks
        if not is_locks and not self._is_name(notice.name):
            return None
        self._notices.remove(path)
        if notice.is_there:
            if not (notice.is_directory or path.is_symlink()):
                return None
            if is_locks or self.reason is None:
                with suppress(NoNotices):  # the next sweep meets it again
                    self._notices.add(path, follow=False)
        return None if is_locks else notice.name

    def _locked(self, notice: Notice) -> str | None:
        """Return the name whose lock was taken or let go."""
        name = notice.name.removesuffix(_LOCK)
        if name == notice.name or not self._is_name(name):
            return None
        with suppress(OSError):
            # A process that waits for the lock opens and closes the file many times a second.
            if notice.is_closed and is_taken(f"{self._layout.locks}/{notice.name}"):
                return None
        return name

    def _is_name(self, name: str) -> bool:
        try:
            self._layout.directory(name)
        except InvalidName:
            return False
        return True


def _identity(layout: Layout) -> tuple[int, int] | None:
    try:
        found = os.stat(layout.root)
    except OSError:
        return None
    return found.st_dev, found.st_ino
