"""The states within states, timers and configurations of a chart are attributes that checkers know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import assert_type

from pydantic import BaseModel

from statechart import Chart, Configuration, Due, Event, HistoryState, State, Timer, Transition, due
from statechart.graph import Configurations, Edge, configurations, edges


class Order(BaseModel):
    state: Configuration | None = None
    price: int = 0


class OrderChart(Chart[Order]):
    draft = State(initial=True)

    class open(State.Parallel):
        class payment(State.Compound, name="The payment"):
            awaiting = State(initial=True)
            authorised = State()
            paid = State(final=True)
            authorise = Event(awaiting.to(authorised))
            capture = authorised.to(paid)

        class shipment(State.Compound):
            packing = State(initial=True)
            packed = State()
            shipped = State(final=True)
            pack = packing.to(packed) | packed.to.itself()
            ship = packed.to(shipped, cond="is_paid")

        where_it_was = HistoryState(type="deep")
        where_it_was.to(payment)

    wrong_past = HistoryState(type="depp")  # reject: arg-type

    paused = State()
    done = State(final=True)
    expired = State(final=True)
    cancelled = State(final=True)

    place = draft.to(open)
    skip = draft.to([open.payment.paid, open.shipment.packed])
    pause = Event(open.to(paused))
    resume = paused.to(open.where_it_was)
    done_state_open = open.to(done)
    expire = Event(open.payment.awaiting.to(expired) | paused.to(cancelled))
    cancel = draft.to(cancelled) | open.to(cancelled) | paused.to(cancelled)
    note = open.to(None)
    wrong_too = draft.to("open")  # reject: arg-type
    wrong_three = open.to("paused")  # reject: arg-type
    wrong_four = paused.to(open.where_it_is)  # reject: attr-defined
    wrong_five = open.too(paused)  # reject: attr-defined

    failures = (expired, open.payment.awaiting, open)
    timers = (
        Timer(open.payment.awaiting, after=timedelta(minutes=30), event=expire),
        Timer(paused, after=lambda order: timedelta(days=order.price), event="expire"),
        Timer(paused, after=30, event="expire"),  # reject: arg-type
        Timer(paused, timedelta(days=7)),  # reject: call-arg
    )

    def is_paid(self, model: Order) -> bool:
        assert_type(model.state, Configuration | None)
        self.active("paid")
        self.active(OrderChart.open.payment.piad)  # reject: attr-defined
        self.active(OrderChart.place.name, 3)  # reject: call-arg
        self.active(7)  # reject: arg-type
        self.raise_("expire", why="late")
        return self.active(OrderChart.open.payment.paid) and self.active(OrderChart.open)


def states(machine: OrderChart, order: Order) -> None:
    assert_type(OrderChart.open.payment.paid, State)
    assert_type(OrderChart.open.where_it_was, HistoryState)
    print(OrderChart.open.payment.paid.finl)  # reject: attr-defined
    print(OrderChart.open.paymnt)  # reject: attr-defined
    print(OrderChart.payment)  # reject: attr-defined
    assert order.state is not None
    assert_type(OrderChart.open in order.state, bool)
    assert_type(order.state.active, tuple[str, ...])
    assert_type(order.state.timers, dict[str, datetime])
    print(order.state.leaves)  # reject: attr-defined
    assert_type(Configuration.of(OrderChart, OrderChart.open.payment.paid), Configuration)
    Configuration.of(order, "open")  # reject: arg-type
    assert_type(machine.active(OrderChart.open), bool)


def events(machine: OrderChart, now: datetime) -> None:
    assert_type(machine.fire(OrderChart.pause), Transition)
    machine.fire(OrderChart.open.payment.authorise)
    machine.fire(OrderChart.open.payment.capture)
    machine.fire(OrderChart.place)
    machine.fire(OrderChart.open)  # reject: arg-type
    machine.fire(OrderChart.open.payment.paid)  # reject: arg-type
    assert_type(machine.fire_due(now), tuple[Transition, ...])
    machine.fire_due("today")  # reject: arg-type
    assert_type(due(OrderChart, Order(), datetime.now(UTC)), tuple[Due, ...])


def graph() -> None:
    assert_type(configurations(OrderChart), Configurations)
    assert_type(configurations(OrderChart).texts, tuple[str, ...])
    assert_type(edges(OrderChart), tuple[Edge, ...])
    assert_type(edges(OrderChart)[0].event, str | None)
    configurations(OrderChart, "all")  # reject: arg-type
