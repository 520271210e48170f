"""A small shop, with orders that survive crashes, mistakes and simultaneous clerks."""

from __future__ import annotations

import argparse
import re
import sys
from decimal import Decimal
from typing import Any

from order import Item, Order, OrderChart

from statechart import ChartRepository, StatechartError


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


def show(orders: ChartRepository[Order], name: str) -> None:
    """Print the state of an order and the allowed events."""
    order = orders.load(name)
    print(f"{name} is {order.state}: {sum(item.count for item in order.items)} items, {order.total:.2f}")
    print(f"next: {', '.join(orders.allowed(name))}" if orders.allowed(name) else "no event can follow")


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


def change(orders: ChartRepository[Order], given: argparse.Namespace) -> None:
    """Fire the event of the command."""
    with orders.open(given.order, command=f"shop.py {given.command}") as order:
        if given.command == "pack" and "pack" in order.allowed():
            input(f"pack {given.order}, then press Enter: ")  # meanwhile the order can't be cancelled
        order.fire(given.command, **payload(given))


def tell(orders: ChartRepository[Order], name: str) -> None:
    """Print the history of an order, a line for each event."""
    for record in orders.history(name):
        what = f"{record.event} -> {record.to_state}" if record.event else record.type
        print(f"{record.revision}. {record.at:%Y-%m-%d %H:%M} {record.actor}: {what}")


def main() -> int:
    """Run the command, and return 0, or 1 if it was refused."""
    given = parser().parse_args()
    orders = ChartRepository(given.orders, OrderChart)
    try:
        match given.command:
            case "history":
                tell(orders, given.order)
                return 0
            case "new":
                orders.create(given.order, Order())
            case "add" | "pay" | "pack" | "ship" | "cancel":
                change(orders, given)
        show(orders, given.order)
    except StatechartError as error:
        print(f"shop.py: {error}", file=sys.stderr)
        return 1
    except (EOFError, KeyboardInterrupt):
        print(f"\nshop.py: interrupted; `show {given.order}` prints its state", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
