"""End a command, with its tools, when its environment may be taken over by another machine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from environments.execution.sessions import SessionOver
from environments.ports import Lent
from environments.system.watchdog import Watchdog
from statechart.errors import LeaseLost

if TYPE_CHECKING:
    from environments.model.records import StepRecord
    from environments.ports import Session

_LOST = "the lease of the environment was lost"
_SUMMARY = "it was ended, as the lease of the environment could not be renewed in time: {}"


class LeasedSession(SessionOver):
    """A session on an environment that is lent for a time; the watchdog ends its tools before that is over.

    Attributes:
        is_lent: Whether the storage lends the environment, and has said until when.
        is_lost: Whether the time is over, or another holder has the environment.
        why: The reason for the loss, in words.
    """

    def __init__(self, session: Session, lent: Lent, key: str) -> None:
        super().__init__(session)
        self.is_lent: bool = False
        self.is_lost: bool = False
        self.why: str = ""
        self._key = key
        self._closing = threading.Lock()
        self._is_closed = False
        self._watchdog = Watchdog.of_this_process()
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._before = self._task.cancelling() if self._task is not None else 0
        self._has_cancelled = False
        lent.watch(self)

    def append_step(self, record: StepRecord) -> None:
        """Save the record of a step, and tell the watchdog of its tools."""
        super().append_step(record)
        operation = self._session.environment.operation
        if record.phase == "intent" and operation is not None:  # no tool has been started yet
            self._watchdog.mark(self._key, operation.id)
        if record.process is not None:
            self._watchdog.group(self._key, record.process)

    def renewed(self, until: float) -> None:
        """Let the tools go on until a time."""
        self.is_lent = True
        with self._closing:
            if not self._is_closed:  # the heartbeat may just have asked
                self._watchdog.until(self._key, until)

    @property
    def loss(self) -> str:
        """The reason for which the work is ended, in a sentence; empty as long as the lease lasts."""
        return _SUMMARY.format(self.why) if self.is_lost else ""

    def lost(self, why: str) -> None:
        """End the tools and the command; called by the thread that renews."""
        self.why = why
        self.is_lost = True
        self._watchdog.end(self._key)
        with suppress(RuntimeError):  # the loop was closed meanwhile
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None:
            self._has_cancelled = True
            self._task.cancel(_LOST)

    def is_all_that_cancelled(self) -> bool:
        """Take the cancellation by a loss back, and return whether there was no other one."""
        # By count, since a step that was cut off for the same reason may raise an error of its own making.
        task = asyncio.current_task()
        return self._has_cancelled and task is not None and task.uncancel() <= self._before

    def close(self) -> None:
        """Release the environment."""
        self._task = None  # which may do other things from now on
        with self._closing:
            self._is_closed = True
        if not self.is_lost:
            self._watchdog.free(self._key)
        super().close()


@contextmanager
def leased(session: Session, key: str) -> Iterator[Session]:
    """Watch over a session in the block, if its environment is lent for a time.

    Args:
        session: The session.
        key: The token of its holder.

    Raises:
        LeaseLost: The time was over, or another holder has the environment; the block was cancelled.
    """
    if not isinstance(session, Lent):
        yield session
        return
    guarded = LeasedSession(session, session, key)
    if not guarded.is_lent:  # it is held for as long as this process lives
        yield session
        return
    try:
        yield guarded
    except asyncio.CancelledError as cancelled:
        if not guarded.is_all_that_cancelled():
            raise
        # The lease may still be ours in a database that was away: then the failure of the step is saved.
        operation = session.environment.operation
        raise LeaseLost(
            session.environment.name,
            "the lease",
            f"could not be renewed in time ({guarded.why})",
            is_recorded=operation is None or not operation.is_active,
        ) from cancelled
