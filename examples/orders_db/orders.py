"""Orders: their chart and their value. They lie in the database of `desk.py`."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from pydantic import BaseModel

from statechart import Chart, ChartRepository, Event, State, effect

FILE = Path(os.environ.get("SHOP_DB", "shop.db")).absolute()


class Order(BaseModel):
    """An order of a customer."""

    state: str = "draft"
    customer: int
    price: int = 0


class OrderChart(Chart[Order]):
    """From a draft to an order that is paid and shipped."""

    draft = State(initial=True)
    paid = State()
    shipped = State(final=True)

    pay = Event(draft.to(paid, cond="is_enough"))
    ship = Event(paid.to(shipped))

    def is_enough(self, model: Order, amount: int) -> bool:
        """The amount is not what the order costs."""
        return amount == model.price

    @effect(pay)
    def invoice(self, model: Order, name: str, key: str) -> None:
        # The key makes a repetition after a crash harmless: the row is there already.
        with closing(connected()) as database, database:
            database.execute(
                "INSERT INTO invoice (key, number, customer, price) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (key) DO NOTHING",
                (key, name, model.customer, model.price),
            )


orders: ChartRepository[Order] = ChartRepository(f"sqlite:///{FILE}?collection=orders", OrderChart)


def connected() -> sqlite3.Connection:
    """Connect to the application's own tables."""
    return sqlite3.connect(FILE, timeout=10)
