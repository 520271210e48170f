"""Orders of examples/order, stored and tested through their events."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from order import Item, Order, OrderChart

from statechart import ChartRepository, InvalidTransition, Locked

TEA = Item(name="tea", price=Decimal("3.50"), count=2)


@pytest.fixture
def orders(tmp_path: Path) -> ChartRepository[Order]:
    """A repository with an order for tea."""
    repository = ChartRepository(tmp_path, OrderChart)
    repository.create("A-1", Order(items=[TEA]))
    return repository


def test_an_order_is_shipped(orders: ChartRepository[Order]) -> None:
    with orders.open("A-1") as order:
        order.fire(OrderChart.pay, amount=Decimal(7))
        order.fire(OrderChart.pack)
        order.fire(OrderChart.ship, tracking="T-1")

    shipped = orders.load("A-1")
    assert (shipped.state, shipped.paid, shipped.tracking) == ("shipped", Decimal(7), "T-1")
    assert [record.event for record in orders.history("A-1")] == [None, "pay", "pack", "ship"]


def test_a_wrong_amount_is_refused_and_changes_nothing(orders: ChartRepository[Order]) -> None:
    with pytest.raises(InvalidTransition) as refused:
        orders.fire("A-1", OrderChart.pay, amount=Decimal(6))

    assert refused.value.reason == "the amount is not what the items cost"
    assert len(orders.history("A-1")) == 1


@pytest.mark.parametrize(
    ("state", "allowed"),
    [
        ("draft", ("add", "pay", "cancel")),
        ("paid", ("pack", "cancel")),
        ("packed", ("ship", "cancel")),
        ("shipped", ()),
        ("cancelled", ()),
    ],
)
def test_the_allowed_events_of_each_state(state: str, allowed: tuple[str, ...]) -> None:
    assert OrderChart(Order(state=state, items=[TEA])).enabled() == allowed


def test_two_clerks_can_not_change_an_order_at_once(orders: ChartRepository[Order]) -> None:
    with orders.open("A-1", command="pack"), pytest.raises(Locked, match="pack, pid"):
        orders.fire("A-1", OrderChart.cancel, reason="changed my mind")
