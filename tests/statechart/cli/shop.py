"""A chart with its values, for tests of the command line."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel, SecretStr

from statechart import Chart, ChartRepository, Event, State


class Order(BaseModel, frozen=True):
    state: str = "draft"
    price: Decimal
    paid: Decimal = Decimal(0)
    note: str = ""
    tags: tuple[str, ...] = ()


class OrderChart(Chart[Order]):
    """From a draft to a parcel."""

    draft = State(initial=True)
    paid = State()
    shipped = State(final=True)
    lost = State(final=True)

    pay = Event(draft.to(paid, cond="is_enough"))
    ship = Event(paid.to(shipped, cond="has_note"))
    lose = Event(draft.to(lost) | paid.to(lost))

    failures = (lost,)

    def is_enough(self, model: Order, amount: Decimal) -> bool:
        """The amount is not what the order costs."""
        return amount == model.price

    def has_note(self, model: Order) -> bool:
        """The order has no note."""
        return bool(model.note)

    def on_pay(self, model: Order, amount: Decimal) -> None:
        model.paid = amount

    def before_lose(self, model: Order) -> None:
        if model.note == "loud":
            print("lost")
        if model.note == "broken":
            raise ZeroDivisionError("broken")


class Door(BaseModel):
    state: str = "shut"


class DoorChart(Chart[Door]):
    """A door that tells nobody by which word it was opened."""

    record_payload = False

    shut = State(initial=True)
    open = State(final=True)

    unlock = Event(shut.to(open, cond="fits"))

    def fits(self, word: str) -> bool:
        """The word is wrong."""
        return word == "k"


class SafeChart(Chart[Door]):
    """A safe, of which the code is a secret."""

    shut = State(initial=True)
    open = State(final=True)

    unlock = Event(shut.to(open, cond="fits"))

    def fits(self, code: SecretStr) -> bool:
        """The code is wrong."""
        return code.get_secret_value() == "1234"


class Bare(Chart):
    """A chart that does not say what its values are."""

    one = State(initial=True)
    two = State(final=True)
    go = Event(one.to(two))


class Paint(BaseModel):
    state: str = "one"
    colour: str


orders = ChartRepository("of-the-module", OrderChart)
bare = ChartRepository("of-the-module", Bare, model=Paint)
not_a_chart = 3
