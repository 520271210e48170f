"""Wait for changes of files, as the system tells them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from time import monotonic
from types import TracebackType

from statechart.following.notices import NoNotices, Notices

EVERY = 1.0
"""Seconds after which to look without a change, where changes may happen that change no file."""


class Watch:
    """Waits for changes of the files in some directories, but not in the directories below them.

    Changes count from the construction on: look once afterwards, then each time that `changed`
    returns. Where the system tells no changes, such as without inotify or beyond its limit of
    watches, `changed` returns when time is up.

    Args:
        directories: The directories; those that are missing are left out.
        concerns: Whether a path is of interest; by default, all are.
        notices: Opens the notices of the system.
    """

    def __init__(
        self,
        directories: Iterable[Path],
        concerns: Callable[[Path], bool] = lambda _path: True,
        notices: Callable[[], Notices] = Notices,
    ) -> None:
        self._concerns = concerns
        self._notices = _watched(directories, notices)

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop watching. Can be called twice."""
        if self._notices is not None:
            self._notices.close()

    async def changed(self, within: float = EVERY) -> frozenset[Path]:
        """Wait for changes, and return the changed paths, if the system told any until time is up."""
        if self._notices is None:
            await asyncio.sleep(within)
            return frozenset()
        deadline = monotonic() + within
        while (left := deadline - monotonic()) > 0:
            told = await self._notices.wait(left)
            paths = {notice.path for notice in told}
            if None in paths:  # notices were lost: the caller has to look
                break
            if found := frozenset(path for path in paths if path is not None and self._concerns(path)):
                return found
        return frozenset()


def _watched(directories: Iterable[Path], notices: Callable[[], Notices]) -> Notices | None:
    try:
        opened = notices()
    except NoNotices:
        return None
    try:
        for directory in directories:
            opened.add(directory)
    except NoNotices:
        opened.close()
        return None
    return opened
