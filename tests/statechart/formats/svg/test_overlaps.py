"""No label lies on another or on an arrow of others, in any chart, in any layout."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from environments.lifecycle import Lifecycle
from statechart.formats.svg.choice import Layout, plan
from statechart.picture import Marks, Picture, compose

from .charts import pictures
from .overlaps import overlaps

LAYOUTS: tuple[Layout, ...] = ("line", "layered")
UNHURRIED = settings(deadline=None, suppress_health_check=[*HealthCheck])


def faults(picture: Picture) -> list[str]:
    return [
        f"{layout}, {'upright' if upright else 'lying'}: {said}"
        for layout in LAYOUTS
        for upright in (False, True)
        for said in overlaps(picture, plan(picture, upright=upright, layout=layout))
    ]


@settings(UNHURRIED, max_examples=20)
@given(picture=pictures())
def test_nothing_overlaps(picture: Picture) -> None:
    assert faults(picture) == []


@pytest.mark.soak
@settings(UNHURRIED, max_examples=3000)
@given(picture=pictures())
def test_nothing_overlaps_in_thousands_of_charts(picture: Picture) -> None:
    assert faults(picture) == []


def test_the_measure_finds_what_is_wrong() -> None:
    picture = compose(Lifecycle, Marks())
    good = plan(picture, layout="layered")
    box, wire, label = good.boxes[3], good.wires[2], good.labels[0]
    onto_box = replace(label, x=box.x, y=box.y)
    onto_wire = replace(label, x=good.wires[5].points[-1][0] - 12, y=good.wires[5].points[-1][1] - 6)
    elsewhere = replace(wire, points=((5.0, 5.0), *wire.points[1:]))
    through = replace(good.wires[1], points=((10.0, box.y + 9), (500.0, box.y + 9)), curved=False)

    found = {
        "a box on a box": replace(
            good, boxes=(replace(box, x=good.boxes[4].x, y=good.boxes[4].y), *good.boxes)
        ),
        "a label on a box": replace(good, labels=(onto_box, *good.labels[1:])),
        "a label on a head": replace(good, labels=(onto_wire, *good.labels[1:])),
        "a loose end": replace(good, wires=(*good.wires[:2], elsewhere, *good.wires[3:])),
        "a wire through boxes": replace(good, wires=(good.wires[0], through, *good.wires[2:])),
        "too small a picture": replace(good, width=good.width - 30),
        "no label": replace(good, labels=good.labels[1:]),
    }

    assert overlaps(picture, good) == []
    assert [fault for fault, bad in found.items() if not overlaps(picture, bad)] == []
