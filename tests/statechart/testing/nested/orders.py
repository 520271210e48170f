"""Charts whose events are macrosteps: an order in two regions with a history and timers, and others."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel

from statechart import Chart, Configuration, Event, HistoryState, State, Timer


class Model(BaseModel, frozen=True):
    name: str = "A"
    state: Configuration | None = None
    weight: int = 1


class Order(Chart[Model]):
    """An order: paid and shipped side by side."""

    draft = State(initial=True)

    class open(State.Parallel):  # a state
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

    timers = (
        Timer(open.payment.awaiting, after=timedelta(minutes=30), event=expire),
        Timer(paused, after=timedelta(days=7), event=expire),
    )

    def is_paid(self) -> bool:
        """The order is not paid yet."""
        return self.active(Order.open.payment.paid)


class Reminder(Chart):
    """It asks again by an event that nothing else fires, and gives up: flat, with timers."""

    waiting = State(initial=True)
    asked = State()
    gone = State(final=True)

    ask = Event(waiting.to(asked), internal=True)
    answer = asked.to(gone)
    wake = Event(asked.to(waiting), internal=True)

    timers = (
        Timer(waiting, after=timedelta(hours=1), event="ask"),
        Timer(asked, after=timedelta(hours=2), event="wake"),
    )
