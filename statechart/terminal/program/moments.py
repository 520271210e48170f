"""Moments: typed revisions and times."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from statechart.terminal.refusal import UsageRefused

if TYPE_CHECKING:
    from statechart.terminal.settings import Spells


def read_moment(settings: Spells, name: str, at: str) -> int | datetime:
    """Return the revision or the time that a text names.

    Raises:
        UsageRefused: It names neither.
    """
    if re.fullmatch(r"[+-]?[0-9]{1,100}", at):
        return int(at)
    try:
        moment = datetime.fromisoformat(at)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise UsageRefused(
            f"--at {at!r} is neither a revision (a whole number) nor a time (like 2026-01-31T12:00:00Z)",
            (settings.spell("history NAME", name),),
        ) from None
    rest = min(_rest(at), datetime.max.replace(tzinfo=UTC) - moment)
    return moment + rest


def _rest(at: str) -> timedelta:
    """Return the rest of the last unit that a time names: 12:03 stands for the whole minute."""
    clock = re.search(r"[T ]\d\d(?::?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?)?", at)
    if clock is None:
        unit = timedelta(days=1)
    elif clock[3]:
        unit = timedelta(microseconds=10 ** max(6 - len(clock[3]), 0))
    elif clock[2]:
        unit = timedelta(seconds=1)
    else:
        unit = timedelta(minutes=1) if clock[1] else timedelta(hours=1)
    return unit - timedelta(microseconds=1)


def duration(text: str) -> timedelta:
    """Return the time that a text such as `30m` or `1d12h` stands for.

    Raises:
        UsageRefused: It stands for none.
    """
    parts = re.findall(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)([wdhms])", text)
    try:
        found = sum(
            (timedelta(seconds=float(number) * _SECONDS[unit]) for number, unit in parts), timedelta()
        )
    except OverflowError:
        raise UsageRefused(f"{text!r} is longer than any time: type less, such as 30m") from None
    if "".join(number + unit for number, unit in parts) != text or not text:
        raise UsageRefused(f"{text!r} is no time: type one such as 45s, 30m, 2h, 7d or 1d12h")
    return found


_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}


def require_one(settings: Spells, name: str, at: str | None) -> None:
    """Check that a moment was not typed beside `--as-test`.

    Raises:
        UsageRefused: It was.
    """
    if at is not None:
        raise UsageRefused(
            "--at and --as-test exclude each other", (settings.spell("history NAME --as-test", name),)
        )
