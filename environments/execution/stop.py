"""A request to stop a running command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Each task has its own: of several commands at once, one may be in a step while another records.
_in_step_of: ContextVar[StopRequest | None] = ContextVar("_in_step_of", default=None)


class StopRequest:
    """A request to stop after the current step.

    Attributes:
        reason: The source of the request; None if there is none.
    """

    reason: str | None

    def __init__(self, reason: str | None = None, in_step: bool = False) -> None:
        self.reason = reason
        self._listeners: list[Callable[[], object]] = []
        if in_step:
            self.in_step = in_step

    @property
    def in_step(self) -> bool:
        """Whether code of a step is running now in this task, rather than code that records."""
        return _in_step_of.get() is self

    @in_step.setter
    def in_step(self, inside: bool) -> None:
        _in_step_of.set(self if inside else None)

    def request(self, reason: str) -> None:
        """Request a stop."""
        self.reason = reason
        for listener in tuple(self._listeners):
            listener()

    @contextmanager
    def step(self) -> Iterator[None]:
        """Set `in_step` inside the context."""
        self.in_step = True
        try:
            yield
        finally:
            self.in_step = False

    @contextmanager
    def heard_by(self, listener: Callable[[], object]) -> Iterator[None]:
        """Call a listener at each request, inside the context. A signal handler may be the caller."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)
