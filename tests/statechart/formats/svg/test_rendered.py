"""A browser draws no text wider than the room that a plan keeps for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser

from environments.lifecycle import Lifecycle
from statechart import Chart, Event, State, Timer
from statechart.formats.svg.choice import Layout, plan
from statechart.formats.svg.drawing import drawn
from statechart.formats.svg.geometry import Plan, Rectangle
from statechart.picture import Marks, Picture, Visit, compose
from tests.dashboard.browser.chromium import launched

LAYOUTS: tuple[Layout, ...] = ("line", "layered")

# Returns the boxes with the texts in each, and the texts of each label, as left, top, right and bottom.
LOOK = """() => {
  const around = (element) => {
    const {x, y, width, height} = element.getBBox()
    return [x, y, x + width, y + height]
  }
  const texts = (group) => [...group.querySelectorAll("text")].map(around)
  const groups = [...document.querySelectorAll("svg > g:not(.frame)")]
  const states = groups.filter((group) => group.matches(".state"))
  return {
    boxes: states.map((group) => [around(group.querySelector(".box")), texts(group)]),
    labels: groups.filter((group) => !group.matches(".state")).map(texts),
  }
}"""


class Nested(Chart[Any]):
    """Wide texts around wide texts, and a timer."""

    class wWwWwMmMm(State.Compound):  # states are named as in charts
        one = State("支払いを待っています", initial=True)
        two = State("Überprüfung läuft, №7 ½ €")
        go = Event(one.to(two), name="WMWMWM_QOQO@@")

    end = State(final=True)
    expire = Event(wWwWwMmMm.to(end), name="mmmmmmmmmm wwwwwwwwww")
    timers = (Timer(wWwWwMmMm, after=timedelta(days=400), event=expire),)


class Wide(Chart):
    """Texts in wide letters, in several scripts, and in the longest lines."""

    start = State("WWWW MMMM @@@@ %%%%", initial=True)
    cjk = State("支払いを待っています")
    hangul = State("배송 준비 중")
    mixed = State("Überprüfung läuft, №7 ½ €", final=True)
    go = Event(start.to(cjk, cond="is_ready"), name="WMWMWM_QOQO@@")
    on = Event(cjk.to(hangul), name="发货以后不能取消")
    end = Event(hangul.to(mixed), name="ÄÖÜ ... iiiii")
    again = Event(hangul.to.itself(), name="mmmmmmmmmm wwwwwwwwww")

    def is_ready(self) -> bool:
        return True


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


def pictures() -> Iterator[Picture]:
    way = [
        Visit("created", "provision", "provisioning", "1 at 12:00:01Z", "12:00:01Z"),
        Visit("provisioning", "fail", "provision_failed", "2 at 12:00:09Z", "12:00:09Z"),
    ]
    yield compose(Lifecycle, Marks())
    yield compose(Lifecycle, Marks("provision_failed", True, way, "apply: no answer within 300 s"))
    yield compose(Wide, Marks("start"))


def beyond(inner: Rectangle, outer: Rectangle) -> float:
    return max(outer[0] - inner[0], outer[1] - inner[1], inner[2] - outer[2], inner[3] - outer[3])


def wider(found: dict[str, Any], plan: Plan) -> list[str]:
    labels = zip(plan.labels, found["labels"], strict=True)
    return [
        *(
            f"a text of a box by {beyond(text, box):.1f}"
            for box, texts in found["boxes"]
            for text in texts
            if beyond(text, box) > 0
        ),
        *(
            f"{label.lines} by {beyond(text, label.rectangle):.1f}"
            for label, texts in labels
            for text in texts
            if beyond(text, label.rectangle) > 1.0
        ),
    ]


@pytest.mark.parametrize("upright", [False, True], ids=["lying", "upright"])
def test_texts_keep_to_their_rooms(browser: Browser, upright: bool) -> None:
    page = browser.new_page()
    for picture in pictures():
        for layout in LAYOUTS:
            found = plan(picture, upright=upright, layout=layout)
            page.set_content(drawn(picture, found, "light", ""))

            assert wider(page.evaluate(LOOK), found) == [], (picture.name, layout)
    page.close()


TITLES = """() => [...document.querySelectorAll("svg > g.frame")].map((group) =>
  [...group.querySelectorAll("rect, text")].map((element) => {
    const {x, y, width, height} = element.getBBox()
    return [x, y, x + width, y + height]
  }))"""


@pytest.mark.parametrize("upright", [False, True], ids=["lying", "upright"])
def test_texts_of_states_within_states_keep_to_their_rooms(browser: Browser, upright: bool) -> None:
    page = browser.new_page()
    picture = compose(Nested, Marks("one"))
    found = plan(picture, upright=upright)
    page.set_content(drawn(picture, found, "light", ""))
    leaves = replace(found, boxes=tuple(box for box in found.boxes if box.state != "wWwWwMmMm"))

    assert wider(page.evaluate(LOOK), leaves) == []
    for box, *texts in page.evaluate(TITLES):
        assert texts
        assert all(beyond(text, box) <= 0 for text in texts)
    page.close()
