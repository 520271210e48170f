"""The dashboard of a chart with states within states and timers."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from statechart import ChartRepository
from statechart.cli.app import main
from tests.statechart.dashboard.charts.orders import OrderChart, OrderModel
from tests.statechart.dashboard.charts.test_api import check_schema
from tests.statechart.dashboard.charts.test_pages import shown

CHART = f"{OrderChart.__module__}:OrderChart"
Opened = Callable[[ChartRepository[Any]], httpx.AsyncClient]


@pytest.fixture
def orders(tmp_path: Path) -> ChartRepository[OrderModel]:
    """Three orders: one under way, one paused whose timer lapsed and is remembered, one done."""
    found = ChartRepository(tmp_path / "orders", OrderChart)
    for name, events in (
        ("A-1", "place pack"),
        ("B-2", "place pack pause"),
        ("C-3", "place pack pay ship"),
    ):
        found.create(name, OrderModel())
        for event in events.split():
            found.fire(name, event)
    return found


def names(page: httpx.Response) -> list[str]:
    return re.findall(r'data-name="([^"]+)"', page.text)


async def test_a_value_is_found_by_any_active_state(
    orders: ChartRepository[OrderModel], opened: Opened
) -> None:
    async with opened(orders) as client:
        found = {
            state: names(await client.get("/", params={"state": state}))
            for state in ("open", "packed", "awaiting + packed", "paused", "done")
        }
        word = names(await client.get("/?q=shipment"))

    assert found == {
        "open": ["A-1"],
        "packed": ["A-1"],
        "awaiting + packed": ["A-1"],
        "paused": ["B-2"],
        "done": ["C-3"],
    }
    assert word == ["A-1"]


async def test_a_page_shows_where_a_value_is(orders: ChartRepository[OrderModel], opened: Opened) -> None:
    async with opened(orders) as client:
        page = await client.get("/e/A-1")

    text = shown(page)
    assert "Configuration open payment awaiting shipment packed Timers awaiting.expire expire in " in text
    assert re.search(r'<ul class="active beside">\s*<li><span class="around">payment', page.text)
    assert 'class="state current"' in page.text
    assert 'class="frame around"' in page.text


async def test_events_are_told_with_the_active_states_that_take_or_refuse_them(
    orders: ChartRepository[OrderModel], opened: Opened
) -> None:
    async with opened(orders) as client:
        text = shown(await client.get("/e/A-1"))

    assert "pay → paid + packed in awaiting" in text
    assert "pause → paused in open" in text
    assert "ship the order is not paid yet in packed" in text


async def test_the_history_has_microsteps_and_lapsed_timers(
    orders: ChartRepository[OrderModel], opened: Opened
) -> None:
    await asyncio.sleep(0.002)  # the delay of the timer
    async with opened(orders) as client:
        waiting = shown(await client.get("/e/B-2"))
        orders.fire_due("B-2")
        lapsed = await client.get("/e/B-2")
        done = shown(await client.get("/e/C-3"))

    assert "paused.remind remind now" in waiting or "paused.remind remind due for" in waiting
    assert "Remembered where_it_was awaiting + packed" in waiting
    assert "remind: nothing took it in paused (timer paused.remind" in shown(lapsed)
    assert 'class="lapsed"' in lapsed.text
    assert "ship: left packed; entered shipped" in done
    assert "done.state.open: left shipped, shipment, paid, payment, open; entered done" in done


async def test_the_past_is_shown_with_its_configuration(
    orders: ChartRepository[OrderModel], opened: Opened
) -> None:
    async with opened(orders) as client:
        text = shown(await client.get("/e/C-3?at=2"))
        incident = shown(await client.get("/e/A-1/incident.html"))

    assert "Configuration open payment awaiting shipment packing Timers awaiting.expire expire at " in text
    assert "awaiting.expire expire at" in incident


async def test_the_list_tells_the_next_timer(orders: ChartRepository[OrderModel], opened: Opened) -> None:
    async with opened(orders) as client:
        page = await client.get("/?state=open")

    assert re.search(r'<span class="what">expire <time [^>]*data-due>in (29|30) min</time>', page.text)


def timeless(document: Any) -> Any:
    """Return a document without the times that have passed, or will, when it was asked for."""
    document.get("story", {}).pop("headline", None)
    return json.loads(re.sub(r" \(in [^)]*\)", "", json.dumps(document)))


async def test_answers_are_the_documents_of_the_command_line(
    orders: ChartRepository[OrderModel], opened: Opened, capsys: pytest.CaptureFixture[str]
) -> None:
    def printed(command: str, *words: str) -> Any:
        capsys.readouterr()
        main([*command.split(), CHART, *words, "--store", str(orders.files.root), "--json"])
        return json.loads(capsys.readouterr().out)

    one = "/api/v1/values/A-1"
    asked = {
        one: ("Value", "show", "A-1"),
        f"{one}?at=2": ("Value", "history", "A-1", "--at", "2"),
        f"{one}/allowed": ("Events", "allowed", "A-1"),
        f"{one}/why": ("Explanation", "why", "A-1"),
        f"{one}/history": ("History", "history", "A-1"),
        "/api/v1/timers": ("Timers", "timers list"),
    }
    async with opened(orders) as client:
        answers = {path: (await client.get(path)).json() for path in asked}
        listed = (await client.get("/api/v1/values?state=open")).json()
        timers = (await client.get(f"{one}/timers")).json()

    for path, (schema, *words) in asked.items():
        check_schema(schema, answers[path])
        assert timeless(answers[path]) == timeless(printed(*words)), path
    assert [each["name"] for each in listed["values"]] == ["A-1"]
    assert [each["timer"] for each in timers["timers"]] == ["awaiting.expire"]
    assert answers[one]["configuration"]["active"] == ["awaiting", "packed"]
    assert answers[one]["refused_by"]["ship"] == {"packed": "the order is not paid yet"}
