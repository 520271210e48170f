"""Following: an index that is kept up to date while pages are asked for, and tells open pages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from loguru import logger

from statechart.dashboard.hub import PENDING
from statechart.errors import StatechartError

if TYPE_CHECKING:
    from statechart.dashboard.hub import Hub
    from statechart.overview import Index, Row, Source

RowT = TypeVar("RowT", bound="Row")

_MOMENT: Final = 0.01  # seconds
_AGAIN: Final = 1.0  # seconds, after which a store that could not be read is looked at again


class Following(Generic[RowT]):
    """Reads an index once, and refreshes what changes from then on.

    It begins with the first request: an application that is mounted into another is not told of its start.
    Where a process has several event loops, the first follows for all as long as it runs.

    Attributes:
        trouble: The error because of which changes are not seen at the moment, or None.
        is_read: Whether all was read once, so that there is something to show.
    """

    def __init__(
        self,
        index: Index[RowT],
        source: Source[RowT],
        hub: Hub,
        draw: Callable[[RowT], Mapping[str, object]],
    ) -> None:
        self._index = index
        self._source = source
        self._hub = hub
        self._draw = draw
        self._task: asyncio.Task[None] | None = None
        self._is_begun = asyncio.Event()
        self.trouble: Exception | None = None
        self.is_read: bool = False

    async def ready(self) -> None:
        """Begin, unless it has begun, and wait until all was read once, or could not be read."""
        if self._task is None or self._is_left(self._task):
            self._is_begun, self.is_read = asyncio.Event(), False
            self._task = asyncio.create_task(self._follow())
        if self._task.get_loop() is not asyncio.get_running_loop():
            # Another event loop of this process follows for all, and its events can't be waited for here.
            while not self._is_begun.is_set() and not self._task.done():  # noqa: ASYNC110
                await asyncio.sleep(_MOMENT)
        elif not self._is_begun.is_set():
            waiting = asyncio.ensure_future(self._is_begun.wait())
            await asyncio.wait((waiting, self._task), return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()

    def _is_left(self, task: asyncio.Task[None]) -> bool:
        """Return whether the event loop of a task has ended, so that nothing is followed any more."""
        loop = task.get_loop()
        return loop is not asyncio.get_running_loop() and not loop.is_running()

    @property
    def is_alive(self) -> bool:
        """Whether changes are seen."""
        return self._task is not None and not self._task.done() and self.trouble is None

    async def stop(self) -> None:
        """End following, if this event loop follows."""
        task = self._task
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            return
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        self._task = None

    async def _follow(self) -> None:
        while True:
            try:
                await self._look()
            except Exception as error:  # the loop of all changes: the server lives on, and says so
                if repr(error) != repr(self.trouble):  # once, and not each second
                    _log(error)
                self.trouble = error
                self._is_begun.set()
            await asyncio.sleep(_AGAIN)

    async def _look(self) -> None:
        async with aclosing(self._source.changes()) as changes:
            async for names in changes:
                if not self.is_read or self.trouble is not None:
                    await asyncio.to_thread(self._index.read)
                    self.trouble = None
                    self.is_read = True
                    self._is_begun.set()
                    self._hub.resync()
                elif names:
                    await self._refresh(names)

    async def _refresh(self, names: frozenset[str]) -> None:
        rows = await asyncio.to_thread(self._index.refresh, names)
        is_drawn = self._hub.shows_rows and len(rows) <= PENDING

        def told(row: RowT) -> Mapping[str, object]:
            return {"group": row.group, **(self._draw(row) if is_drawn else {})}

        self._hub.tell(
            {name: None if row is None else told(row) for name, row in rows.items()},
            {"all": self._index.total, **self._index.counts},
        )


def _log(error: Exception) -> None:
    is_expected = isinstance(error, (StatechartError, OSError))
    logger.opt(exception=None if is_expected else error).log(
        "WARNING" if is_expected else "ERROR",
        "The store can't be followed, and is looked at again: {}",
        error,
    )
