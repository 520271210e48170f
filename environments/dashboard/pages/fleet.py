"""The page of a fleet: its workers, what each does, and the wishes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from environments.dashboard.pulse import FLEET, Pulse
from environments.fleet.errors import FleetNotMigrated
from environments.fleet.wishes import LATEST
from statechart.dashboard.streams import Stream

if TYPE_CHECKING:
    from starlette.requests import Request

    from environments.dashboard.desk import Desk
    from environments.fleet.wishes import Condition, WishStatus

_LOOKS: dict[Condition, str] = {
    "queued": "idle",
    "taken-over": "interrupted",
    "running": "under-way",
    "reached": "running",
    "failed": "failed",
    "cancelled": "idle",
}
"""The look of each condition: that of the group of environments that is nearest."""


_MOST_WORKERS = 100


def routes(desk: Desk) -> Sequence[Route]:
    """Return the addresses of the page and of its changes."""
    page, hub = desk.board.templates.page, desk.board.hub
    pulse = None if desk.fleet is None else Pulse(desk.fleet, hub)

    # Reading blocks: Starlette runs a function that is not a coroutine in a thread.
    def fleet(request: Request) -> Response:
        return page(request, "fleet.html", **_facts(desk), now=datetime.now(UTC))

    async def changes(request: Request) -> Response:
        if request.method == "HEAD" or pulse is None:  # without a fleet, nothing changes
            return Response(media_type=Stream.media_type, status_code=200 if pulse else 204)
        stream = Stream(hub, FLEET)
        pulse.begin()
        return stream

    return [Route("/fleet", fleet), Route("/fleet/events", changes)]


def _facts(desk: Desk) -> dict[str, Any]:  # Any: what templates show
    facts: dict[str, Any] = {
        "look_of": _look_of,
        "spell": lambda words: desk.spell(words, ""),
        "workers": [],
        "more": 0,
        "most": LATEST,
        "wishes": [],
        "counts": {},
        "missing": None,
        "command": None,
    }
    if desk.fleet is None:
        return {**facts, "missing": "a fleet needs a store in PostgreSQL, and the extra envchart[fleet]"}
    try:
        wishes = desk.fleet.list(limit=LATEST)
        counts, workers = desk.fleet.counts(), desk.fleet.workers()
    except FleetNotMigrated as error:
        return {**facts, "missing": str(error), "command": desk.spell("fleet migrate", "")}
    # Of many workers, those that work come first.
    shown = sorted(workers, key=lambda each: not each.busy)[:_MOST_WORKERS]
    return {
        **facts,
        "workers": shown,
        "more": len(workers) - len(shown),
        "wishes": wishes,
        "counts": counts,
    }


def _look_of(wish: WishStatus) -> str:
    """Return the look of a wish; a wish under way that waits has lost its worker."""
    return "interrupted" if wish.condition == "running" and wish.waits_for else _LOOKS[wish.condition]
