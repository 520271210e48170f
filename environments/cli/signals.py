"""Signals: Ctrl-C, TERM and HUP end a command in a true, recorded state."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from environments.errors import CommandFailed, Stopped
from environments.execution.stop import StopRequest
from environments.model.failure import FailureCause
from statechart.terminal.signals import heeded, late_signal, let_finish

ResultT = TypeVar("ResultT")

_PATIENCE = 0.5  # seconds; a step that still blocks the event loop afterwards is cut from inside


class StepCut(asyncio.CancelledError):
    """Cancels a step that blocks the event loop; raised inside the step by a signal handler."""


class Ended(Exception):
    """A signal ended a command, and the resulting state is recorded.

    Attributes:
        signal: The signal.
        name: The environment under change, or None if no command had begun.
        failed: The failure of a command that stopped between two steps.
        recorded: Further environments that were changed before the signal came.
    """

    def __init__(
        self,
        received: signal.Signals,
        name: str | None = None,
        failed: CommandFailed | None = None,
        recorded: Sequence[str] = (),
    ) -> None:
        self.signal = received
        self.name = name
        self.failed = failed
        self.recorded: tuple[str, ...] = tuple(recorded)
        super().__init__(f"ended by {received.name}")

    @property
    def exit_code(self) -> int:
        """The exit code of a process ended by this signal."""
        return 128 + self.signal


def _check_room() -> None:
    """Check that the event loop can open its files, as a loop made by half prints a traceback.

    Raises:
        OSError: Too many files are open.
    """
    with ExitStack() as opened:
        for _ in range(3):  # a selector and a pair of sockets
            opened.callback(os.close, os.open(os.devnull, os.O_RDONLY))


@dataclass(slots=True)
class Interruption:
    """Turns signals into a stop after the current step, or into the end of the task.

    Attributes:
        tell: Prints a message for the user.
        at_work: Returns the environment under change, or None before a command has begun.
        about: The environment that work without a command is about.
        last: Whether the process ends after this work, so that it only has to print its result.
        stop: The stop request that the command checks between steps.
        received: The last signal that came while the work ran.
    """

    tell: Callable[[str], None]
    at_work: Callable[[], str | None] = lambda: None
    about: str | None = None
    last: bool = True
    stop: StopRequest = field(default_factory=StopRequest)
    received: signal.Signals | None = None

    def run(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Run a command until it ends, or until a signal ends it.

        Raises:
            Ended: A signal ended the command, or came since the one before had ended.
        """
        if (late := late_signal()) is not None:
            work.close()
            raise Ended(late, self.about)
        supervised = self._supervised(work)
        try:
            _check_room()
            result = asyncio.run(supervised)
        finally:
            # Without file descriptors, or after Ctrl-C, the loop may not have begun.
            supervised.close()
            work.close()
        if self.received is not None and not self.last:
            raise Ended(self.received, self.about)
        return result

    async def _supervised(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        task = asyncio.get_running_loop().create_task(work)
        with self._handlers(task):
            try:
                return await task
            except (asyncio.CancelledError, Stopped):
                if self.received is None:
                    raise
                raise Ended(self.received, self.at_work() or self.about) from None
            except CommandFailed as failed:
                if self.received is None or failed.failure.cause is not FailureCause.CANCELLED:
                    raise
                raise Ended(self.received, self.at_work(), failed) from None

    @contextmanager
    def _handlers(self, task: asyncio.Task[Any]) -> Iterator[None]:
        """Handle signals between any two instructions, so that a blocking step can't delay them."""
        taken = heeded()
        if not taken:
            yield
            return
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in (*taken, signal.SIGALRM)}
        for number in taken:
            signal.signal(number, lambda number, _frame: self._receive(signal.Signals(number), task, loop))
        signal.signal(signal.SIGALRM, lambda _number, _frame: self._cut())
        try:
            yield
        finally:
            # There is no moment between the handlers in which a signal would break off what follows.
            if self.last:
                let_finish()
            else:
                for number in taken:
                    signal.signal(number, before[number])
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before[signal.SIGALRM])

    def _receive(
        self, number: signal.Signals, task: asyncio.Task[Any], loop: asyncio.AbstractEventLoop
    ) -> None:
        if task.done() and self.last:
            return  # the end is decided
        # The first Ctrl-C is polite. A command that has not begun only waits, and ends at once.
        is_polite = number is signal.SIGINT and self.received is None
        self.received = number
        if is_polite and self.at_work() is not None:
            self._stop(loop)
            return
        # The timer repeats: a step may catch the first cut and block again.
        loop.call_soon_threadsafe(self._end, number, task, is_polite)
        signal.setitimer(signal.ITIMER_REAL, _PATIENCE, _PATIENCE)

    def _stop(self, loop: asyncio.AbstractEventLoop) -> None:
        self.stop.request("interrupted by Ctrl-C")
        loop.call_soon_threadsafe(self.tell, "stopping after this step; press Ctrl-C again to end it now")

    def _end(self, number: signal.Signals, task: asyncio.Task[Any], is_polite: bool) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if task.done():
            return
        # A command may have begun while the loop was busy, since the first Ctrl-C found none.
        if is_polite and self.at_work() is not None:
            self._stop(task.get_loop())
            return
        self.tell(f"{number.name}: ending the command now")
        task.cancel()

    def _cut(self) -> None:
        # Outside of a step, records are written, which must not be cut.
        if self.stop.in_step:
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise StepCut
