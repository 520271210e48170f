"""Machines for a team: each has one holder at a time, and comes back when its time is over."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lease import Lease, LeaseChart

from statechart import Change, ChartRepository, InvalidTransition, Locked, StatechartError


def minutes(text: str) -> timedelta:
    """Parse a positive number of minutes."""
    try:
        time = timedelta(minutes=float(text))
    except (ValueError, OverflowError):
        time = timedelta(0)
    if time <= timedelta(0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of minutes; write it as 30")
    return time


def parser() -> argparse.ArgumentParser:
    """Declare the command."""
    pool = argparse.ArgumentParser(prog="pool.py", description=__doc__)
    pool.add_argument("--pool", default="pool", metavar="DIR", help="the directory of the leases")
    commands = pool.add_subparsers(dest="command", required=True)
    for name in ("add", "retire", "renew", "release", "take", "show"):
        machine = commands.add_parser(name)
        machine.add_argument("machine", nargs="?" if name == "take" else None)
        machine.add_argument("--by", default=getpass.getuser(), metavar="NAME", help="who does it")
        if name in ("take", "renew"):
            machine.add_argument("--minutes", type=minutes, default="30", metavar="N", dest="time")
    commands.add_parser("list").add_argument("--state")
    commands.add_parser("expire", help="take back all machines whose time is over; for cron")
    changes = commands.add_parser("changes", help="print what happened since the last time")
    changes.add_argument("--cursor", type=Path, default="cursor", metavar="FILE", help="keeps the place")
    changes.add_argument("--follow", action="store_true", help="wait for more")
    return pool


def show(name: str, lease: Lease) -> None:
    """Print a lease."""
    held = (
        f" by {lease.holder} until {lease.until:%H:%M:%S} UTC, token {lease.token}" if lease.holder else ""
    )
    print(f"{name} is {lease.state}{held}")


def take_any(pool: ChartRepository[Lease], given: argparse.Namespace, now: datetime) -> int:
    """Take any machine that is free."""
    for name in pool.find(state=LeaseChart.free):
        try:
            lease = pool.fire(name, LeaseChart.take, by=given.by, now=now, time=given.time)
        except (InvalidTransition, Locked):  # somebody else was faster
            continue
        show(name, lease)
        return 0
    print("pool.py: no machine is free; `list` prints who has them", file=sys.stderr)
    return 1


def expire(pool: ChartRepository[Lease], now: datetime) -> int:
    """Take back all machines whose time is over, and clean those that are not clean yet."""
    for name in pool.find(state=LeaseChart.leased):
        try:
            pool.fire(name, LeaseChart.expire, now=now)
        except (InvalidTransition, Locked):  # its time is not over, or its holder is renewing it
            continue
        show(name, pool.load(name))
    dirty = [each for each in pool.run_effects(force=True) if each.status != "done"]
    for each in dirty:
        print(f"pool.py: {each.name} is not clean: {each.error}", file=sys.stderr)
    return 1 if dirty else 0


def told(change: Change, cursor: Path) -> None:
    """Print a change, and remember that it was printed."""
    by = f" by {change.payload['by']}" if "by" in change.payload else ""
    print(f"{change.name}: {change.event or 'add'}{by} -> {change.to_state}", flush=True)
    cursor.write_text(change.cursor)


async def follow(pool: ChartRepository[Lease], cursor: Path, since: str | None) -> None:
    """Print changes as they happen, until Ctrl-C."""
    async with aclosing(pool.follow(since)) as changes:
        async for change in changes:
            told(change, cursor)


def changes(pool: ChartRepository[Lease], given: argparse.Namespace) -> None:
    """Print the changes since the last time."""
    since = given.cursor.read_text() if given.cursor.exists() else None
    if given.follow:
        asyncio.run(follow(pool, given.cursor, since))
    for change in pool.changes(since):
        told(change, given.cursor)


def change(pool: ChartRepository[Lease], given: argparse.Namespace, now: datetime) -> None:
    """Add a machine, or fire the event of the command."""
    match given.command:
        case "add":
            pool.create(given.machine, Lease())
        case "take" | "renew":
            pool.fire(given.machine, given.command, by=given.by, now=now, time=given.time)
        case "release":
            pool.fire(given.machine, LeaseChart.release, by=given.by)
        case "retire":
            pool.fire(given.machine, LeaseChart.retire)


def run(pool: ChartRepository[Lease], given: argparse.Namespace, now: datetime) -> int:
    """Run a command that the parser has read."""
    match given.command:
        case "list":
            for name in pool.find(state=given.state):
                show(name, pool.load(name))
        case "changes":
            changes(pool, given)
        case "expire":
            return expire(pool, now)
        case "take" if given.machine is None:
            return take_any(pool, given, now)
        case _:
            change(pool, given, now)
            show(given.machine, pool.load(given.machine))
    return 0


def main(arguments: Sequence[str] | None = None, *, now: datetime | None = None) -> int:
    """Run the command, and return 0, or 1 if it was refused."""
    given = parser().parse_args(arguments)
    try:
        pool = ChartRepository(given.pool, LeaseChart, timeout=5, effects_at_once=True)
        return run(pool, given, now or datetime.now(UTC))
    except (StatechartError, OSError) as error:  # such as a cursor that can't be written
        print(f"pool.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
