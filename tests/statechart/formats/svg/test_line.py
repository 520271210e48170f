"""A line of stations: the main path in a row, and all else where it belongs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from environments.lifecycle import Lifecycle
from statechart import Chart, Event, State
from statechart.formats.svg import choice, layered, line
from statechart.formats.svg.drawing import drawn
from statechart.formats.svg.geometry import Box
from statechart.formats.svg.metrics import text_width
from statechart.formats.svg.texts import inscription
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


def long_chart(count: int, every: int = 0) -> type[Chart]:
    states = [State(f"step {n} of the work", initial=n == 0, final=n == count - 1) for n in range(count)]
    body: dict[str, Any] = {f"s{n}": state for n, state in enumerate(states)}
    body |= {f"next_{n}": Event(states[n].to(states[n + 1]), name="advance") for n in range(count - 1)}
    body["back"] = Event(states[count - 2].to(states[2]))
    for n in range(every, count - 1, every) if every else ():
        body[f"retry_{n}"] = Event(states[n].to(states[n - every]), name="retry")
        body[f"skip_{n}"] = Event(states[n].to(states[count - 1]), name="skip")
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


class Lead(Chart):
    """A phase above a state that belongs to none, and a name that is longer than its states."""

    new = State(initial=True)
    met = State()
    ESTABLISHED = State("ESTABLISHED")
    won = State(final=True)
    lost = State(final=True)
    meet = Event(new.to(met))
    agree = Event(met.to(ESTABLISHED), name="acknowledging")
    sign = Event(ESTABLISHED.to(won))
    lose = Event(met.to(lost) | ESTABLISHED.to(lost))
    phases = {"the time before anybody is met": (new,), "sales": (met, ESTABLISHED), "end": (won,)}  # noqa: RUF012


def test_a_phase_has_a_band_though_others_are_beneath_its_states() -> None:
    for upright in (False, True):
        picture = compose(Lead, Marks())
        plan = line.plan(picture, upright=upright)

        assert overlaps(picture, plan) == []
        assert [band.name for band in plan.bands] == list(picture.boxes)
        names = [label.lines[0] for label in plan.labels if label.kind == "phase"]
        assert [name[:3] for name in names] == ["the", "sal", "end"]
        assert "phase sales" in drawn(picture, plan, None, "")


def test_a_word_is_not_broken_for_a_letter() -> None:
    assert boxes(compose(Lead, Marks()), upright=True)["ESTABLISHED"].lines == ("ESTABLISHED",)
    (agree,) = (arrow for arrow in compose(Lead, Marks()).arrows if arrow.names == ("acknowledging",))
    for taken in (agree, replace(agree, taken=True, order="12")):
        assert inscription(taken, narrow=True).lines == ("acknowledging",)


def test_a_single_state_that_is_wider_than_the_page_stays_in_one_line() -> None:
    assert len(line.plan(compose(One, Marks()), width=30.0).boxes) == 1


def test_a_note_that_repeats_the_text_at_its_state_is_left_out() -> None:
    plan = line.plan(compose(Lifecycle, Marks()))

    texts = [text for label in plan.labels for text in label.lines]
    assert "from everywhere" in texts
    assert not any("from every other state" in text for text in texts)
    assert any(text.startswith("configuring: configure leads here also from") for text in texts)


def test_a_note_stays_where_the_text_at_its_state_is_cut() -> None:
    states = [State(f"s{n}", initial=n == 0, final=n == 5) for n in range(6)]
    body: dict[str, Any] = {f"s{n}": state for n, state in enumerate(states)}
    body |= {f"go_{n}": Event(states[n].to(states[n + 1])) for n in range(4)}
    words = "leave after a very long time in which nobody has answered any of all the letters"
    body["leave"] = Event(states[5].from_(*states[:5]), name=words)
    plan = line.plan(compose(type("Letters", (Chart,), body), Marks()), upright=True)

    notes = " ".join(text for label in plan.labels if label.kind == "note" for text in label.lines)
    assert f"{words} leads here from every other state" in notes


def test_layers_that_would_be_too_small_on_a_page_give_way_to_a_line() -> None:
    chart = long_chart(24, every=3)
    picture = compose(chart, Marks())

    assert line.plan(picture).crossings > 2 * layered.plan(picture).crossings + 3
    assert choice.plan(picture) == choice.plan(picture, layout="line")


@pytest.mark.parametrize("text", ["черновик", "на рассмотрении", "Σε αναμονή", "שליחה לאישור"])
def test_letters_of_narrow_scripts_are_not_taken_for_wide(text: str) -> None:
    assert 0.5 * len(text) < text_width(text, 1.0) < 0.7 * len(text)
