"""Orders: their chart, their value, and the change by each event. The command is `shop.py`."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

from pydantic import BaseModel

from statechart import Chart, Event, State, Transition


class Item(BaseModel, frozen=True):
    """An article with its price and count."""

    name: str
    price: Decimal
    count: int = 1


class Order(BaseModel, frozen=True):
    """An order, as recorded."""

    state: str = "draft"
    items: tuple[Item, ...] = ()
    paid: Decimal = Decimal(0)
    tracking: str | None = None
    reason: str | None = None

    @property
    def total(self) -> Decimal:
        return sum((item.price * item.count for item in self.items), Decimal(0))


class OrderChart(Chart):
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

    def has_items(self, model: SimpleNamespace) -> bool:
        """There is nothing in the order."""
        return bool(model.items)

    def is_covered(self, model: SimpleNamespace, amount: Decimal | None = None) -> bool:
        """The amount is not what the items cost."""
        return amount is None or amount == Order(**vars(model)).total


def evolved(order: Order, transition: Transition) -> Order:
    """Return the order after a transition, with the changes from the event's payload."""
    change: dict[str, object] = {"state": transition.to_state}
    payload = transition.payload
    match transition.event:
        case "add":
            change["items"] = (*order.items, payload["item"])
        case "pay":
            change["paid"] = payload["amount"]
        case "ship":
            change["tracking"] = payload["tracking"]
        case "cancel":
            change["reason"] = payload["reason"]
    return order.model_copy(update=change)
