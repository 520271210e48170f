"""Mermaid's own renderer, from the package mermaidx, draws every diagram."""

from __future__ import annotations

import xml.etree.ElementTree as Tree
from functools import cache

import mermaidx
import pytest

from environments.lifecycle import Lifecycle
from environments.model.states import EnvironmentState
from statechart import Chart, Event, State
from statechart.diagram import render
from statechart.picture import Marks, Visit, path

UP = ["provision", "fail", "provision", "complete", "configure", "complete", "release", "complete", "run"]
LIFE = path(Lifecycle, [*UP, "destroy"])
MARKS = {
    "nothing": Marks(),
    "state": Marks(current="running"),
    "path": LIFE,
    "times": Marks(
        current="provisioning", visits=[Visit("created", "provision", "provisioning", "1 at 12:00:01Z")]
    ),
    "remark": Marks(current="run_failed", failed=True, remark='50% <b> "done"; #1: {x} [y] -- \\n é 🚀'),
}


class Odd(Chart):
    """States and events named like Mermaid's keywords."""

    note = State("a: note", initial=True)
    end = State('the "end"')
    direction = State("direction LR")
    click = State()
    style = State()
    default = State()
    scale = State()
    hide = State("<hide>", final=True)
    go = Event(note.to(end, cond="ready and not (late or lost)"), name="go; now")
    stop = Event(end.to(direction) | note.to(direction), name="stop #1")
    on = Event(
        direction.to(click) | click.to(style) | style.to(default) | default.to(scale) | scale.to(hide)
    )

    phases = {"first & last": (note, direction), "50%": (end,)}  # noqa: RUF012

    def ready(self) -> bool:
        return True

    late = lost = ready


@cache  # a drawing takes seconds
def drawn(text: str) -> str:
    """Return all text of a diagram that Mermaid drew."""
    svg = mermaidx.render(text).svg()
    return " ".join(" ".join(part.split()) for part in Tree.fromstring(svg).itertext() if part.strip())


@pytest.mark.parametrize("marks", MARKS.values(), ids=MARKS)
def test_the_lifecycle_is_drawn(marks: Marks) -> None:
    read = drawn(render(Lifecycle, "mermaid", marks=marks))

    assert [state for state in EnvironmentState if state not in read] == []
    assert "destroy leads here from every other state" in read


def test_labels_of_edges_and_notes_are_parsed_as_written() -> None:
    assert "provision (1 at 12:00:01Z)" in drawn(render(Lifecycle, "mermaid", marks=MARKS["times"]))
    assert '50% <b> "done"; #1: {x} [y] --' in drawn(render(Lifecycle, "mermaid", marks=MARKS["remark"]))


def test_a_chart_with_odd_names_is_drawn() -> None:
    read = drawn(render(Odd, "mermaid", marks=Marks(current="end")))

    assert [state.name for state in Odd.states if state.name not in read] == []
    assert "go; now" in read
    assert "stop #1" in read


def test_text_that_is_not_mermaid_is_refused() -> None:
    with pytest.raises(RuntimeError, match="Parse error on line 3"):
        drawn("stateDiagram-v2\n    a --> b\n    b -> -> c\n")
