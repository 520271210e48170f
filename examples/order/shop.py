"""A shop on one page: orders that survive a crash, a mistake, and two clerks at once."""

from __future__ import annotations

import argparse
import re
import sys
from decimal import Decimal
from typing import Any

from order import Item, Order, OrderChart, evolved

from statechart import JsonFileRepository, StatechartError, fire


def money(text: str) -> Decimal:
    """Read an amount: a positive number with at most two decimals."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,2})?", text) or not Decimal(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount; write it as 12.50")
    return Decimal(text)


def count(text: str) -> int:
    """Read how many."""
    if not re.fullmatch(r"[1-9][0-9]{0,5}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of items; write it as 2")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """Declare the command: a subcommand for each event, and three to begin and to look."""
    shop = argparse.ArgumentParser(prog="shop.py", description=__doc__)
    shop.add_argument("--orders", default="orders", metavar="DIR", help="where they are kept")
    commands = shop.add_subparsers(dest="command", required=True)
    for name in ("new", "add", "pay", "pack", "ship", "cancel", "show", "history"):
        commands.add_parser(name).add_argument("order", help="its number, such as A-1")
    added = commands.choices["add"]
    added.add_argument("name")
    added.add_argument("price", type=money)
    added.add_argument("--count", type=count, default=1)
    commands.choices["pay"].add_argument("amount", type=money)
    commands.choices["ship"].add_argument("tracking")
    commands.choices["cancel"].add_argument("reason")
    return shop


def show(name: str, order: Order) -> None:
    """Print where an order is, and what may follow."""
    print(f"{name} is {order.state}: {sum(item.count for item in order.items)} items, {order.total:.2f}")
    allowed = OrderChart.bound(order).enabled()
    print(f"next: {', '.join(allowed)}" if allowed else "it has come to its end")


def payload(given: argparse.Namespace) -> dict[str, Any]:
    """Return what the chart is told with the event: what else was typed."""
    match given.command:
        case "add":
            return {"item": Item(name=given.name, price=given.price, count=given.count)}
        case "pay":
            return {"amount": given.amount}
        case "ship":
            return {"tracking": given.tracking}
        case "cancel":
            return {"reason": given.reason}
    return {}


def change(orders: JsonFileRepository[Order], given: argparse.Namespace) -> None:
    """Fire the event that the command is named after, and show what came of it."""
    event = OrderChart.event(given.command)
    with orders.open(given.order, command=f"shop.py {given.command}") as session:
        OrderChart.bound(session.value, subject=given.order).require(event, **payload(given))
        if event == OrderChart.pack:  # it takes a while, and nobody can cancel the order meanwhile
            input(f"pack {given.order}, then press Enter: ")
        order = fire(session, OrderChart, event, evolve=evolved, **payload(given))
    show(given.order, order)


def tell(orders: JsonFileRepository[Order], name: str) -> None:
    """Print what became of an order, a line for each event."""
    for record in orders.history(name):
        event, value = record.data.get("event", record.type), record.value or {}
        print(f"{record.revision}. {record.at:%Y-%m-%d %H:%M} {record.actor}: {event} -> {value['state']}")


def main() -> int:
    """Run the command; 1 says that it was refused, 2 that it was mistyped."""
    given = parser().parse_args()
    orders = JsonFileRepository(given.orders, Order)
    try:
        match given.command:
            case "new":
                show(given.order, orders.create(given.order, Order()).value)
            case "show":
                show(given.order, orders.load(given.order).value)
            case "history":
                tell(orders, given.order)
            case _:
                change(orders, given)
    except StatechartError as error:
        print(f"shop.py: {error}", file=sys.stderr)
        return 1
    except (EOFError, KeyboardInterrupt):
        print(f"\nshop.py: interrupted; `show {given.order}` tells where it is", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
