"""SVG of charts with states within states."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from statechart import Chart, Event, HistoryState, State, Timer
from statechart.diagram import render
from statechart.formats.svg.choice import plan
from statechart.formats.svg.geometry import Box, Plan
from statechart.picture import Marks, compose
from tests.statechart.formats.svg.overlaps import overlaps

SVG = "{http://www.w3.org/2000/svg}"


class Order(Chart[Any]):
    """An order: paid and shipped side by side."""

    draft = State(initial=True)

    class open(State.Parallel):
        class payment(State.Compound):
            awaiting = State(initial=True)
            paid = State(final=True)
            pay = awaiting.to(paid)

        class shipment(State.Compound):
            packing = State(initial=True)
            packed = State()
            shipped = State(final=True)
            pack = packing.to(packed)
            unpack = packed.to(packing)
            ship = packed.to(shipped, cond="is_paid")

        where_it_was = HistoryState(type="deep")

    paused = State()
    done = State(final=True)
    cancelled = State(final=True)
    place = draft.to(open)
    pause = open.to(paused)
    resume = paused.to(open.where_it_was)
    restart = open.to.itself()
    done_state_open = open.to(done)
    expire = Event(open.payment.awaiting.to(cancelled) | paused.to(cancelled))
    timers = (
        Timer(open.payment.awaiting, after=timedelta(minutes=30), event=expire),
        Timer(paused, after=timedelta(days=7), event=expire),
    )

    def is_paid(self) -> bool:
        return True


class Inner(Chart[Any]):
    """The ways between a state and the states within it."""

    class work(State.Compound):
        first = State(initial=True)
        second = State()
        again = first.to(second)

    stop = State(final=True)
    into = work.to(work.second)
    inside = work.to(work.second, internal=True)
    out = work.first.to(work)
    stay = Event(work.second.to(None))
    leave = work.to(stop)
    work.second.to(stop)


def svg(chart: Any, **options: Any) -> ElementTree.Element:
    return ElementTree.fromstring(render(chart, "svg", **options))


def texts(root: ElementTree.Element, kind: str) -> list[str]:
    """Return the texts of the groups of a class."""
    groups = [group for group in root.iter(f"{SVG}g") if kind in (group.get("class") or "").split()]
    return [" ".join(text.text or "" for text in group.iter(f"{SVG}text")) for group in groups]


def box(plan: Plan, state: str) -> Box:
    return next(box for box in plan.boxes if box.state == state)


@pytest.mark.parametrize(
    "options", [{}, {"upright": True}, {"width": 700.0}], ids=["lying", "upright", "mixed"]
)
@pytest.mark.parametrize("chart", [Order, Inner])
def test_nothing_overlaps(chart: Any, options: dict[str, Any]) -> None:
    picture = compose(chart, Marks())

    assert overlaps(picture, plan(picture, **options)) == []


def test_regions_are_side_by_side_with_a_line_between_them() -> None:
    picture = compose(Order, Marks())
    lying, upright = plan(picture), plan(picture, upright=True)

    assert box(lying, "payment").y + box(lying, "payment").height <= box(lying, "shipment").y
    assert box(upright, "payment").x + box(upright, "payment").width <= box(upright, "shipment").x
    assert len(lying.separators) == 2  # below the history, and between the regions


def test_a_picture_that_is_too_wide_continues_downwards() -> None:
    picture = compose(Order, Marks())

    assert plan(picture, width=700.0).width < 800.0 < plan(picture).width


def test_each_kind_of_state_has_its_sign() -> None:
    root = svg(Order)

    assert texts(root, "history") == ["H*"]
    assert sorted(texts(root, "frame")) == ["Open", "Payment", "Shipment"]
    assert len([each for each in root.iter(f"{SVG}rect") if each.get("class") == "inner"]) == 4
    assert len([each for each in root.iter(f"{SVG}circle") if each.get("class") == "start"]) == 3


def test_each_transition_is_told_once() -> None:
    root = svg(Order)

    titles = [
        wire.findtext(f"{SVG}title")
        for wire in root.iter(f"{SVG}path")
        if wire.find(f"{SVG}title") is not None
    ]

    assert sorted(filter(None, titles)) == sorted(
        f"{arrow}"
        for arrow in (
            "Draft → Open: Place",
            "Open → Paused: Pause",
            "Paused → Where it was: Resume",
            "Open → Open: Restart",
            "Open → Done: (done)",
            "Awaiting → Cancelled: Expire after 30 min",
            "Paused → Cancelled: Expire after 7 days",
            "Awaiting → Paid: Pay",
            "Packing → Packed: Pack",
            "Packed → Packing: Unpack",
            "Packed → Shipped: Ship [is_paid]",
        )
    )


def test_timers_have_a_clock() -> None:
    root = svg(Order)

    assert len([group for group in root.iter(f"{SVG}g") if group.get("class") == "clock"]) == 2


def test_an_internal_transition_begins_at_the_inner_side_of_the_border() -> None:
    picture = compose(Inner, Marks())
    found = plan(picture)
    outer = box(found, "work")
    ways = {
        picture.arrows[wire.arrow].names[0]: wire.points for wire in found.wires if wire.arrow is not None
    }

    def leaves(name: str) -> bool:
        left, top, right, bottom = outer.rectangle
        return any(not (left <= x <= right and top <= y <= bottom) for x, y in ways[name])

    assert not leaves("Inside")
    assert leaves("Into")
    assert leaves("Out")


def test_the_configuration_is_marked_with_the_states_around_it() -> None:
    root = svg(Order, marks=Marks("awaiting + packed"))

    assert texts(root, "current") == ["Awaiting", "Packed"]
    assert sorted(texts(root, "around")) == ["Open", "Payment", "Shipment"]
    described = root.findtext(f"{SVG}desc") or ""
    assert "Awaiting" in described
    assert "Packed" in described


def test_the_remark_names_all_states_that_are_active_together() -> None:
    root = svg(Order, marks=Marks("awaiting + packed", remark="A-1, here since noon"))

    assert texts(root, "remark") == ["Awaiting + Packed: A-1, here since noon"]


def test_a_transition_that_stays_is_written_within_its_state() -> None:
    picture = compose(Inner, Marks())

    found = plan(picture)

    assert box(found, "second").small == ("Stay (stays)",)
    assert len([wire for wire in found.wires if wire.arrow is not None]) == len(picture.arrows) - 1


def test_the_same_chart_gives_the_same_picture() -> None:
    assert render(Order, "svg") == render(Order, "svg")
    assert render(Order, "svg", theme="dark") != render(Order, "svg", theme="light")
