"""Diagrams are deterministic, mark the state, and name the programs that they need."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import pairwise
from operator import or_
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings, strategies as st

from environments.lifecycle import Lifecycle
from environments.model.states import EnvironmentState
from statechart import Chart, Event, State
from statechart.diagram import FORMATS, draw, render
from statechart.errors import DiagramUnavailable, NoSuchPath, UnknownEvent, UnknownState
from statechart.formats import png
from statechart.graph import failures, phases, states
from statechart.picture import Arrow, Marks, Visit, chosen, compose, path, timed


class Job(Chart):
    queued = State("queued", value="Q", initial=True)
    working = State("working", value="W")
    paused = State("paused", value="P")
    stuck = State("stuck", value="S")
    gone = State("gone", value="G", final=True)

    begin = Event(queued.to(working, cond="is_mine"), name="begin")
    pause = Event(working.to(paused, cond=["is_mine", "is_calm"]), name="pause")
    jam = Event(working.to(stuck, cond="is_mine") | paused.to(stuck, cond="is_mine"), name="jam")
    remove = Event(gone.from_(queued, working, paused, stuck), name="take away")

    phases = {"at work": (working, paused, "S")}  # noqa: RUF012
    failures = (stuck,)

    def __init__(self) -> None:
        raise AssertionError("a diagram needs no machine")

    @staticmethod
    def is_mine() -> bool:
        return True

    @staticmethod
    def is_calm() -> bool:
        """Somebody is nervous."""
        return True


WORKING = Marks(current="W")
STUCK = Marks(current="S", failed=True, remark="jammed at 12:00; see #7")


def test_a_chart_as_mermaid() -> None:
    assert render(Job, "mermaid", marks=WORKING) == (
        "stateDiagram-v2\n"
        "    direction TB\n"
        '    state "queued" as s_queued\n'
        '    state "at work" as phase_at_work {\n'
        '        state "working" as s_working\n'
        '        state "paused" as s_paused\n'
        '        state "stuck" as s_stuck\n'
        "        s_working --> s_paused : pause [is_calm]\n"
        "        s_working --> s_stuck : jam\n"
        "        s_paused --> s_stuck : jam\n"
        "    }\n"
        '    state "gone" as s_gone\n'
        "    [*] --> s_queued\n"
        "    s_gone --> [*]\n"
        "    s_queued --> s_working : begin\n"
        "    note right of s_gone : take away leads here from every other state\n"
        "    note right of s_queued : [is_mine] guards every event but take away\n"
        "    classDef current fill:#b2ebe0,stroke:#00796b,color:#000,stroke-width:3px\n"
        "    class s_working current\n"
        "    classDef failure fill:#fde7e4,stroke:#c62828,color:#000\n"
        "    class s_stuck failure\n"
    )


def test_a_table_of_a_chart_is_complete() -> None:
    table = render(Job, "md")

    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    assert rows[0] == ["State", "Event", "Guard", "Target"]
    assert ["working", "pause", "is_mine, is_calm", "paused"] in rows
    assert [row[0] for row in rows if row[1] == "take away"] == ["queued", "working", "paused", "stuck"]
    assert len(rows) == 2 + 8


def test_a_table_in_restructured_text_has_the_same_rows() -> None:
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in render(Job, "rst").splitlines()
        if line.startswith("|")
    ]

    assert cells == [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for number, line in enumerate(render(Job, "md").splitlines())
        if number != 1
    ]


def test_the_json_of_a_chart_is_complete() -> None:
    graph = json.loads(render(Job, "json", marks=path(Job, ["begin", "pause"])))

    assert graph["chart"] == "Job"
    assert graph["events"] == ["begin", "pause", "jam", "remove"]
    assert [state["name"] for state in graph["states"]] == ["Q", "W", "P", "S", "G"]
    assert graph["states"][3] == {
        "name": "S",
        "initial": False,
        "final": False,
        "failure": True,
        "phase": "at work",
    }
    assert {"event": "pause", "source": "W", "target": "P", "guards": ["is_mine", "is_calm"]} in graph[
        "transitions"
    ]
    assert graph["guards"]["is_calm"] == "somebody is nervous"
    assert graph["marks"]["current"] == "P"
    assert [visit["event"] for visit in graph["marks"]["visits"]] == ["begin", "pause"]


def test_a_chart_as_dot() -> None:
    dot = render(Job, "dot", marks=WORKING)

    assert dot.startswith('digraph "Job" {')
    assert "gone: take away leads here from every other state" in dot
    assert "queued: [is_mine] guards every event but take away" in dot
    assert [line.split()[0] for line in dot.splitlines() if "#b2ebe0" in line] == ['"working"']
    box = dot[dot.index("subgraph") : dot.index("    }")]
    assert [name for name in ("queued", "working", "paused", "stuck", "gone") if f'"{name}"' in box] == [
        "working",
        "paused",
        "stuck",
    ]


def test_a_failed_state_has_another_colour_and_a_remark() -> None:
    mermaid, dot = render(Job, "mermaid", marks=STUCK), render(Job, "dot", marks=STUCK)

    assert "    class s_stuck failed\n" in mermaid
    assert "    note right of s_stuck : jammed at 12#58;00#59; see #35;7\n" in mermaid
    assert [line.split()[0] for line in dot.splitlines() if "#ff8a80" in line] == ['"stuck"']
    assert "stuck: jammed at 12:00; see #7" in dot


def test_a_path_is_marked_with_its_order_on_the_edges() -> None:
    marks = path(Job, ["begin", "pause", "jam", "remove"])

    mermaid, dot = render(Job, "mermaid", marks=marks), render(Job, "dot", marks=marks)

    assert "    s_queued --> s_working : begin (1)\n" in mermaid
    assert "        s_paused --> s_stuck : jam (3)\n" in mermaid
    assert "    s_stuck --> s_gone : take away (4)\n" in mermaid, (
        "a transition that was taken is not folded"
    )
    assert "class s_stuck,s_queued,s_working,s_paused visited" in mermaid
    assert [
        line.split(" [")[0].strip() for line in dot.splitlines() if "penwidth=2]" in line and "->" in line
    ] == [
        '"queued" -> "working"',
        '"working" -> "paused"',
        '"paused" -> "stuck"',
        '"stuck" -> "gone"',
    ]


def test_a_picture_has_the_order_the_time_and_the_last_step_of_a_failure_apart() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    taken = timed([(noon, "Q", "begin", "W"), (noon + timedelta(seconds=1), "W", "jam", "S")])
    picture = compose(Job, Marks(current="S", failed=True, visits=taken))

    told = {arrow.events: (arrow.order, arrow.detail, arrow.kind) for arrow in picture.arrows}
    assert told[("begin",)] == ("1", "12:00:00Z", "taken")
    assert [arrow.kind for arrow in picture.arrows if arrow.source == "working"] == ["plain", "failed"]
    assert picture.described() == "Job: 5 states; now in stuck, failed"


def test_a_path_that_ends_in_a_failure_is_drawn_as_failed() -> None:
    assert path(Job, ["begin", "jam"]).failed
    assert chosen(Job, "S").failed
    assert not path(Job, ["begin", "pause"]).failed


def test_an_edge_that_was_taken_often_says_how_often() -> None:
    again = [Visit("W", "pause", "P", f"at {hour}") for hour in range(3)]

    assert ": pause (3 times, last at 2) [is_calm]" in render(Job, "mermaid", marks=Marks(visits=again))
    assert ": pause (at 0, at 1) [is_calm]" in render(Job, "mermaid", marks=Marks(visits=again[:2]))


class Light(Chart):
    green = State(initial=True)
    yellow = State()
    red = State()
    slowdown = green.to(yellow)
    stop = yellow.to(red)
    go = red.to(green)
    cycle = slowdown | stop | go


def test_a_path_is_marked_on_a_transition_that_events_share() -> None:
    marks = path(Light, ["cycle", "stop"])

    mermaid, dot = render(Light, "mermaid", marks=marks), render(Light, "dot", marks=marks)

    assert "    s_green --> s_yellow : Slowdown, Cycle (1)\n" in mermaid
    assert "    s_yellow --> s_red : Stop, Cycle (2)\n" in mermaid
    assert "    s_red --> s_green : Go, Cycle\n" in mermaid
    taken = [
        line.split(" [")[0].strip() for line in dot.splitlines() if "->" in line and "penwidth=2" in line
    ]
    assert taken == ['"green" -> "yellow"', '"yellow" -> "red"']
    assert "| Yellow | Stop, Cycle (2)     |       | Red    |\n" in render(Light, "md", marks=marks)


def test_transitions_that_differ_in_their_guards_only_are_all_drawn() -> None:
    class Vote(Chart):
        open = State(initial=True)
        closed = State(final=True)
        vote = Event(
            open.to(closed, cond="is_last")
            | open.to(closed, cond="is_chair")
            | open.to.itself(internal=True),
            name="vote",
        )

        def is_last(self) -> bool:
            return True

        is_chair = is_last

    assert "s_open --> s_closed : vote [is_last]\n" in render(Vote, "mermaid")
    assert "s_open --> s_closed : vote [is_chair]\n" in render(Vote, "mermaid")
    assert "s_open --> s_open : vote\n" in render(Vote, "mermaid")
    assert len(render(Vote, "md").splitlines()) == 2 + 3


def test_names_that_other_identifiers_would_be_made_of_stay_apart() -> None:
    first, second, third = State("é", initial=True), State("è"), State("_", final=True)
    step = Event(first.to(second) | second.to(third), name="step")
    chart = type("Accents", (Chart,), {"é": first, "è": second, "_": third, "step": step})

    assert "    s__ --> s___ : step\n    s___ --> s____ : step\n" in render(chart, "mermaid")


def test_a_path_follows_the_chart() -> None:
    with pytest.raises(NoSuchPath, match="in Job, jam does not leave Q; events that do: begin, remove"):
        path(Job, ["jam"])
    with pytest.raises(UnknownEvent, match="Job has no event 'bgin': did you mean 'begin'"):
        path(Job, ["bgin"])


def test_a_transition_that_the_chart_no_longer_has_is_left_out() -> None:
    marks = Marks(current="W", visits=[Visit("Q", "vanish", "W"), Visit("Q", "begin", "W", "then")])

    assert "begin (then)" in render(Job, "mermaid", marks=marks)
    assert "vanish" not in render(Job, "mermaid", marks=marks)


def test_without_marks_only_failures_are_marked() -> None:
    assert "class s_stuck failure" in render(Job, "mermaid")
    assert "current" not in render(Job, "mermaid")
    assert render(Job, "md").startswith("| State")


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        (WORKING, "Now in state **W**."),
        (STUCK, "Now in state **S** (failed): jammed at 12:00; see #7"),
    ],
)
def test_a_table_says_the_state_above_it(marks: Marks, said: str) -> None:
    first, blank, table = render(Job, "md", marks=marks).split("\n", 2)

    assert (first, blank, table) == (said, "", render(Job, "md"))


@pytest.mark.parametrize("format", FORMATS)
def test_a_state_that_is_not_there_cannot_be_marked(format: str) -> None:
    with pytest.raises(UnknownState, match="Lifecycle has no state 'runing': did you mean 'running'"):
        draw(Lifecycle, format, marks=Marks(current="runing"))  # type: ignore[arg-type]


def test_in_the_lifecycle_what_many_states_share_is_folded_into_notes() -> None:
    mermaid = render(Lifecycle, "mermaid")

    arrows = [line.strip() for line in mermaid.splitlines() if "-->" in line and "[*]" not in line]
    assert len(arrows) == 26
    assert not [arrow for arrow in arrows if "destroy" in arrow or "intact" in arrow]
    assert "s_run_failed --> s_run_failed : fail [run_attempted]" in arrows
    assert "s_provisioned --> s_configuring : configure" in arrows, "the path from the initial state stays"
    notes = [line.strip() for line in mermaid.splitlines() if line.strip().startswith("note")]
    assert notes == [
        "note right of s_destroyed : destroy leads here from every other state",
        "note right of s_provisioning : provision [not_adopted] leads here also from configured, released, "
        "running, configure_failed, release_failed and run_failed",
        "note right of s_configuring : configure leads here also from released, running, release_failed "
        "and run_failed",
        "note right of s_created : [intact] guards every event but destroy",
    ]


SOURCES = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=9, unique=True)


@settings(max_examples=25)
@given(st.lists(SOURCES, min_size=1, max_size=3), st.integers(0, 6), st.integers(0, 6))
def test_each_transition_is_drawn_once_or_stands_in_one_note(
    shared: list[list[tuple[int, bool]]], boxed: int, taken: int
) -> None:
    row = [State(f"s{number}", initial=not number, final=number == 6) for number in range(7)]
    ways: dict[str, Any] = {"step": Event(reduce(or_, (one.to(two) for one, two in pairwise(row))))}
    for number, sources in enumerate(shared):
        guarded = (
            row[source].to(row[number], cond="is_fit" if guard else None) for source, guard in sources
        )
        ways[f"leap{number}"] = Event(reduce(or_, guarded))
    names = {state.name: state for state in row}
    parts = {**names, **ways, "is_fit": lambda self: True, "phases": {"box": row[:boxed]}}
    chart = type("Leaps", (Chart,), parts)

    picture = compose(chart, path(chart, ["step"] * taken))

    def key(arrow: Arrow) -> tuple[object, ...]:
        return arrow.source, arrow.events, arrow.target

    noted = [arrow for note in picture.notes for arrow in note.arrows]
    assert Counter(map(key, [*picture.arrows, *noted])) == Counter(map(key, picture.whole))
    assert all(len(note.arrows) != 1 for note in picture.notes)
    assert not [arrow for arrow in noted if arrow.taken]
    drawn = {(arrow.source, arrow.target) for arrow in picture.arrows}
    assert {(one.name, two.name) for one, two in pairwise(row)} <= drawn


def test_in_the_lifecycle_each_phase_has_its_states_and_failures_are_those_of_the_enum() -> None:
    assert phases(Lifecycle)["release"] == ("releasing", "released", "release_failed")
    assert {state for members in phases(Lifecycle).values() for state in members} == {
        state for state in EnvironmentState if state not in ("created", "destroyed")
    }
    assert set(failures(Lifecycle)) == {state for state in EnvironmentState if state.is_error}


def test_a_chart_without_anything_to_fold_has_no_notes() -> None:
    class Switch(Chart):
        off = State("off", initial=True)
        on = State("on", final=True)
        turn = Event(off.to(on), name="turn")

    assert "note" not in render(Switch, "mermaid")
    assert "    s_off --> s_on : turn\n" in render(Switch, "mermaid")


def run(script: str, **variables: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout


def test_two_processes_draw_the_same_text() -> None:
    script = (
        "from environments.lifecycle import Lifecycle\n"
        "from statechart.diagram import render\n"
        "padding = [object() for _ in range(hash('x') % 5000)]\n"
        "from statechart.picture import Marks\n"
        "for format in ('mermaid', 'dot', 'md', 'rst', 'json'):\n"
        "    print(render(Lifecycle, format, marks=Marks(current='running')))"
    )

    first, second = (run(script, PYTHONHASHSEED=seed) for seed in ("1", "2"))

    assert first == second
    assert "stateDiagram-v2" in first
    assert 'digraph "Lifecycle"' in first


def test_drawing_twice_in_a_process_gives_the_same_text() -> None:
    assert render(Lifecycle, "dot") == render(Lifecycle, "dot")


def test_only_png_needs_anything_that_is_not_installed_with_it() -> None:
    script = """
