"""A line of stations: the main path in a row, and all else where it belongs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from environments.lifecycle import Lifecycle
from statechart import Chart, Event, State
from statechart.formats.svg import choice, line
from statechart.formats.svg.geometry import Box
from statechart.picture import Marks, Picture, compose, path

from .charts import pictures
from .overlaps import overlaps

MAIN = "created provisioning provisioned configuring configured releasing released running destroyed"
NARROW = 420.0


class Loops(Chart):
    """Three ways from a state to itself, and three to the next."""

    a = State(initial=True)
    b = State(final=True)
    one = Event(a.to(a))
    two = Event(a.to(a))
    three = Event(a.to(a))
    go = Event(a.to(b))
    leave = Event(a.to(b))
    end = Event(a.to(b))


class One(Chart):
    """A single state."""

    only = State(initial=True, final=True)


def long_chart(count: int) -> type[Chart]:
    states = [State(f"step {n} of the work", initial=n == 0, final=n == count - 1) for n in range(count)]
    body: dict[str, Any] = {f"s{n}": state for n, state in enumerate(states)}
    body |= {f"next_{n}": Event(states[n].to(states[n + 1]), name="advance") for n in range(count - 1)}
    body["back"] = Event(states[count - 2].to(states[2]))
    return type("Long", (Chart,), body)


def boxes(picture: Picture, *, upright: bool = False) -> dict[str, Box]:
    return {box.state: box for box in line.plan(picture, upright=upright).boxes}


def test_the_main_path_is_a_row_and_failures_are_beneath_their_stations() -> None:
    found = boxes(compose(Lifecycle, Marks()))

    row = [found[state] for state in MAIN.split()]
    assert [box.x for box in row] == sorted(box.x for box in row)
    assert len({round(box.y + box.height / 2, 3) for box in row}) == 1
    for state, failure in (("provisioning", "provision_failed"), ("running", "run_failed")):
        above, below = found[state], found[failure]
        assert below.y > above.y + above.height
        assert below.x < above.x + above.width / 2 < below.x + below.width


def test_upright_the_line_runs_down_and_failures_are_beside() -> None:
    found = boxes(compose(Lifecycle, Marks()), upright=True)

    row = [found[state] for state in MAIN.split()]
    assert [box.y for box in row] == sorted(box.y for box in row)
    assert found["run_failed"].x > found["running"].x + found["running"].width


def test_no_transition_of_the_lifecycle_crosses_another() -> None:
    picture = compose(Lifecycle, Marks())

    assert line.plan(picture).crossings == 0
    assert line.plan(picture, upright=True).crossings == 0


@pytest.mark.parametrize(
    "events",
    ["provision,complete,configure,complete,release,complete,run", "provision,fail,destroy", "destroy"],
)
def test_the_layout_of_a_chart_stays_while_a_value_goes_its_way(events: str) -> None:
    picture = compose(Lifecycle, path(Lifecycle, events.split(",")))

    assert choice.plan(picture) == choice.plan(picture, layout="line")


def test_loops_and_parallel_transitions_have_wires_and_labels_of_their_own() -> None:
    for chart in (Loops, One):
        picture = compose(chart, Marks())
        for upright in (False, True):
            plan = line.plan(picture, upright=upright)
            assert overlaps(picture, plan) == []
            assert plan.crossings == 0


def test_a_long_line_goes_on_in_further_lines() -> None:
    picture = compose(long_chart(20), Marks())

    plan = line.plan(picture)

    heights = {round(box.y) for box in plan.boxes}
    assert len(heights) > 2
    assert plan.width < 1280 * 1.35
    assert overlaps(picture, plan) == []


@settings(max_examples=15, deadline=None, suppress_health_check=[*HealthCheck])
@given(picture=pictures(12))
def test_nothing_overlaps_where_a_line_goes_on(picture: Picture) -> None:
    assert overlaps(picture, line.plan(picture, width=NARROW)) == []
