"""Orders of examples/order, tested through their events."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from order import Item, Order, OrderChart, evolved

from statechart import InvalidTransition, JsonFileRepository, Locked, fire

TEA = Item(name="tea", price=Decimal("3.50"), count=2)


@pytest.fixture
def orders(tmp_path: Path) -> JsonFileRepository[Order]:
    """A repository with an order for tea."""
    repository = JsonFileRepository(tmp_path, Order)
    repository.create("A-1", Order(items=(TEA,)))
    return repository


def test_an_order_is_shipped(orders: JsonFileRepository[Order]) -> None:
    with orders.open("A-1") as session:
        fire(session, OrderChart, OrderChart.pay, evolve=evolved, amount=Decimal(7))
        fire(session, OrderChart, OrderChart.pack, evolve=evolved)
        fire(session, OrderChart, OrderChart.ship, evolve=evolved, tracking="T-1")

    shipped = orders.load("A-1").value
    assert (shipped.state, shipped.tracking) == ("shipped", "T-1")
    assert [record.data.get("event") for record in orders.history("A-1")] == [None, "pay", "pack", "ship"]


def test_a_wrong_amount_is_refused_and_changes_nothing(orders: JsonFileRepository[Order]) -> None:
    with orders.open("A-1") as session:
        with pytest.raises(InvalidTransition) as refused:
            fire(session, OrderChart, OrderChart.pay, evolve=evolved, amount=Decimal(6))

        assert refused.value.reason == "the amount is not what the items cost"
        assert session.head.revision == 1


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
    assert OrderChart.bound(Order(state=state, items=(TEA,))).enabled() == allowed


def test_two_clerks_can_not_change_an_order_at_once(orders: JsonFileRepository[Order]) -> None:
    with orders.open("A-1", command="pack"), pytest.raises(Locked, match="pack, pid"):
        orders.open("A-1", command="cancel")
