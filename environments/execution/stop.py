"""StopRequest: a request to stop a running command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class StopRequest:
    """A wish to stop after the step in hand; `reason` says whose.

    `in_step` tells whether the code of a step runs now, as against that which keeps the record.
    """

    reason: str | None = None
    in_step: bool = False

    def request(self, reason: str) -> None:
        """Ask for a stop."""
        self.reason = reason

    @contextmanager
    def step(self) -> Iterator[None]:
        """Mark what is done inside as a step's own."""
        self.in_step = True
        try:
            yield
        finally:
            self.in_step = False
