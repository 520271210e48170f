"""Draw the pictures of the README, the home page and the tutorial, each for wide and for narrow screens."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from environments.lifecycle import Lifecycle
from statechart import Chart
from statechart.formats.svg import svg
from statechart.pages.drawn import PAGE_WIDTH
from statechart.picture import Marks, Picture, compose, path, timed
from statechart.testing.coverage.colouring import coloured
from statechart.testing.coverage.items import Covered
from statechart.testing.coverage.texts import edge_item

sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "order"))
sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "parcels"))
from order import OrderChart  # examples, which are not installed
from parcels import ParcelChart

BEGAN = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
RUN = (
    (0, "provision"),
    (1, "complete"),
    (1, "configure"),
    (2, "complete"),
    (2, "release"),
    (3, "complete"),
    (5, "run"),
    (4210, "release"),
    (4211, "complete"),
    (4213, "fail"),
)
"""The seconds and the events of an environment whose second version crashes at its start."""

TESTS = {
    "test_an_order_is_shipped": "add,pay,pack,ship",
    "test_an_order_of_two_articles": "add,add,pay",
    "test_a_draft_is_cancelled": "cancel",
    "test_a_paid_order_is_cancelled": "add,pay,cancel",
}
SEEN = {"add": 412, "pay": 167, "pack": 160, "ship": 158}
CANCELLED = {"draft": 36, "packed": 2}
"""How often production took the transitions of the orders."""


def lifecycle() -> Picture:
    """Return the chart of environments."""
    return compose(Lifecycle, Marks())


def failed_run() -> Picture:
    """Return the chart with the way of an environment that failed."""
    ways = path(Lifecycle, [event for _, event in RUN])
    moments = [BEGAN + timedelta(seconds=seconds) for seconds, _ in RUN]
    taken = timed(
        (at, visit.source, visit.event, visit.target)
        for at, visit in zip(moments, ways.visits, strict=True)
    )
    remark = f"demo, here since {moments[-1]:%Y-%m-%d %H:%M:%S}Z, run failed at step preflight"
    return compose(Lifecycle, replace(ways, failed=True, visits=taken, remark=remark))


def coverage() -> Picture:
    """Return the chart of orders with its tests, compared with production."""
    covered = Covered.of(OrderChart)
    for test, typed in TESTS.items():
        _test(OrderChart, covered, test, typed.split(","))
    ways = {item: times for item, times in _seen(OrderChart) if times}
    covered.meet_production(ways, [])
    return coloured(covered)


def parcels() -> Picture:
    """Return the chart of orders with states within states, with one that was paused and goes on."""
    events = ("place", "authorise", "pack", "pause", "resume")
    return compose(ParcelChart, path(ParcelChart, list(events)))


def _test(chart: type[Chart], covered: Covered, test: str, events: Iterable[str]) -> None:
    for visit in path(chart, list(events)).visits:
        covered.meet("transitions", edge_item(visit.source, visit.event, visit.target), test)
        for state in (visit.source, visit.target):
            covered.meet("states", state, test)


def _seen(chart: type[Chart]) -> Iterable[tuple[str, int]]:
    for item in Covered.of(chart).items["transitions"]:
        source, event = item.split(" --")[0], item.split("--")[1]
        yield item, CANCELLED.get(source, 0) if event == "cancel" else SEEN[event]


def _drawn(compose: Callable[[], Picture], *, upright: bool) -> str:
    return svg(compose(), upright=upright, width=PAGE_WIDTH)


PICTURES = {
    f"_static/{name}{suffix}.svg": partial(_drawn, picture, upright=bool(suffix))
    for name, picture in (
        ("lifecycle", lifecycle),
        ("failed-run", failed_run),
        ("coverage", coverage),
        ("parcels", parcels),
    )
    for suffix in ("", "-upright")
}
