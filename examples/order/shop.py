"""A small shop, with orders that survive crashes, mistakes and simultaneous clerks."""

from __future__ import annotations

import argparse
import re
import sys
from decimal import Decimal
from typing import Any

from order import Item, Order, OrderChart, evolved

from statechart import JsonFileRepository, StatechartError, fire


def money(text: str) -> Decimal:
    """Parse an amount, a positive number with at most two decimals."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,2})?", text) or not Decimal(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount; write it as 12.50")
    return Decimal(text)


def count(text: str) -> int:
    """Parse a number of items."""
    if not re.fullmatch(r"[1-9][0-9]{0,5}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of items; write it as 2")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """Declare the command: a subcommand for each event, and `new`, `show` and `history`."""
    shop = argparse.ArgumentParser(prog="shop.py", description=__doc__)
    shop.add_argument("--orders", default="orders", metavar="DIR", help="the directory of the orders")
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
    """Print the state of an order and the allowed events."""
    print(f"{name} is {order.state}: {sum(item.count for item in order.items)} items, {order.total:.2f}")
    allowed = OrderChart.bound(order).enabled()
    print(f"next: {', '.join(allowed)}" if allowed else "no event can follow")


def payload(given: argparse.Namespace) -> dict[str, Any]:
    """Return the payload of the event, from the arguments."""
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
    """Fire the event of the command, and print the order."""
    event = OrderChart.event(given.command)
    with orders.open(given.order, command=f"shop.py {given.command}") as session:
        OrderChart.bound(session.value, subject=given.order).require(event, **payload(given))
        if event == OrderChart.pack:  # packing takes a while, during which the order can't be cancelled
            input(f"pack {given.order}, then press Enter: ")
        order = fire(session, OrderChart, event, evolve=evolved, **payload(given))
    show(given.order, order)


def tell(orders: JsonFileRepository[Order], name: str) -> None:
    """Print the history of an order, a line for each event."""
    for record in orders.history(name):
        event, value = record.data.get("event", record.type), record.value or {}
        print(f"{record.revision}. {record.at:%Y-%m-%d %H:%M} {record.actor}: {event} -> {value['state']}")


def main() -> int:
    """Run the command, and return 0, or 1 if it was refused."""
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
        print(f"\nshop.py: interrupted; `show {given.order}` prints its state", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
