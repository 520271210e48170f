"""Diagrams: the same every time, with the state marked, and honest about what they need."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from environments.lifecycle import Lifecycle
from statechart import Chart, Event, State
from statechart.diagram import FORMATS, DiagramUnavailable, render
from statechart.errors import UnknownState
from statechart.graph import states


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

    def __init__(self) -> None:
        raise AssertionError("a diagram needs no machine")

    @staticmethod
    def is_mine() -> bool:
        return True

    @staticmethod
    def is_calm() -> bool:
        return True


def test_a_chart_as_mermaid() -> None:
    assert render(Job, "mermaid", current="W") == (
        "stateDiagram-v2\n"
        "    direction LR\n"
        "    [*] --> queued\n"
        "    gone --> [*]\n"
        "    queued --> working : begin\n"
        "    working --> paused : pause [is_calm]\n"
        "    working --> stuck : jam\n"
        "    paused --> stuck : jam\n"
        "\n"
        "    classDef active fill:#40E0D0,stroke:#333\n"
        "    working:::active\n"
        "    note right of gone : take away leads here from every other state\n"
        "    note right of queued : [is_mine] guards every event but take away\n"
    )


def test_a_chart_as_a_table_leaves_nothing_out() -> None:
    table = render(Job, "md")

    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    assert rows[0] == ["State", "Event", "Guard", "Target"]
    assert ["working", "pause", "is_mine, is_calm", "paused"] in rows
    assert [row[0] for row in rows if row[1] == "take away"] == ["queued", "working", "paused", "stuck"]
    assert len(rows) == 2 + 8


def test_a_chart_as_dot() -> None:
    dot = render(Job, "dot", current="W")

    assert dot.startswith("digraph Job {")
    assert "gone: take away leads here from every other state" in dot
    assert "queued: [is_mine] guards every event but take away" in dot
    assert [line.split()[0] for line in dot.splitlines() if "#40E0D0" in line] == ["working"]


def test_a_state_is_marked_in_another_colour_where_it_failed() -> None:
    assert "fill:#FF8A80" in render(Job, "mermaid", failed="S")
    assert "stuck:::active" in render(Job, "mermaid", failed="S")
    assert [
        line.split()[0] for line in render(Job, "dot", failed="S").splitlines() if "#FF8A80" in line
    ] == ["stuck"]


def test_without_a_state_nothing_is_marked() -> None:
    assert "active" not in render(Job, "mermaid")
    assert "#40E0D0" not in render(Job, "dot")
    assert render(Job, "md").startswith("| State")


@pytest.mark.parametrize(
    ("marks", "said"),
    [({"current": "W"}, "Now in state **W**."), ({"failed": "S"}, "Now in state **S** (failed).")],
)
def test_a_table_says_the_state_above_it(marks: dict[str, str], said: str) -> None:
    first, blank, table = render(Job, "md", **marks).split("\n", 2)

    assert (first, blank, table) == (said, "", render(Job, "md"))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("mark", ["current", "failed"])
def test_a_state_that_is_not_there_cannot_be_marked(format: str, mark: str) -> None:
    with pytest.raises(UnknownState, match="Lifecycle has no state 'runing': did you mean 'running'"):
        render(Lifecycle, format, **{mark: "runing"})  # type: ignore[arg-type]


def test_in_the_lifecycle_destroy_and_the_shared_guard_are_folded_into_notes() -> None:
    mermaid = render(Lifecycle, "mermaid", failed="run_failed")

    arrows = [line for line in mermaid.splitlines() if "-->" in line and "[*]" not in line]
    assert len(arrows) == 21
    assert not [arrow for arrow in arrows if "destroy" in arrow or "intact" in arrow]
    assert "    run_failed --> run_failed : fail [run_attempted]" in arrows
    assert "    note right of destroyed : destroy leads here from every other state\n" in mermaid
    assert "    note right of created : [intact] guards every event but destroy\n" in mermaid


def test_a_chart_without_anything_to_fold_has_no_notes() -> None:
    class Switch(Chart):
        off = State("off", initial=True)
        on = State("on", final=True)
        turn = Event(off.to(on), name="turn")

    assert "note" not in render(Switch, "mermaid")
    assert "    off --> on : turn\n" in render(Switch, "mermaid")


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
        "for format in ('mermaid', 'dot', 'md'): print(render(Lifecycle, format, current='running'))"
    )

    first, second = (run(script, PYTHONHASHSEED=seed) for seed in ("1", "2"))

    assert first == second
    assert "stateDiagram-v2" in first
    assert "digraph Lifecycle" in first


def test_drawing_twice_in_a_process_gives_the_same_text() -> None:
    assert render(Lifecycle, "dot") == render(Lifecycle, "dot")


@pytest.mark.parametrize("format", ["dot", "svg"])
def test_dot_and_svg_say_that_they_need_pydot(format: str) -> None:
    script = f"""
import sys
sys.modules["pydot"] = None
from environments.lifecycle import Lifecycle
from statechart.diagram import DiagramUnavailable, render
render(Lifecycle, "mermaid"), render(Lifecycle, "md")
try:
    render(Lifecycle, "{format}")
except DiagramUnavailable as error:
    print(error)
"""

    assert run(script) == "dot and svg need pydot: pip install 'envchart[diagram]'\n"


@pytest.fixture
def graphviz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes the path hold nothing but a program `dot` that does what it is told."""

    def make(body: str) -> None:
        program = tmp_path / "dot"
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path))
    return make


@pytest.mark.usefixtures("graphviz")
def test_svg_says_that_it_needs_graphviz() -> None:
    with pytest.raises(DiagramUnavailable, match="svg needs Graphviz's program dot: install the package"):
        render(Lifecycle, "svg")


def test_svg_is_what_graphviz_makes_of_dot(graphviz: Callable[[str], None]) -> None:
    graphviz('echo "<svg $1>"; /bin/cat; echo "</svg>"')

    svg = render(Lifecycle, "svg")

    assert svg == f"<svg -Tsvg>\n{render(Lifecycle, 'dot')}</svg>\n"


def test_svg_says_what_graphviz_complained_of(graphviz: Callable[[str], None]) -> None:
    graphviz("echo 'out of ink' >&2; exit 3")

    with pytest.raises(DiagramUnavailable, match=r"(?s)Graphviz could not draw the chart: .*out of ink"):
        render(Lifecycle, "svg")


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz (the package graphviz) is not there")
def test_graphviz_itself_draws_every_state() -> None:
    drawn = render(Lifecycle, "svg", current="running")

    assert drawn.lstrip().startswith("<?xml")
    assert [state for state in states(Lifecycle) if f">{state}</text>" not in drawn] == []
