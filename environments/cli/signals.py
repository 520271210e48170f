"""Signals: Ctrl-C, TERM and HUP end a command in a state that is true and on record."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from environments.errors import CommandFailed, Stopped
from environments.execution.stop import StopRequest
from environments.model.failure import FailureCause

ResultT = TypeVar("ResultT")

_PATIENCE = 0.5
_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StepCut(asyncio.CancelledError):
    """Raised in the middle of a step that does not let go of the event loop, to cancel it there."""


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
        """Take signals between any two instructions, so that a step can't keep them out."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        # A signal that the parent has us ignore (nohup, a shell's background job) stays ignored.
        taken = [number for number in _HANDLED if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.getsignal(number) for number in (*taken, signal.SIGALRM)}
        for number in taken:
            signal.signal(number, lambda number, _frame: self._receive(signal.Signals(number), task, loop))
        signal.signal(signal.SIGALRM, lambda _number, _frame: self._cut())
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _receive(
        self, number: signal.Signals, task: asyncio.Task[Any], loop: asyncio.AbstractEventLoop
    ) -> None:
        first = self.received is None
        self.received = number
        if number is signal.SIGINT and first and self.at_work() is not None:
            self.stop.request("interrupted by Ctrl-C")
            loop.call_soon_threadsafe(self.tell, "stopping after this step; Ctrl-C again ends it now")
            return
        loop.call_soon_threadsafe(self._end, number, task)
        signal.setitimer(signal.ITIMER_REAL, _PATIENCE, _PATIENCE)

    def _end(self, number: signal.Signals, task: asyncio.Task[Any]) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.tell(f"{number.name}: ending it now")
        task.cancel()

    def _cut(self) -> None:
        """End a step that keeps the event loop to itself, from inside; never what is not a step."""
        if self.stop.in_step:
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise StepCut
