"""Wait for changes of files, as the system tells them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from watchfiles._rust_notify import RustNotify  # the backend, whose interface is documented

from environments.system.cancellation import in_thread

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
