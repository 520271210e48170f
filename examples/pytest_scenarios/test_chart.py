"""Tests of the order chart: all transitions, all refusals, and scenarios in plain text."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace

import pytest
from order import Item, OrderChart
from pytest_bdd import scenarios

from statechart.testing import Cell, Driver, Path, state_machine

TEA = Item(name="tea", price=Decimal("3.50"))

scenarios("orders.feature")


def a_cup_of_tea() -> SimpleNamespace:
    return SimpleNamespace(state=None, items=(TEA,))


def test_an_order_is_paid_packed_and_shipped(chart_driver: Callable[..., Driver]) -> None:
    order = chart_driver(OrderChart, model=a_cup_of_tea())

    order.refuses("pay", because="not what the items cost", amount=3)
    order.fire("pay", amount=TEA.price).expect("paid")
    order.follow("pack", "ship").expect("shipped").refuses("cancel")


@pytest.mark.statechart_paths(OrderChart, cover="edge-pairs", model=a_cup_of_tea)
def test_every_pair_of_transitions(path: Path) -> None:
    path.drive()


@pytest.mark.statechart_matrix(OrderChart, model=a_cup_of_tea)
def test_every_event_in_every_state(cell: Cell) -> None:
    cell.check()


class AnOrderIsNeverShippedUnpaid(state_machine(OrderChart)):  # type: ignore[misc]  # made at run time
    def begin(self) -> Driver:
        return Driver(OrderChart, model=a_cup_of_tea())

    def fired(self, transition: object) -> None:
        del transition
        events = [taken.event for taken in self.driver.transitions]
        assert "ship" not in events or "pay" in events


TestAnOrderIsNeverShippedUnpaid = AnOrderIsNeverShippedUnpaid.TestCase
