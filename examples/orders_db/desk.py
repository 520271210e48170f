"""A shop whose customers, invoices and orders are in one file of SQLite."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing

from orders import Order, OrderChart, connected, orders

from statechart import StatechartError

TABLES = """
CREATE TABLE IF NOT EXISTS customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS invoice (
    key TEXT PRIMARY KEY, number TEXT NOT NULL, customer INTEGER NOT NULL, price INTEGER NOT NULL
);
"""


def parser() -> argparse.ArgumentParser:
    """Declare the command."""
    shop = argparse.ArgumentParser(prog="desk.py", description=__doc__)
    commands = shop.add_subparsers(dest="command", required=True)
    new = commands.add_parser("order", help="begin an order")
    new.add_argument("number")
    new.add_argument("customer")
    new.add_argument("price", type=int)
    pay = commands.add_parser("pay")
    pay.add_argument("number")
    pay.add_argument("amount", type=int)
    commands.add_parser("ship").add_argument("number")
    commands.add_parser("report", help="print each customer's invoices and open orders")
    return shop


def customer(name: str) -> int:
    """Return the number of a customer, who may be new."""
    with closing(connected()) as database, database:
        database.execute("INSERT INTO customer (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
        found = database.execute("SELECT id FROM customer WHERE name = ?", (name,)).fetchone()
    return int(found[0])


def report() -> None:
    """Print what each customer was invoiced, and how many orders are open."""
    open_orders = [orders.load(name).customer for name in orders.find([OrderChart.draft, OrderChart.paid])]
    with closing(connected()) as database:
        rows = database.execute(
            "SELECT customer.id, customer.name, COALESCE(SUM(price), 0) FROM customer"
            " LEFT JOIN invoice ON invoice.customer = customer.id GROUP BY customer.id ORDER BY name"
        ).fetchall()
    for number, name, total in rows:
        print(f"{name}: {total} invoiced, {open_orders.count(number)} open")


def main(words: Sequence[str] | None = None) -> int:
    """Run the command."""
    given = parser().parse_args(words)
    with closing(connected()) as database:
        database.executescript(TABLES)
    orders.timeout = 10
    try:
        match given.command:
            case "order":
                orders.create(given.number, Order(customer=customer(given.customer), price=given.price))
            case "pay":
                orders.fire(given.number, OrderChart.pay, amount=given.amount)
            case "ship":
                orders.fire(given.number, OrderChart.ship)
            case "report":
                report()
                return 0
        orders.run_effects(given.number)
    except StatechartError as error:
        print(f"desk.py: {error}", file=sys.stderr)
        return 1
    print(f"{given.number} is {orders.load(given.number).state}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
