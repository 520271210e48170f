"""Signals: Ctrl-C, TERM and HUP end a command in a state that is true and on record."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from environments.errors import CommandFailed, Stopped
from environments.failure import FailureCause
from environments.runner import StopRequest

ResultT = TypeVar("ResultT")

_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ended(Exception):
    """A signal ended a command; what it left is on record.

    Attributes:
        signal: The signal.
        name: The environment that was being changed; None when no command had begun.
        failed: How the command failed, when it stopped between two steps.
    """

    def __init__(
        self, received: signal.Signals, name: str | None = None, failed: CommandFailed | None = None
    ) -> None:
        self.signal = received
        self.name = name
        self.failed = failed
        super().__init__(f"ended by {received.name}")

    @property
    def exit_code(self) -> int:
        """The code of a process that ends so."""
        return 128 + self.signal


@dataclass(slots=True)
class Interruption:
    """Turns signals into a stop after the step in hand, or into the end of the task.

    Attributes:
        tell: Tells the person what was understood.
        at_work: Names the environment once a command has begun; what only waits is ended at once.
        stop: The stop that the command heeds.
    """

    tell: Callable[[str], None]
    at_work: Callable[[], str | None]
    stop: StopRequest = field(default_factory=StopRequest)
    received: signal.Signals | None = None

    def run(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Run a command to its end, or to the end that a signal asks for.

        Raises:
            Ended: A signal ended it.
        """
        return asyncio.run(self._supervised(work))

    async def _supervised(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        task = asyncio.get_running_loop().create_task(work)
        with self._handlers(task):
            try:
                return await task
            except asyncio.CancelledError:
                if self.received is None:
                    raise
                raise Ended(self.received, self.at_work()) from None
            except Stopped:
                if self.received is None:
                    raise
                raise Ended(self.received, self.at_work()) from None
            except CommandFailed as failed:
                if self.received is None or failed.failure.cause is not FailureCause.CANCELLED:
                    raise
                raise Ended(self.received, self.at_work(), failed) from None

    @contextmanager
    def _handlers(self, task: asyncio.Task[Any]) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        # A signal that the parent has us ignore (nohup, a shell's background job) stays ignored.
        taken = [number for number in _HANDLED if signal.getsignal(number) is not signal.SIG_IGN]
        for number in taken:
            loop.add_signal_handler(number, self._receive, number, task)
        try:
            yield
        finally:
            for number in taken:
                loop.remove_signal_handler(number)

    def _receive(self, number: signal.Signals, task: asyncio.Task[Any]) -> None:
        first = self.received is None
        self.received = number
        if number is signal.SIGINT and first and self.at_work() is not None:
            self.stop.request("interrupted by Ctrl-C")
            self.tell("stopping after this step; Ctrl-C again ends it now")
            return
        self.tell(f"{number.name}: ending it now")
        task.cancel()
