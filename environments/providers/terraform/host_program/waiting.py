"""Wait on the host for a condition."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(condition: Callable[[], bool], *, within: float, every: float) -> bool:
    """Evaluate a condition until it holds or time is up, and return whether it holds.

    The condition is evaluated at least once, and once more when time is up.

    Args:
        condition: A function without arguments.
        within: How long to wait, in seconds.
        every: The pause between two evaluations, in seconds.
    """
    deadline = time.monotonic() + within
    while not condition():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(every, left))
    return True
