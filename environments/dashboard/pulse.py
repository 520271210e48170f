"""Look at a fleet while its page is open, and tell the page what changes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from environments.errors import EnvironmentsError
from statechart.errors import StatechartError

if TYPE_CHECKING:
    from environments.fleet.fleet import Fleet
    from statechart.dashboard.hub import Hub

FLEET: Final = "fleet:"
"""The name by which pages of the fleet are told: no environment can have it."""

_LOOK: Final = 1.0  # seconds


class Pulse:
    """Looks at a fleet once a second for all its open pages, and not at all without one.

    Args:
        fleet: The fleet.
        hub: The open pages.
    """

    def __init__(self, fleet: Fleet, hub: Hub) -> None:
        self._fleet = fleet
        self._hub = hub
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Begin to look, unless that has begun; a page has to be open."""
        task = self._task
        if task is None or task.done() or not task.get_loop().is_running():
            self._task = asyncio.create_task(self._look())

    async def _look(self) -> None:
        seen: tuple[str, int] | None = None
        while self._hub.shows(FLEET):
            before = self._hub.told  # the steps of environments are shown as well
            found = (await asyncio.to_thread(self._felt), before)
            if found != seen:
                self._hub.touch(FLEET)
            seen = found
            await asyncio.sleep(_LOOK)

    def _felt(self) -> str:
        try:
            return self._fleet.pulse()
        except (EnvironmentsError, StatechartError) as error:  # told by the page, which asks again
            return type(error).__name__
