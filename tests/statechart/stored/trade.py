"""Charts with states within states and timers, with their values: an order, and a job with retries."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel

from statechart import Chart, Configuration, Event, HistoryState, State, Timer


class Order(BaseModel, frozen=True):
    name: str = "A"
    state: Configuration | None = None


class OrderChart(Chart[Order]):
    """An order: paid and shipped side by side."""

    draft = State(initial=True)

    class open(State.Parallel):
        class payment(State.Compound):
            awaiting = State(initial=True)
            authorised = State()
            paid = State(final=True)
            authorise = awaiting.to(authorised)
            capture = authorised.to(paid)

        class shipment(State.Compound):
            packing = State(initial=True)
            packed = State()
            shipped = State(final=True)
            pack = packing.to(packed)
            unpack = packed.to(packing)
            ship = packed.to(shipped, cond="is_paid")

        where_it_was = HistoryState(type="deep")

    paused = State()
    done = State(final=True)
    expired = State(final=True)
    cancelled = State(final=True)

    place = draft.to(open)
    pause = open.to(paused)
    resume = paused.to(open.where_it_was)
    done_state_open = open.to(done)
    expire = Event(open.payment.awaiting.to(expired) | paused.to(cancelled))
    cancel = draft.to(cancelled) | open.to(cancelled) | paused.to(cancelled)

    failures = (expired,)
    timers = (
        Timer(open.payment.awaiting, after=timedelta(minutes=30), event=expire),
        Timer(paused, after=timedelta(days=7), event=expire),
    )

    def is_paid(self) -> bool:
        """The order is not paid yet."""
        return self.active(OrderChart.open.payment.paid)


class Job(BaseModel, frozen=True):
    state: Configuration | None = None
    attempts: int = 0
    limit: int = 2
    log: str = ""


class JobChart(Chart[Job]):
    """A job that is tried again after a while, and given up after some attempts."""

    waiting = State(initial=True)

    class working(State.Compound):
        running = State(initial=True)
        backing_off = State()
        fail = running.to(backing_off)
        retry = backing_off.to(running, cond="has_attempts")

    done = State(final=True)
    failed = State(final=True)

    begin = waiting.to(working)
    beat = working.running.to.itself()
    finish = working.running.to(done)
    give_up = working.backing_off.to(failed, unless="has_attempts")

    timers = (
        Timer(working.running, after=timedelta(minutes=5), event="fail"),
        Timer(working.backing_off, after=lambda job: timedelta(minutes=2**job.attempts), event="retry"),
        Timer(working.backing_off, after=timedelta(hours=1), event="give_up"),
    )

    def has_attempts(self) -> bool:
        """No attempts are left."""
        return bool(self.model.attempts < self.model.limit)

    def on_enter_running(self, note: str = "") -> None:
        self.model.attempts += 1
        self.model.log += note
