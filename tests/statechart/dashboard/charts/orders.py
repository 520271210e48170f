"""A chart with states within states and timers, for tests of its dashboard."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel

from statechart import Chart, ChartRepository, Configuration, Event, HistoryState, State, Timer


class OrderModel(BaseModel, frozen=True):
    to: str = "Ann"
    state: Configuration | None = None


class OrderChart(Chart[OrderModel]):
    """An order: paid and shipped side by side."""

    draft = State(initial=True)

    class open(State.Parallel):
        class payment(State.Compound):
            awaiting = State(initial=True)
            paid = State(final=True)
            pay = awaiting.to(paid)

        class shipment(State.Compound):
            packing = State(initial=True)
            packed = State()
            shipped = State(final=True)
            pack = packing.to(packed)
            ship = packed.to(shipped, cond="is_paid")

        where_it_was = HistoryState(type="deep")

    paused = State()
    done = State(final=True)
    expired = State(final=True)

    place = draft.to(open)
    pause = open.to(paused)
    resume = paused.to(open.where_it_was)
    done_state_open = open.to(done)
    expire = Event(open.payment.awaiting.to(expired))
    remind = Event(paused.to(paused, cond="is_patient"))
    timers = (
        Timer(open.payment.awaiting, after=timedelta(minutes=30), event=expire),
        Timer(paused, after=timedelta(milliseconds=1), event=remind),
    )

    def is_paid(self) -> bool:
        """The order is not paid yet."""
        return self.active(OrderChart.open.payment.paid)

    def is_patient(self) -> bool:
        """Nobody waits."""
        return False


orders = ChartRepository("of-the-module", OrderChart)
