"""Signals: Ctrl-C, TERM and HUP end a command in a true, recorded state."""

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

_PATIENCE = 0.5  # seconds; a step that still blocks the event loop afterwards is cut from inside
_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StepCut(asyncio.CancelledError):
    """Cancels a step that blocks the event loop; raised inside the step by a signal handler."""


class Ended(Exception):
    """A signal ended a command, and the resulting state is recorded.

    Attributes:
        signal: The signal.
        name: The environment under change, or None if no command had begun.
        failed: The failure of a command that stopped between two steps.
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
        """The exit code of a process ended by this signal."""
        return 128 + self.signal


@dataclass(slots=True)
class Interruption:
    """Turns signals into a stop after the current step, or into the end of the task.

    Attributes:
        tell: Prints a message for the user.
        at_work: Returns the environment under change, or None before a command has begun.
        stop: The stop request that the command checks between steps.
    """

    tell: Callable[[str], None]
    at_work: Callable[[], str | None]
    stop: StopRequest = field(default_factory=StopRequest)
    received: signal.Signals | None = None

    def run(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Run a command until it ends, or until a signal ends it.

        Raises:
            Ended: A signal ended the command.
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
        """Handle signals between any two instructions, so that a blocking step can't delay them."""
        if threading.current_thread() is not threading.main_thread():
            yield  # Python lets only the main thread set handlers
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
        # The first Ctrl-C is polite. A command that has not begun only waits, and ends at once.
        first = self.received is None
        self.received = number
        if number is signal.SIGINT and first and self.at_work() is not None:
            self.stop.request("interrupted by Ctrl-C")
            loop.call_soon_threadsafe(
                self.tell, "stopping after this step; press Ctrl-C again to end it now"
            )
            return
        # The timer repeats: a step may catch the first cut and block again.
        loop.call_soon_threadsafe(self._end, number, task)
        signal.setitimer(signal.ITIMER_REAL, _PATIENCE, _PATIENCE)

    def _end(self, number: signal.Signals, task: asyncio.Task[Any]) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.tell(f"{number.name}: ending the command now")
        task.cancel()

    def _cut(self) -> None:
        # Outside of a step, records are written, which must not be cut.
        if self.stop.in_step:
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise StepCut
