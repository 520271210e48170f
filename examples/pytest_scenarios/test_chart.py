"""Tests of the order chart: all transitions, all refusals, and scenarios in plain text."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from order import Item, Order, OrderChart
from pytest_bdd import scenarios

from statechart.testing import Cell, Driver, Path, state_machine

TEA = Item(name="tea", price=Decimal("3.50"))
PAYLOADS: dict[str, Any] = {
    "add": {"item": TEA},
    "pay": [{"amount": TEA.price}, {"amount": 2 * TEA.price}],
    "ship": {"tracking": "T-1"},
    "cancel": {"reason": "changed my mind"},
}

scenarios("orders.feature")


def a_cup_of_tea() -> Order:
    return Order(items=[TEA])


def test_an_order_is_paid_packed_and_shipped(chart_driver: Callable[..., Driver]) -> None:
    order = chart_driver(OrderChart, model=Order())

    order.refuses("pay", because="there is nothing in the order", amount=Decimal(0))
    order.fire("add", item=TEA)
    order.refuses("pay", because="not what the items cost", amount=Decimal(3))
    order.fire("pay", amount=TEA.price).expect("paid")
    order.fire("pack").fire("ship", tracking="T-1").expect("shipped").refuses("cancel")

    assert (order.model.paid, order.model.tracking) == (TEA.price, "T-1")


@pytest.mark.statechart_paths(
    OrderChart, cover="edge-pairs", model=a_cup_of_tea, payloads=PAYLOADS, without=["add"]
)
def test_every_pair_of_transitions(path: Path) -> None:
    path.drive()


@pytest.mark.statechart_matrix(OrderChart, model=a_cup_of_tea, payloads=PAYLOADS)
def test_every_event_in_every_state(cell: Cell) -> None:
    cell.check()


Machine = state_machine(OrderChart, model=Order, payloads=PAYLOADS)


class AnOrderIsNeverShippedUnpaid(Machine):  # type: ignore[misc, valid-type]  # made at run time
    def fired(self, transition: object) -> None:
        del transition
        if self.driver.state == "shipped":
            assert self.driver.model.paid == self.driver.model.total


TestAnOrderIsNeverShippedUnpaid = AnOrderIsNeverShippedUnpaid.TestCase
