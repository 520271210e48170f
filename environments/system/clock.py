"""The clock that commands, waits and time stamps go by."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The time of day, and the passing of time.

    Commands take time stamps, durations and pauses between attempts from their clock. Waits for
    other processes and hosts are measured in real time.
    """

    def now(self) -> datetime:
        """Return the time of day as an aware datetime, which may jump."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never decrease, for measuring durations."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Pause the task."""
        ...


class SystemClock:
    """The operating system's clocks."""

    def now(self) -> datetime:
        """Return the time of day in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never decrease."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Pause the task."""
        await asyncio.sleep(seconds)


SYSTEM_CLOCK: Clock = SystemClock()
"""The clock used wherever no other is given."""
