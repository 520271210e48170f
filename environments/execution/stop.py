"""A request to stop a running command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class StopRequest:
    """A request to stop after the current step.

    Attributes:
        reason: The source of the request; None if there is none.
        in_step: Whether code of a step is running now, rather than code that records.
    """

    reason: str | None = None
    in_step: bool = False

    def request(self, reason: str) -> None:
        """Request a stop."""
        self.reason = reason

    @contextmanager
    def step(self) -> Iterator[None]:
        """Set `in_step` inside the context."""
        self.in_step = True
        try:
            yield
        finally:
            self.in_step = False
