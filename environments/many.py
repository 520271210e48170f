"""Work on several environments at once, with one outcome for each."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from environments.errors import NotStarted
from environments.execution.progress import CommandStarted

if TYPE_CHECKING:
    from environments.execution.progress import Progress
    from environments.execution.stop import StopRequest

ResultT = TypeVar("ResultT")
ResultT_co = TypeVar("ResultT_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[ResultT_co]):
    """The outcome of the work on one of several environments.

    Attributes:
        name: The environment.
        result: The result of the work, such as the environment in its new state; None after an error.
        error: The error that ended the work; None after success. `NotStarted` if a stop was requested
            before the work began, and `asyncio.CancelledError` if the work was cancelled.
        duration: The duration of the work.
    """

    name: str
    result: ResultT_co | None = None
    error: BaseException | None = None
    duration: timedelta = timedelta()

    def unwrap(self) -> ResultT_co:
        """Return the result, or raise the error."""
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]  # work without an error has returned it


@dataclass(slots=True)
class Crew(Generic[ResultT]):
    """Works on several environments, on at most `parallel` at the same time.

    Attributes:
        work: Works on one environment.
        parallel: The number of environments that are worked on at the same time.
        stop: A request starts no more work, and ends the work that only waits for its environment.
    """

    work: Callable[[str], Awaitable[ResultT]]
    parallel: int
    stop: StopRequest
    _tasks: set[asyncio.Task[Outcome[ResultT]]] = field(default_factory=set)
    _begun: set[str] = field(default_factory=set)
    _cancelled: asyncio.CancelledError | None = None

    def observe(self, progress: Progress) -> None:
        """Note the environments whose first command has begun; a stop lets these finish their step."""
        if isinstance(progress, CommandStarted):
            self._begun.add(progress.name)

    async def outcomes(self, names: Iterable[str]) -> AsyncIterator[Outcome[ResultT]]:
        """Yield the outcomes as the work on each environment ends; see `Workspace.many`."""
        waiting = deque(names)
        loop = asyncio.get_running_loop()
        with self.stop.heard_by(lambda: loop.call_soon_threadsafe(self._end_unbegun)):
            try:
                while self._start(waiting):
                    for outcome in await self._ended():
                        yield outcome
                for name in waiting:
                    yield Outcome(name, error=NotStarted(name, self._reason or ""))
            finally:
                while self._tasks:  # the caller has left early
                    self._cancel()
                    await self._ended()
                if self._cancelled is not None:
                    raise self._cancelled

    @property
    def _reason(self) -> str | None:
        """The reason to start no more work, or None."""
        return self.stop.reason or ("cancelled" if self._cancelled is not None else None)

    def _start(self, waiting: deque[str]) -> bool:
        """Start as much work as is allowed; return whether any is under way."""
        while waiting and len(self._tasks) < self.parallel and self._reason is None:
            name = waiting.popleft()
            self._tasks.add(asyncio.create_task(self._one(name), name=name))
        return bool(self._tasks)

    async def _one(self, name: str) -> Outcome[ResultT]:
        begun = time.monotonic()
        result: ResultT | None = None
        error: BaseException | None = None
        try:
            result = await self.work(name)
        except asyncio.CancelledError as cancelled:
            error = cancelled if name in self._begun else NotStarted(name, self._reason or "cancelled")
        except Exception as failed:  # one environment's error, even a bug, is no reason to leave the others
            error = failed
        return Outcome(name, result, error, timedelta(seconds=time.monotonic() - begun))

    async def _ended(self) -> list[Outcome[ResultT]]:
        """Wait until work has ended, and return its outcomes."""
        try:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError as cancelled:
            # Raised at the end, so that the caller learns how the work ended.
            self._cancelled = cancelled
            self._cancel()
        done = [task for task in self._tasks if task.done()]
        self._tasks.difference_update(done)
        return [self._outcome(task) for task in done]

    def _outcome(self, task: asyncio.Task[Outcome[ResultT]]) -> Outcome[ResultT]:
        if task.cancelled():  # before its first line
            return Outcome(task.get_name(), error=NotStarted(task.get_name(), self._reason or "cancelled"))
        return task.result()

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _end_unbegun(self) -> None:
        for task in self._tasks:
            if task.get_name() not in self._begun:
                task.cancel()
