"""Charts made up by Hypothesis: as odd as people could declare them, but valid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from statechart import Chart, Event, State
from statechart.picture import Marks, Picture, Visit, compose

NAMES = st.one_of(
    st.sampled_from(
        ["draft", "paid", "waiting for payment", "in_review", "run_failed", "ok", "7", "已发货"]
    ),
    st.text(st.sampled_from("abcdemiw WM_-.0123456789漢字カナ한글éß"), min_size=1, max_size=40).filter(
        str.strip
    ),
)
PHASES = ("run", "all that comes first", "the steps between an order and its delivery", "運ぶ")
_GUARDS = ("is_ready", "has_been_approved_by_two")


@st.composite
def charts(draw: st.DrawFn, most: int = 20) -> type[Chart]:
    """Make a flat chart: every state is reached, and only final states have no way out."""
    count = draw(st.integers(1, most))
    ends = set(draw(st.lists(st.integers(1, count - 1), max_size=3))) if count > 1 else set()
    open_states = [index for index in range(count) if index not in ends or index == 0]
    ways: dict[tuple[int, str], int] = {}
    for index in range(1, count):
        before = draw(st.sampled_from([each for each in open_states if each < index]))
        ways[before, f"to_{index}"] = index
    events = [f"event_{number}" for number in range(draw(st.integers(1, 8)))]
    way = st.tuples(st.sampled_from(open_states), st.sampled_from(events))
    extra = draw(st.dictionaries(way, st.integers(0, count - 1), max_size=min(2 * count, 40)))
    ways.update(extra)
    if draw(st.booleans()):
        target = draw(st.integers(0, count - 1))
        ways.update({(source, "everywhere"): target for source in open_states if source != target})
    for index in open_states:
        if not any(source == index and target != index for (source, _), target in ways.items()):
            ways[index, "on"] = draw(st.integers(0, count - 1))
    finals = ends - {0}
    for index in open_states if finals else ():
        # The engine wants a way to an end from everywhere.
        if not _reached(index, ways) & finals:
            ways[index, "leave"] = min(finals)
    return _declared(draw, count, ends, ways)


def _reached(start: int, ways: dict[tuple[int, str], int]) -> set[int]:
    found = [start]
    for here in found:
        found += {target for (source, _), target in ways.items() if source == here}.difference(found)
    return set(found)


def _declared(draw: st.DrawFn, count: int, ends: set[int], ways: dict[tuple[int, str], int]) -> type[Chart]:
    given = draw(st.lists(NAMES, min_size=count, max_size=count))
    states = [
        State(given[index], value=f"state_{index}", initial=index == 0, final=index in ends and index > 0)
        for index in range(count)
    ]
    body: dict[str, Any] = {f"state_{index}": state for index, state in enumerate(states)}
    for event in dict.fromkeys(event for _, event in ways):
        paths = None
        guards = draw(st.lists(st.sampled_from(_GUARDS), max_size=2, unique=True))
        for (source, fired), target in ways.items():
            if fired == event:
                path = (
                    states[source].to(states[target], cond=guards)
                    if guards
                    else states[source].to(states[target])
                )
                paths = path if paths is None else paths | path
        body[event] = Event(paths, name=draw(NAMES))
    body.update(dict.fromkeys(_GUARDS, _agrees))
    chosen = st.lists(st.sampled_from(states), max_size=4, unique_by=id)
    body["failures"] = tuple(draw(chosen))
    names = draw(st.lists(st.sampled_from(PHASES), min_size=2, max_size=2, unique=True))
    cut = draw(st.integers(0, count))
    parts = (states[:cut], states[cut:])
    body["phases"] = (
        {name: tuple(part) for name, part in zip(names, parts, strict=True) if part}
        if draw(st.booleans())
        else {}
    )
    return type("Made", (Chart,), body)


def _agrees(self: Chart) -> bool:
    return True


@st.composite
def pictures(draw: st.DrawFn, most: int = 20) -> Picture:
    """Make the picture of a chart: without marks, with the way taken, or with counts of tests."""
    chart = draw(charts(most))
    match draw(st.sampled_from(["plain", "way", "counts"])):
        case "way":
            return compose(chart, _walk(draw, chart))
        case "counts":
            picture = compose(chart, Marks())
            arrows = [_counted(arrow, number) for number, arrow in enumerate(picture.arrows)]
            return replace(picture, arrows=arrows)
        case _:
            return compose(chart, Marks())


def _counted(arrow: Any, number: int) -> Any:
    marks = ("", "missed", "untested", "unseen")
    return replace(
        arrow,
        order=f"{number * 37}x",
        detail=f"{number} tests, production {number * 9}",
        mark=marks[number % 4],
    )


def _walk(draw: st.DrawFn, chart: type[Chart]) -> Marks:
    here = chart.states[0]
    visits: list[Visit] = []
    for number in range(1, draw(st.integers(1, 12)) + 1):
        if not here.transitions:
            break
        transition = draw(st.sampled_from(list(here.transitions)))
        event = next(iter(transition.events)).id
        visits.append(
            Visit(str(here.value), event, str(transition.target.value), f"{number} at 12:00", "12:00:01Z")
        )
        here = transition.target
    remark = draw(st.sampled_from(["", "migrate: no answer within 300 s: database migrations hold a lock"]))
    return Marks(str(here.value), draw(st.booleans()), visits, remark)
