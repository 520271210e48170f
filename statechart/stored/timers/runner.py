"""A runner: waits for the deadlines of a store's timers, and fires each timer once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Final, Generic, Self

from statechart.errors import Locked, StorageError
from statechart.following.cancellation import in_thread
from statechart.log import warn
from statechart.storage.session import ModelT
from statechart.stored.damage import Damaged
from statechart.stored.timers.attempt import Attempt, Attempts, unfired
from statechart.stored.timers.outcome import TimerOutcome
from statechart.stored.timers.reading import FOREVER, Timers
from statechart.stored.timers.schedule import Retry, Schedule

if TYPE_CHECKING:
    from statechart.chart import Chart
    from statechart.engine.declaration.timers import Due
    from statechart.stored.session import ChartSession
    from statechart.stored.store import Opened

LONGEST: Final = 2.0
"""The seconds after which the wall clock is read again, as it may be set, and the machine be suspended."""

_TOGETHER: Final = 4  # names that are attempted at once
_FIRST: Final = 1.0  # seconds until a failed attempt is repeated; each time twice as long
_LAST: Final = 60.0
_SOON: Final = 0.05  # likewise, where another process has the name
_RARE: Final = 2.0
_LONG: Final = 5.0  # seconds after which a locked name is told

Tell = Callable[[TimerOutcome], object]


def now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


class TimersRunner(Generic[ModelT]):
    """Fires the timers of a store when they are due; of several runners, one fires each timer.

    As a context manager, it runs beside the tasks of the block, and finishes its present commits at the
    end. It follows what other processes commit, and reads the wall clock every few seconds: a clock that is
    set, or a machine that was suspended, delays nothing for longer. Where another process has a name, or a
    hook raises, the name is attempted again, and the others go on.

    Args:
        opened: The store.
        chart: The chart that declares the timers.
        held: Opens a session on a name, with the seconds to wait for another holder.
        tell: Called with what became of each timer, in the thread of the event loop.
        clock: Returns the present moment.

    Attributes:
        fired: The number of timers that this runner has fired, lapsed ones included.
    """

    def __init__(
        self,
        opened: Opened[ModelT],
        chart: type[Chart],
        held: Callable[[str, float], ChartSession[ModelT]],
        *,
        tell: Tell | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.fired: int = 0
        self._tell_outcome = tell
        self._clock = clock
        self._changed = opened.changed
        self._timers: Timers[ModelT] = Timers(opened.store, opened.ends, chart)
        self._attempts = Attempts(self._timers, chart, held, clock, lambda: self._is_ending)
        self._schedule = Schedule()
        self._told: dict[str, str] = {}  # problems that were told, by name
        self._work: set[asyncio.Task[None]] = set()
        self._running: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._is_ready = asyncio.Event()
        self._is_ending = False
        self._away: str | None = None

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self.run())
        self._running.add_done_callback(_log_end)
        ready = asyncio.create_task(self._is_ready.wait())
        try:
            await asyncio.wait((self._running, ready), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self.stop()
            await asyncio.wait((self._running,))
            raise
        finally:
            ready.cancel()
        if self._running.done():
            await self._running  # raises why it could not begin
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._running is not None:
            await self._running

    def stop(self) -> None:
        """End the run after the commits that are under way; to be called by the event loop."""
        self._is_ending = True
        self._wake.set()

    async def wait(self) -> None:
        """Wait until the runner ends, and raise the error that ended it."""
        if self._running is not None:
            await asyncio.shield(self._running)

    async def run(self) -> None:
        """Fire timers until `stop` is called, or this task is cancelled.

        Raises:
            StorageError: The store can't be read at the beginning.
        """
        following = asyncio.create_task(self._follow())
        following.add_done_callback(lambda _task: self._wake.set())
        try:
            while not self._is_ending:
                if following.done():
                    await following
                self._begin()
                left = self._schedule.wait(self._clock(), monotonic(), LONGEST)
                with suppress(TimeoutError):
                    async with asyncio.timeout(left if len(self._work) < _TOGETHER else LONGEST):
                        await self._wake.wait()
                self._wake.clear()
                self._end()
        finally:
            self._is_ending = True
            following.cancel()
            await self._finish(following)
        self._end()

    def once(self, timeout: float = 0) -> list[TimerOutcome]:
        """Fire the timers that are due now, without waiting for more, and return the outcome of each.

        Args:
            timeout: The seconds to wait for a name that another process has.

        Raises:
            StorageError: The store can't be read.
        """
        found: list[TimerOutcome] = []
        due: dict[str, datetime] = {}
        away: Exception | None = None
        for each in self._timers.due(self._clock()):
            if isinstance(each, Damaged):
                found.append(_damaged(each))
            else:
                due[each[0]] = each[1][0].at
        for name in sorted(due, key=lambda each: (due[each], each)):
            attempt = self._attempts.on(name, timeout)
            if attempt.problem == "away":
                away = attempt.error
            problem = unfired(attempt)
            found += [*attempt.outcomes, *([] if problem is None else [problem])]
        for outcome in found:
            self._tell(outcome)
        if away is not None:
            raise away
        return found

    async def _follow(self) -> None:
        """Take note of the timers of all names, and then of those that change."""
        pause = _FIRST
        while True:
            names: frozenset[str] | None = None
            try:
                async with aclosing(self._changed().names()) as changed:
                    async for told in changed:
                        await self._look(told if names is not None else None)
                        names, pause = told, _FIRST
                        self._is_back()
            except StorageError as error:
                if not self._is_ready.is_set():
                    raise
                self._is_away(error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LAST)

    async def _look(self, names: frozenset[str] | None) -> None:
        """Read the timers of some names, or of all."""
        found = await in_thread(lambda: list(self._timers.due(FOREVER, names)))
        damaged = {each.name: each for each in found if isinstance(each, Damaged)}
        for name in self._told.keys() & (self._told.keys() if names is None else names) - damaged.keys():
            if name not in self._schedule.retries:
                del self._told[name]
        for each in damaged.values():
            self._tell_new(_damaged(each))
        self._schedule.note_all((each for each in found if not isinstance(each, Damaged)), names)
        self._is_ready.set()
        self._wake.set()

    def _begin(self) -> None:
        """Attempt the names that are due, some at once."""
        while len(self._work) < _TOGETHER and not self._is_ending:
            name = self._schedule.take(self._clock(), monotonic())
            if name is None:
                return
            task = asyncio.create_task(self._attempt(name))
            self._work.add(task)
            task.add_done_callback(lambda _task: self._wake.set())

    async def _attempt(self, name: str) -> None:
        attempt = await in_thread(partial(self._attempts.on, name))
        if attempt.problem == "away":
            self._is_away(attempt.error)
        else:
            self._is_back()
        self._settle(attempt)

    def _settle(self, attempt: Attempt) -> None:
        """Take note of what became of an attempt."""
        retry = None
        failed = frozenset(each for each in attempt.running if each.timer in attempt.failed)
        if failed or attempt.problem == "away":
            # A name that another process has is free soon, mostly; a hook that raises has to be mended.
            first, last = (_SOON, _RARE) if isinstance(attempt.error, Locked) else (_FIRST, _LAST)
            retry = self._retry(attempt.name, failed, first, last)
        self._schedule.give_back(attempt.name, attempt.running, retry)
        pause = None if retry is None else timedelta(seconds=round(retry.at - monotonic(), 1))
        for outcome in attempt.outcomes:
            self.fired += outcome.status in ("fired", "lapsed")
            self._tell(outcome.model_copy(update={"retry": pause if outcome.status == "failed" else None}))
        problem = unfired(attempt)
        if problem is None:
            self._told.pop(attempt.name, None)
        elif problem.status != "locked" or (retry is not None and monotonic() - retry.since > _LONG):
            self._tell_new(problem.model_copy(update={"retry": pause}))

    def _retry(self, name: str, timers: frozenset[Due], first: float, last: float) -> Retry:
        before = self._schedule.retries.get(name)
        count = 1 if before is None else before.count + 1
        pause = min(first * 2 ** min(count - 1, 20), last)
        time = monotonic()
        return Retry(timers, time + pause, count, time if before is None else before.since)

    def _end(self) -> None:
        """Forget the attempts that have ended, and raise what `tell` has raised."""
        for task in [each for each in self._work if each.done()]:
            self._work.discard(task)
            task.result()

    async def _finish(self, following: asyncio.Task[None]) -> None:
        """Wait for the attempts under way; a cancellation is raised afterwards."""
        cancelled = False
        pending: set[asyncio.Task[None]] = {*self._work, following}
        while pending:
            try:
                _, pending = await asyncio.wait(pending)
            except asyncio.CancelledError:
                cancelled = True
        if not following.cancelled():
            following.exception()  # retrieved: it was raised already, or the run ends anyway
        if cancelled:
            raise asyncio.CancelledError

    def _is_away(self, error: Exception | None) -> None:
        if self._away is None:
            self._away = str(error)
            self._tell(TimerOutcome(status="away", error=" ".join(str(error).split())))

    def _is_back(self) -> None:
        if self._away is not None:
            self._away = None
            self._tell(TimerOutcome(status="back"))

    def _tell_new(self, outcome: TimerOutcome) -> None:
        """Tell the problem of a name, unless it was told before."""
        # A locked name stays the same problem, whoever has it.
        problem = outcome.status if outcome.status == "locked" else str(outcome.error)
        if self._told.get(outcome.name) != problem:
            self._told[outcome.name] = problem
            self._tell(outcome)

    def _tell(self, outcome: TimerOutcome) -> None:
        log(outcome)
        if self._tell_outcome is not None:
            self._tell_outcome(outcome)


def _log_end(running: asyncio.Task[None]) -> None:
    """Log why a runner ended: the block that it runs beside may have other things to do than to wait."""
    error = None if running.cancelled() else running.exception()
    if error is not None:
        warn(f"Timers are fired no longer: {type(error).__name__}: {error}. Begin again with `timers()`")


def _damaged(found: Damaged) -> TimerOutcome:
    return TimerOutcome(status="damaged", name=found.name, error=" ".join(str(found.error).split()))


def log(outcome: TimerOutcome) -> None:
    """Log why a timer was not fired, with the next action; a transition logs itself."""
    name, error = outcome.name, outcome.error
    seconds = None if outcome.retry is None else outcome.retry.total_seconds()
    again = "" if seconds is None else f"; it is tried again in {seconds:g} s"
    match outcome.status:
        case "failed":
            what = f"{outcome.event} of {name!r} raised {error}"
            warn(f"Timer not fired: {what}{again}. Mend the hook, or the value by another event", name=name)
        case "locked":
            warn(f"Timer waits: {error}{again}. End that command, if it does not end itself", name=name)
        case "damaged" | "unsaved":
            warn(f"Timer not fired: {error}{again}. See `verify({name!r})`", name=name)
        case "away":
            warn(f"Timers wait for the store: {error}")
        case "back":
            warn("Timers go on: the store can be read again")
        case "fired" | "lapsed":
            return
