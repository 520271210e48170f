"""The machines that each thread keeps, as building one takes longer than an event."""

from __future__ import annotations

import threading
from typing import Any

# By thread, as two threads on one machine would get each other's errors.
_thread = threading.local()


def kept_machines() -> dict[tuple[type, type], Any]:
    """Return the machines of this thread, by the classes of their chart and model."""
    machines: dict[tuple[type, type], Any] | None = getattr(_thread, "machines", None)
    if machines is None:
        machines = _thread.machines = {}
    return machines
