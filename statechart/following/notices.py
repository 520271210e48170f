"""Notices of changes in directories, from the kernel's inotify."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from asyncinotify import Inotify, Mask, Watch

_TOGETHER: Final = 0.015  # seconds: a command writes several records and files in a row
_AT_ONCE: Final = 256  # notices that are read in one call

_FILES: Final = Mask.MODIFY | Mask.CLOSE_WRITE | Mask.CREATE | Mask.DELETE | Mask.MOVE
_LOST: Final = Mask.DELETE_SELF | Mask.MOVE_SELF | Mask.UNMOUNT | Mask.IGNORED
_WATCHED: Final = _FILES | Mask.DELETE_SELF | Mask.MOVE_SELF | Mask.ONLYDIR | Mask.EXCL_UNLINK

_LIMITS: Final = {errno.ENOSPC: "max_user_watches", errno.EMFILE: "max_user_instances"}


class NoNotices(Exception):
    """The kernel does not tell the changes of a directory; the message says why."""


class Notice(NamedTuple):
    """A change in a watched directory.

    Attributes:
        directory: The directory; None if notices were dropped, so that anything may have changed.
        name: The entry of the directory; empty if the directory itself is gone from its path.
        is_there: Whether the entry was made, changed or moved in, and not removed.
        is_directory: Whether the entry is a directory.
        is_closed: Whether this tells only that a writer has closed the file.
    """

    directory: Path | None
    name: str = ""
    is_there: bool = False
    is_directory: bool = False
    is_closed: bool = False

    @property
    def path(self) -> Path | None:
        """The path of the entry."""
        return None if self.directory is None else self.directory / self.name


class Notices:
    """The changes of the entries of some directories, but not of the directories below them.

    Raises:
        NoNotices: The kernel does not tell changes.
    """

    def __init__(self) -> None:
        self._watches: dict[Path, Watch] = {}
        try:
            self._inotify = Inotify(cache_size=_AT_ONCE, sync_timeout=0)
        except OSError as error:
            raise _refused(error) from error

    def add(self, directory: Path, *, follow: bool = True) -> bool:
        """Begin to watch a directory, and return whether there is one that can be read.

        Args:
            directory: The path.
            follow: Whether a symbolic link is followed.

        Raises:
            NoNotices: The system's limit of watches is reached.
        """
        mask = _WATCHED if follow else _WATCHED | Mask.DONT_FOLLOW
        try:
            self._watches[directory] = self._inotify.add_watch(directory, mask)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ELOOP):
                return False
            raise _refused(error) from error
        return True

    def remove(self, directory: Path) -> None:
        """Watch a directory no longer, whatever its path is now."""
        watch = self._watches.pop(directory, None)
        if watch is not None:
            with suppress(OSError):  # the kernel has removed the watch of a directory that is gone
                self._inotify.rm_watch(watch)

    def __len__(self) -> int:
        """Return the number of directories."""
        return len(self._watches)

    def __contains__(self, directory: object) -> bool:
        return directory in self._watches

    async def wait(self, within: float) -> Sequence[Notice]:
        """Wait for a change, at most `within` seconds, and return it with those right after it."""
        loop = asyncio.get_running_loop()
        ready = loop.create_future()

        def told() -> None:
            loop.remove_reader(self._inotify.fd)  # or it is called over and over until the notices are read
            if not ready.done():
                ready.set_result(None)

        loop.add_reader(self._inotify.fd, told)
        try:
            async with asyncio.timeout(within):
                await ready
            await asyncio.sleep(_TOGETHER)
        except TimeoutError:
            return ()
        finally:
            loop.remove_reader(self._inotify.fd)
        return self._read()

    def close(self) -> None:
        """Watch nothing any more. Can be called twice."""
        self._watches.clear()
        self._inotify.close()

    def _read(self) -> Sequence[Notice]:
        found: dict[Notice, None] = {}
        for event in self._inotify:
            if Mask.Q_OVERFLOW in event.mask:
                found[Notice(None)] = None
            elif event.watch is not None and self._watches.get(event.watch.path) is event.watch:
                found[_notice(event.watch.path, event.name, event.mask)] = None
        return tuple(found)


def _notice(directory: Path, name: Path | None, mask: Mask) -> Notice:
    if name is None or mask & _LOST:
        return Notice(directory)
    is_there = not mask & (Mask.DELETE | Mask.MOVED_FROM)
    return Notice(directory, str(name), is_there, Mask.ISDIR in mask, Mask.CLOSE_WRITE in mask)


def _refused(error: OSError) -> NoNotices:
    limit = _LIMITS.get(error.errno or 0)
    if limit is not None:
        return NoNotices(f"the limit fs.inotify.{limit} is reached")
    return NoNotices(f"inotify: {error.strerror}")