import sys
sys.modules["pydot"] = sys.modules["resvg_py"] = None
from environments.lifecycle import Lifecycle
from statechart.diagram import render
print(*(len(render(Lifecycle, format)) > 1000 for format in ("mermaid", "dot", "svg", "md", "rst")))
"""

    assert run(script, PATH="/nowhere") == "True True True True True\n"


@pytest.fixture
def graphviz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put only a given program `dot` on the path."""

    def make(body: str) -> None:
        program = tmp_path / "dot"
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path))
    return make


@pytest.mark.usefixtures("graphviz")
@pytest.mark.parametrize("format", ["svg", "png"])
def test_the_layout_of_graphviz_says_what_it_needs(format: Literal["svg", "png"]) -> None:
    with pytest.raises(DiagramUnavailable, match=f"{format} in the layout dot needs Graphviz"):
        draw(Lifecycle, format, layout="dot")


def test_png_is_not_text() -> None:
    with pytest.raises(DiagramUnavailable, match="png is not text: write it to a file"):
        render(Lifecycle, "png")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"format": "gif"}, "there is no format 'gif': use mermaid"),
        ({"format": "svg", "layout": "lien"}, "there is no layout 'lien': use auto"),
        ({"format": "png", "theme": "drak"}, "there is no theme 'drak': use auto"),
    ],
)
def test_a_word_that_is_not_known_is_refused(words: Any, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        draw(Job, **words)


def test_the_layout_dot_is_drawn_by_graphviz(graphviz: Callable[[str], None]) -> None:
    graphviz('echo "<svg $1>"; /bin/cat; echo "</svg>"')

    svg, upright = (render(Lifecycle, "svg", layout="dot", upright=upright) for upright in (False, True))

    assert svg == f"<svg -Tsvg>\n{render(Lifecycle, 'dot')}</svg>\n"
    assert "rankdir=TB" in upright


def test_an_error_of_graphviz_is_reported(graphviz: Callable[[str], None]) -> None:
    graphviz("echo 'out of ink' >&2; exit 3")

    with pytest.raises(DiagramUnavailable, match=r"(?s)Graphviz could not draw the chart: .*out of ink"):
        render(Lifecycle, "svg", layout="dot")


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz (the package graphviz) is not there")
def test_graphviz_itself_draws_every_state() -> None:
    drawn = render(Lifecycle, "svg", layout="dot", marks=Marks(current="running"))

    assert draw(Lifecycle, "png", layout="dot").startswith(b"\x89PNG")
    assert drawn.lstrip().startswith("<?xml")
    assert [state for state in states(Lifecycle) if f">{state}</text>" not in drawn] == []


def test_an_svg_follows_the_theme_of_its_reader_or_has_one() -> None:
    auto, light, dark = (render(Job, "svg", theme=theme) for theme in ("auto", "light", "dark"))

    assert "prefers-color-scheme:dark" in auto
    assert light != dark
    assert "var(--" not in light + dark
    assert [name for name in ("queued", "working", "paused") if f">{name}</text>" not in auto] == []


def size(png: bytes) -> tuple[int, int]:
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


def test_a_png_is_twice_the_size_of_the_svg_in_light_colours() -> None:
    width, height = map(float, re.findall(r' (?:width|height)="([\d.]+)"', render(Job, "svg"))[:2])
    light, dark = draw(Job, "png"), draw(Job, "png", theme="dark")

    assert size(light) == pytest.approx((2 * width, 2 * height), abs=2)
    assert light == draw(Job, "png", theme="light")
    assert light != dark


def test_a_png_without_its_package_or_without_a_font_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "resvg_py", None)
        with pytest.raises(DiagramUnavailable, match=r"pip install 'envchart\[png\]'; or use --layout dot"):
            draw(Job, "png")
    monkeypatch.setattr(png, "_FAMILIES", ("No Such Font",))
    png._family.cache_clear()
    with pytest.raises(DiagramUnavailable, match="png needs a font, and none is installed"):
        draw(Job, "png")
