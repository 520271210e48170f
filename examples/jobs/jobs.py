"""Jobs that fail and are tried again after growing pauses, and that are given up after some attempts."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel

from statechart import Chart, Configuration, Event, State, Timer

ATTEMPTS = 4
LIMIT = timedelta(minutes=10)


class Job(BaseModel):
    """A job, as recorded."""

    state: Configuration | None = None
    task: str
    attempts: int = 0
    error: str | None = None


def pause(model: Job) -> timedelta:
    """Return the time until the next attempt: 10 s, then four times as long each time."""
    return timedelta(seconds=10 << 2 * max(0, model.attempts - 1))


class JobChart(Chart[Job]):
    """From the queue over some attempts to an end."""

    queued = State(initial=True)

    class trying(State.Compound):
        running = State(initial=True)
        tried = State()  # left at once: the guards decide where to
        waiting = State()

        fail = running.to(tried)
        overdue = running.to(tried)
        tried.to(waiting, unless="is_spent")  # without an event
        retry = waiting.to(running)

    succeeded = State(final=True)
    failed = State(final=True)
    cancelled = State(final=True)

    start = queued.to(trying)
    succeed = trying.running.to(succeeded)
    trying.tried.to(failed, cond="is_spent")
    cancel = Event(queued.to(cancelled) | trying.to(cancelled))

    timers = (
        Timer(trying.running, after=LIMIT, event="overdue"),
        Timer(trying.waiting, after=pause, event="retry"),
    )
    failures = (failed,)

    def is_spent(self, model: Job) -> bool:
        """There are attempts left."""
        return model.attempts >= ATTEMPTS

    def on_enter_running(self, model: Job) -> None:
        model.attempts += 1

    def on_fail(self, model: Job, error: str) -> None:
        model.error = error

    def on_overdue(self, model: Job) -> None:
        model.error = f"no end after {LIMIT}"
