"""The pauses of those who wait for a name that another holder has."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

_FIRST: Final = 0.005  # seconds; most holders only read and write a record


def pauses(longest: float) -> Iterator[float]:
    """Yield the seconds to wait before each look: short ones first, then longer ones.

    Those who began to wait together don't look together: the name would lie free until all look.
    """
    pause = _FIRST
    while True:
        # The last digits of the clock are as good as chance here, and `random` takes long to import.
        yield (0.5 + time.perf_counter_ns() % 1000 / 2000) * min(pause, longest)
        pause = min(2 * pause, longest)
