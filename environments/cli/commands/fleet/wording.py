"""The lines in which wishes and workers are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from environments.fleet.wishes import WishStatus
    from environments.fleet.worker_status import WorkerStatus


def wish_line(wish: WishStatus) -> str:
    """Return a wish in a line."""
    state = wish.ending.state if wish.ending is not None else ""
    reached = f" ({state})" if state and state != wish.wish.goal.text else ""
    cancelling = ", to be cancelled" if wish.cancelled_by and not wish.is_over else ""
    told = f"{wish.condition}{reached}{cancelling}"
    if wish.message:
        # A cancelled wish says it itself: `cancelled by`.
        told = wish.message if wish.message.startswith(told) else f"{told}: {wish.message}"
    return f"{wish.name} to {wish.wish.goal.text}: {told}"


def wish_lines(wishes: Sequence[WishStatus]) -> str:
    """Return wishes as a table."""
    rows = [("ENVIRONMENT", "GOAL", "CONDITION", "AGO", "RUNS", "WORKER", "ID")]
    for each in wishes:
        cancelling = "+" if each.cancelled_by and not each.is_over else ""
        rows.append(
            (
                each.name,
                each.wish.goal.text,
                f"{each.condition}{cancelling}",
                _ago(each.ended_at or each.begun_at or each.asked_at),
                str(each.attempts),
                each.worker or "-",
                each.id.rpartition(".")[2],
            )
        )
    text = _table(rows)
    told = ((each.name, each.doing or each.message) for each in wishes)
    reasons = [f"{name}: {words}" for name, words in told if words]
    return "\n".join([text, *reasons])


def worker_lines(workers: Sequence[WorkerStatus]) -> str:
    """Return workers as a table."""
    rows = [("WORKER", "HOST", "PID", "VERSION", "SINCE", "SLOTS", "WORKS ON")]
    for each in workers:
        busy = f"{', '.join(each.busy[:3])}{', …' if len(each.busy) > 3 else ''}"
        rows.append(
            (
                each.name,
                each.holder.host,
                str(each.holder.pid),
                each.version,
                _ago(each.since),
                f"{len(each.busy)}/{each.slots}",
                f"{'drains ' if each.drains else ''}{busy or '-'}",
            )
        )
    return _table(rows)


def _ago(at: datetime) -> str:
    passed = max(datetime.now(UTC) - at, timedelta())
    for unit, seconds in (("d", 86400), ("h", 3600), ("m", 60)):
        if passed.total_seconds() >= seconds:
            return f"{int(passed.total_seconds() // seconds)}{unit}"
    return f"{int(passed.total_seconds())}s"


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
