"""The page of a fleet: its workers, what each does, and the wishes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from environments.fleet.errors import FleetNotMigrated
from environments.fleet.wishes import LATEST

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from environments.dashboard.desk import Desk
    from environments.fleet.wishes import Condition

_LOOKS: dict[Condition, str] = {
    "queued": "idle",
    "taken-over": "interrupted",
    "running": "under-way",
    "reached": "running",
    "failed": "failed",
    "cancelled": "idle",
}
"""The look of each condition: that of the group of environments that is nearest."""


def routes(desk: Desk) -> Sequence[Route]:
    """Return the address of the page."""
    page = desk.board.templates.page

    # Reading blocks: Starlette runs a function that is not a coroutine in a thread.
    def fleet(request: Request) -> Response:
        return page(request, "fleet.html", **_facts(desk), now=datetime.now(UTC))

    return [Route("/fleet", fleet)]


def _facts(desk: Desk) -> dict[str, Any]:  # Any: what templates show
    facts: dict[str, Any] = {
        "looks": _LOOKS,
        "workers": [],
        "wishes": [],
        "counts": {},
        "missing": None,
        "command": None,
    }
    if desk.fleet is None:
        return {**facts, "missing": "a fleet needs a store in PostgreSQL, and the extra envchart[fleet]"}
    try:
        wishes = desk.fleet.list(limit=LATEST)
        unfinished = desk.fleet.list(unfinished=True)
        workers = desk.fleet.workers()
    except FleetNotMigrated as error:
        return {**facts, "missing": str(error), "command": "envchart fleet migrate"}
    counts: dict[str, int] = {}
    for each in unfinished:
        counts[each.condition] = counts.get(each.condition, 0) + 1
    return {**facts, "workers": workers, "wishes": wishes, "counts": counts}
