"""Orders: their chart, their value, and the change by each event. The command is `shop.py`."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel

from statechart import Chart, Event, State


class Item(BaseModel, frozen=True):
    """An article with its price and count."""

    name: str
    price: Decimal
    count: int = 1


class Order(BaseModel):
    """An order, as recorded."""

    state: str = "draft"
    items: list[Item] = []
    paid: Decimal = Decimal(0)
    tracking: str | None = None
    reason: str | None = None

    @property
    def total(self) -> Decimal:
        return sum((item.price * item.count for item in self.items), Decimal(0))


class OrderChart(Chart[Order]):
    """From a draft to a parcel on its way, or to a cancellation."""

    draft = State(initial=True)
    paid = State()
    packed = State()
    shipped = State(final=True)
    cancelled = State(final=True)

    add = Event(draft.to(draft))
    pay = Event(draft.to(paid, cond=["has_items", "is_covered"]))
    pack = Event(paid.to(packed))
    ship = Event(packed.to(shipped))
    cancel = Event(cancelled.from_(draft, paid, packed))

    def has_items(self, model: Order) -> bool:
        """There is nothing in the order."""
        return bool(model.items)

    def is_covered(self, model: Order, amount: Decimal | None = None) -> bool:
        """The amount is not what the items cost."""
        return amount is None or amount == model.total

    def on_add(self, model: Order, item: Item) -> None:
        model.items.append(item)

    def on_pay(self, model: Order, amount: Decimal) -> None:
        model.paid = amount

    def on_ship(self, model: Order, tracking: str) -> None:
        model.tracking = tracking

    def on_cancel(self, model: Order, reason: str) -> None:
        model.reason = reason
