"""Orders of a shop: paid and packed side by side, paused with a memory, and expired if nobody pays."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from pydantic import BaseModel

from statechart import Chart, Configuration, Event, HistoryState, State, Timer, effect


class Parcel(BaseModel):
    """An order, as recorded."""

    state: Configuration | None = None
    total: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)


class ParcelChart(Chart[Parcel]):
    """From a draft to a parcel that is paid and shipped."""

    draft = State(initial=True)

    class open(State.Parallel):
        class payment(State.Compound):
            awaiting = State(initial=True)
            authorised = State()
            paid = State(final=True)

            authorise = awaiting.to(authorised, cond="is_covered")
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
    done_state_open = open.to(done)  # raised by the chart, when both regions have come to their end
    expire = Event(open.payment.awaiting.to(expired) | paused.to(cancelled))
    cancel = draft.to(cancelled) | open.to(cancelled) | paused.to(cancelled)

    timers = (
        Timer(open.payment.awaiting, after=timedelta(minutes=30), event=expire),
        Timer(paused, after=timedelta(days=7), event=expire),
    )
    failures = (expired,)

    def is_covered(self, model: Parcel, amount: Decimal) -> bool:
        """The amount is not the total."""
        return amount == model.total

    def is_paid(self) -> bool:
        """The order is not paid yet."""
        return self.active(ParcelChart.open.payment.paid)

    def on_authorise(self, model: Parcel, amount: Decimal) -> None:
        model.paid = amount

    @effect(expired, cancelled)
    def tell_customer(self, name: str, to_state: str, key: str) -> None:
        print(f"mail to the customer of {name}: your order is {to_state} ({key[:8]})")
