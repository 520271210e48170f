"""Fire the timers of one name that are due, under its lock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias

from statechart.engine.nested.beginning import due_timers
from statechart.errors import CommitUncertain, LeaseLost, Locked, NotFound, StatechartError
from statechart.storage.session import ModelT
from statechart.storage.sql.errors import PASSING, DatabaseFailed
from statechart.stored.damage import Damaged
from statechart.stored.timers.outcome import TimerOutcome
from statechart.stored.timers.reading import FOREVER, Timers

if TYPE_CHECKING:
    from statechart.chart import Chart
    from statechart.engine.declaration.timers import Due
    from statechart.engine.hooks import Transition
    from statechart.stored.session import ChartSession

Problem: TypeAlias = Literal["locked", "damaged", "unsaved", "away"]


@dataclass(slots=True)
class Attempt:
    """The outcome of an attempt to fire the timers of a name.

    Attributes:
        name: The name.
        outcomes: The outcomes of timers that were fired, or failed.
        failed: The timers that are due, and could not be fired.
        running: The timers that run afterwards.
        problem: What prevented more.
        error: The reason of the problem.
    """

    name: str
    outcomes: list[TimerOutcome] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    running: tuple[Due, ...] = ()
    problem: Problem | None = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Attempts(Generic[ModelT]):
    """Fires the timers of names that are due.

    Attributes:
        timers: The timers of the store.
        chart: The chart.
        open: Opens a session on a name, with the seconds to wait for another holder.
        clock: Returns the present moment.
        is_ending: Returns whether nothing more is to be fired.
    """

    timers: Timers[ModelT]
    chart: type[Chart]
    open: Callable[[str, float], ChartSession[ModelT]]
    clock: Callable[[], datetime]
    is_ending: Callable[[], bool]

    def on(self, name: str, timeout: float = 0) -> Attempt:
        """Fire the timers of a name that are due, the earliest first, a commit for each."""
        attempt = Attempt(name)
        try:
            # Most due timers were fired by another runner: a look is cheaper than the lock.
            self._look(attempt)
            now = self.clock()
            if not any(each.at <= now for each in attempt.running):
                return attempt
            with self.open(name, timeout) as session:
                try:
                    self._fire(attempt, session)
                except (CommitUncertain, LeaseLost) as error:
                    attempt.problem, attempt.error = "unsaved", error
            self._look(attempt)
        except NotFound:
            attempt.running = ()
            return attempt
        # Whatever reading a value raises, perhaps in its model, the others go on.
        except Exception as error:
            attempt.problem, attempt.error = _problem(error), error
        if attempt.problem is not None:
            now = self.clock()
            attempt.failed |= {each.timer for each in attempt.running if each.at <= now}
        return attempt

    def _look(self, attempt: Attempt) -> None:
        attempt.running = ()
        for found in self.timers.due(FOREVER, (attempt.name,)):
            if isinstance(found, Damaged):
                raise found.error
            _, attempt.running = found

    def _fire(self, attempt: Attempt, session: ChartSession[ModelT]) -> None:
        # Not what is due by the end of a hook: a timer that begins anew, and is short, would have no end.
        now = self.clock()
        while not self.is_ending():
            value: Any = session.session.value
            due = due_timers(self.chart, value.state, now)
            first = next((each for each in due if each.timer not in attempt.failed), None)
            if first is None:
                return
            try:
                (fired,) = session.fire_due(now, limit=1, without=attempt.failed)
            except (*PASSING, CommitUncertain, LeaseLost):
                raise  # nothing can be committed now
            # Whatever a hook raised, the others go on. `sys.exit` in a called program is no wish to end
            # this one.
            except (Exception, SystemExit) as error:
                attempt.failed.add(first.timer)
                attempt.outcomes.append(_failed(attempt.name, first, error))
            else:
                attempt.outcomes.append(_fired(attempt.name, first, fired))


def _problem(error: Exception) -> Problem:
    if isinstance(error, PASSING):
        return "away"
    if isinstance(error, DatabaseFailed):
        return "unsaved"
    return "locked" if isinstance(error, Locked) else "damaged"


def _fired(name: str, due: Due, transition: Transition) -> TimerOutcome:
    return TimerOutcome(
        status="lapsed" if transition.lapsed else "fired",
        name=name,
        timer=due.timer,
        event=due.event,
        due=due.at,
        at=transition.at,
        from_state=transition.from_state,
        to_state=transition.to_state,
    )


def _failed(name: str, due: Due, error: BaseException) -> TimerOutcome:
    return TimerOutcome(
        status="failed", name=name, timer=due.timer, event=due.event, due=due.at, error=in_a_line(error)
    )


def unfired(attempt: Attempt) -> TimerOutcome | None:
    """Return why a name could not be attempted; None if it could, or if the whole store is away."""
    if attempt.problem is None or attempt.problem == "away":
        return None
    return TimerOutcome(status=attempt.problem, name=attempt.name, error=_said(attempt.error))


def _said(error: Exception | None) -> str:
    is_ours = isinstance(error, StatechartError)
    return " ".join(str(error).split()) if error is None or is_ours else in_a_line(error)


def in_a_line(error: BaseException) -> str:
    """Return an error with its kind, in a line."""
    return " ".join(f"{type(error).__name__}: {error}".split())
