"""Streams: the changes that a hub tells, as server-sent events.

Source: HTML Living Standard, section 9.2 (Server-sent events).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from starlette.responses import StreamingResponse

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from statechart.dashboard.hub import Hub, Listener

_HEARTBEAT: Final = 15.0  # seconds, after which an event without meaning shows that the stream is alive
# Pages don't see comments, and would take a connection that was cut in silence for one without news.
_ALIVE: Final = b"event: alive\ndata: -\n\n"


class Stream(StreamingResponse):
    """The response that stays open and tells changes.

    Args:
        hub: Where they come from.
        name: The only name that the page shows, or None.

    Raises:
        Refused: There are too many streams.
    """

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, name: str | None = None) -> None:
        self._hub, self._listener = hub, hub.listen(name)
        # A proxy must not keep the events back until there are many.
        super().__init__(_told(self._listener, hub.version), headers={"X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until the page is closed, or the hub."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._hub.leave(self._listener)


async def _told(listener: Listener, version: str) -> AsyncIterator[bytes]:
    # What changed between the page and its stream is told to neither: the page compares versions.
    yield f"retry: 1000\nevent: version\ndata: {version}\n\n".encode()
    while True:
        try:
            async with asyncio.timeout(_HEARTBEAT):
                event = await listener.next()
        except TimeoutError:
            yield _ALIVE
            continue
        if event is None:
            return
        yield event
