"""Wait for changes of files, as the system tells them."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

from watchfiles._rust_notify import RustNotify  # the backend, whose interface is documented

from statechart.following.cancellation import in_thread
from statechart.storage.layout import Layout

_Status: TypeAlias = tuple[int, int, int] | None

EVERY = 1.0
"""Seconds after which to look without a change: a process that is killed changes no file."""

_TOGETHER = 50  # milliseconds: changes within them are told together


class Watch:
    """Waits for changes of the files in some directories, but not in the directories below them.

    Changes count from the construction on: look once afterwards, then each time that `changed`
    returns. Where the system tells no changes, such as without inotify or beyond its limit of
    watches, `changed` returns when time is up.

    Args:
        directories: The directories; those that are missing are left out.
    """

    def __init__(self, directories: Iterable[Path]) -> None:
        self._stop = threading.Event()
        self._notify = _notify([str(each) for each in directories if each.is_dir()])

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop watching. Can be called twice."""
        if self._notify is not None:
            self._notify.close()

    async def changed(self, within: float = EVERY) -> frozenset[Path]:
        """Wait for changes, and return the changed paths, if the system told any until time is up."""
        notify, milliseconds = self._notify, max(1, int(within * 1000))
        if notify is None:
            await asyncio.sleep(within)
            return frozenset()
        found = await in_thread(
            lambda: notify.watch(_TOGETHER, _TOGETHER, milliseconds, self._stop), on_cancel=self._stop.set
        )
        return frozenset() if isinstance(found, str) else frozenset(Path(path) for _, path in found)


def _notify(paths: list[str]) -> RustNotify | None:
    try:
        return RustNotify(
            paths,
            debug=False,
            force_polling=False,
            poll_delay_ms=1000,  # for a system without inotify
            recursive=False,
            ignore_permission_denied=True,
        )
    except OSError:  # the system's limit of watches, for example
        return None


async def changed_names(root: Path, *, every: float = EVERY) -> AsyncGenerator[frozenset[str], None]:
    """Yield the names in a data directory whose record or lock has changed; at first all names.

    Names that appear or are purged are yielded too. What changes while the caller is busy is yielded
    together afterwards, so nothing is missed. The data directory may appear later. Without a change,
    an empty set is yielded `every` so many seconds: a process that is killed changes no file.

    Raises:
        StorageError: The directory can't be listed.
    """
    layout = Layout(root)
    seen: dict[str, tuple[_Status, ...]] = {}
    watched = _directories(layout)
    watch = Watch(watched)
    try:
        while True:
            # Directories that appeared are watched before they are read, so that no change falls between.
            if (there := _directories(layout)) != watched:
                before, watched, watch = watch, there, Watch(there)
                before.close()
            now = {name: _signs(layout, name) for name in layout.names()}
            yield frozenset(name for name, _ in seen.items() ^ now.items())
            seen = now
            await watch.changed(every)
    finally:
        watch.close()


def _directories(layout: Layout) -> dict[Path, int | None]:
    """Return the directories of the records and locks, each with its number: a later one has another."""
    directories = (layout.root, layout.locks, *(layout.directory(name) for name in layout.names()))
    found = ((each, _status(each)) for each in directories)
    return {each: status[0] for each, status in found if status is not None}


def _signs(layout: Layout, name: str) -> tuple[_Status, ...]:
    return tuple(_status(path) for path in (layout.journal(name), layout.document(name), layout.lock(name)))


def _status(path: Path) -> _Status:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


class NameChanges:
    """The names below a root directory whose record or lock changes.

    Args:
        root: The directory, which may appear later.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.watching = "inotify"

    async def names(self, *, every: float | None = None) -> AsyncGenerator[frozenset[str], None]:
        """Yield the names that may have changed; at first, all.

        With `every`, an empty set is yielded after so many seconds without a change.
        """
        async for names in changed_names(self._root):
            if names or every is not None:
                yield names
