"""The machines that each thread keeps, as building a machine takes longer than an event."""

from __future__ import annotations

import threading
from typing import Any


class Kept(threading.local):
    """The machines of a chart by the class of their models, of the thread that asks.

    Two threads on the same machine would get each other's errors.
    """

    def __init__(self) -> None:
        self.machines: dict[type, Any] = {}
