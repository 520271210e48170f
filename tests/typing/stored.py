"""The values of a store are of the class that its chart names."""

from __future__ import annotations

from typing import assert_type

from pydantic import BaseModel

from statechart import Chart, ChartRepository, Event, State


class Order(BaseModel, frozen=True):
    state: str = "draft"
    price: int = 0


class Other(BaseModel):
    state: str = "draft"


class OrderChart(Chart[Order]):
    draft = State(initial=True)
    paid = State(final=True)
    pay = Event(draft.to(paid))


def typed() -> None:
    orders = ChartRepository("orders", OrderChart)
    assert_type(orders.create("A-1", Order(price=7)), Order)
    assert_type(orders.fire("A-1", OrderChart.pay, amount=7), Order)
    assert_type(orders.load("A-1"), Order)
    assert_type(orders.at("A-1", revision=1), Order)
    assert_type(orders.find(state=OrderChart.paid), list[str])
    with orders.open("A-1") as order:
        assert_type(order.value, Order)
        assert_type(order.fire(OrderChart.pay), Order)
    orders.create("A-2", Other())  # reject: arg-type
    print(orders.load("A-1").prise)  # reject: attr-defined
    orders.fire("A-1", 7)  # reject: arg-type
    orders.at("A-1", 1)  # reject: call-arg
    ChartRepository("orders", OrderChart, model=Other)  # reject: misc


async def asynchronous() -> None:
    orders = ChartRepository("orders", OrderChart)
    assert_type(await orders.afire("A-1", OrderChart.pay), Order)
    async with orders.aopen("A-1") as order:
        assert_type(order.value, Order)
