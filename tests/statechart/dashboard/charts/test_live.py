"""Changes of a store reach the open pages of its dashboard."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from statechart import ChartRepository
from statechart.dashboard import asgi_app
from statechart.dashboard.hub import RESYNC, Listener
from tests.statechart.dashboard.charts.parcels import Parcel, ParcelChart


async def told(listener: Listener, name: str, group: str | None) -> dict[str, Any]:
    """Wait until a page is told that a value is in a group, or gone."""
    async with asyncio.timeout(60):
        while True:
            event = await listener.next()
            assert event is not None
            if event == RESYNC:
                continue
            data = json.loads(event.decode().partition("data: ")[2])
            if name in data["rows"] and (data["rows"][name] or {}).get("group") == group:
                return data


async def test_an_open_page_is_told_what_changes(anywhere: ChartRepository[Parcel]) -> None:
    anywhere.create("A-1", Parcel())
    site = asgi_app(anywhere)
    await site.following.ready()
    overview, page = site.board.hub.listen(), site.board.hub.listen("A-2")
    try:
        with anywhere.open("A-1", command="packing"):
            held = await told(overview, "A-1", "under-way")
        await told(overview, "A-1", "in-progress")
        anywhere.create("A-2", Parcel())
        await told(page, "A-2", "in-progress")
        anywhere.fire("A-2", ParcelChart.lose)
        lost = await told(overview, "A-2", "failed")
        await told(page, "A-2", "failed")
        anywhere.delete("A-2")
        gone = await told(page, "A-2", None)
    finally:
        await site.following.stop()

    assert "held by packing" in held["rows"]["A-1"]["html"]
    assert '<tr class="failed" data-name="A-2"' in lost["rows"]["A-2"]["html"]
    assert gone["counts"] == {**dict.fromkeys(site.board.source.groups, 0), "all": 1, "in-progress": 1}
