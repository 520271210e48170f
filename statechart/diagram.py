"""Diagram: a chart as Mermaid, DOT, SVG, PNG, a Markdown or reStructuredText table, or JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from statechart.dot import COLOURS, dot
from statechart.errors import DiagramUnavailable
from statechart.graph import edges, events, failures, guard_reason, phases
from statechart.picture import Marks, Picture, compose, grouped

if TYPE_CHECKING:
    from statemachine.contrib.diagram.model import DiagramGraph, DiagramState

    from statechart.graph import AnyChart

Format: TypeAlias = Literal["mermaid", "dot", "svg", "png", "md", "rst", "json"]
FORMATS: tuple[str, ...] = get_args(Format)

_MERMAID_WORDS = frozenset(
    "as class classdef click default direction end hide note scale state style".split(" ")  # noqa: SIM905
)
_MERMAID_MARKS = frozenset('#:;{}<>"\n')


def render(chart: AnyChart, format: Format, *, marks: Marks | None = None) -> str:
    """Draw a chart, with what `marks` points out.

    The same chart gives the same text. To keep the picture readable, an event that leads to one
    state from everywhere becomes a note there, and so does a guard that all other transitions share.
    Tables and JSON leave nothing out.

    Raises:
        UnknownState: The chart has no state that was to be marked.
        DiagramUnavailable: `svg` needs Graphviz; `png` is not text: see `draw`.
    """
    if format == "png":
        raise DiagramUnavailable("png is not text: write it to a file")
    return draw(chart, format, marks=marks).decode()


def draw(chart: AnyChart, format: Format, *, marks: Marks | None = None) -> bytes:
    """Draw a chart as bytes: UTF-8 for all formats but `png`.

    Raises:
        UnknownState: The chart has no state that was to be marked.
        DiagramUnavailable: `svg` and `png` need Graphviz.
    """
    marks = marks or Marks()
    picture = compose(chart, marks)
    if format in ("svg", "png"):
        return graphviz(dot(picture), format)
    if format == "json":
        return _json(chart, marks).encode()
    if format in ("md", "rst"):
        return _table(picture, marks, format).encode()
    return (mermaid(picture) if format == "mermaid" else dot(picture)).encode()


def mermaid(picture: Picture) -> str:
    """Return a picture in Mermaid."""
    from statemachine.contrib.diagram.renderers.mermaid import MermaidRenderer, MermaidRendererConfig

    # Boxes side by side would be wider than a page, and its text too small to read.
    direction = MermaidRendererConfig(direction="TB" if picture.boxes else "LR")
    text = MermaidRenderer(direction).render(_spelled(grouped(picture)))
    lines = [f"note right of {_word(note.state)} : {_plain(note.text)}" for note in picture.notes]
    for kind, (fill, line) in COLOURS.items():
        members = [_word(state) for state, shown in picture.classes.items() if shown == kind]
        if members:
            width = ",stroke-width:3px" if kind in ("current", "failed") else ""
            lines.append(f"classDef {kind} fill:{fill},stroke:{line},color:#000{width}")
            lines.append(f"class {','.join(members)} {kind}")
    return text + "".join(f"    {line}\n" for line in lines)


def _spelled(graph: DiagramGraph) -> DiagramGraph:
    """Return a graph with all its texts written as Mermaid takes them."""
    transitions = [
        replace(
            edge,
            source=_word(edge.source),
            targets=[_word(target) for target in edge.targets],
            event=_plain(edge.event),
            guards=[_plain(guard) for guard in edge.guards],
        )
        for edge in graph.transitions
    ]
    return replace(graph, states=[_spelled_state(state) for state in graph.states], transitions=transitions)


def _spelled_state(state: DiagramState) -> DiagramState:
    children = [_spelled_state(child) for child in state.children]
    return replace(state, id=_word(state.id), name=_plain(state.name), children=children)


def _word(name: str) -> str:
    """Return an identifier that is none of Mermaid's own words."""
    return f"{name}_" if name.lower() in _MERMAID_WORDS else name


def _plain(text: str) -> str:
    """Write as entities what Mermaid would not take for text."""
    return "".join(f"#{ord(letter)};" if letter in _MERMAID_MARKS else letter for letter in text)


def _table(picture: Picture, marks: Marks, format: Literal["md", "rst"]) -> str:
    from statemachine.contrib.diagram.renderers.table import TransitionTableRenderer

    rows = [
        replace(
            edge,
            event=_escaped(edge.event, format),
            guards=[_escaped(guard, format) for guard in edge.guards],
        )
        for edge in picture.whole.transitions
    ]
    table: str = TransitionTableRenderer().render(replace(picture.whole, transitions=rows), format)
    if marks.current is None:
        return table
    remark = f": {marks.remark}" if marks.remark else "."
    return f"Now in state **{marks.current}**{' (failed)' if marks.failed else ''}{remark}\n\n{table}"


def _escaped(text: str, format: Literal["md", "rst"]) -> str:
    """Write out what would end a table's cell."""
    return text.replace("|", "\\|") if format == "md" else text


def _json(chart: AnyChart, marks: Marks) -> str:
    home = {member: phase for phase, members in phases(chart).items() for member in members}
    guards = sorted({guard for edge in edges(chart) for guard in edge.guards})
    document = {
        "chart": chart.__name__,
        "states": [
            {
                "name": str(state.value),
                "initial": state.initial,
                "final": state.final,
                "failure": str(state.value) in failures(chart),
                "phase": home.get(str(state.value)),
            }
            for state in chart.states
        ],
        "events": list(events(chart)),
        "guards": {guard: guard_reason(chart, guard) for guard in guards},
        "transitions": [
            {
                "event": edge.event,
                "source": edge.source,
                "target": edge.target,
                "guards": list(edge.guards),
            }
            for edge in edges(chart)
        ],
        "marks": {
            "current": marks.current,
            "failed": marks.failed,
            "remark": marks.remark,
            "visits": [
                {"source": v.source, "event": v.event, "target": v.target, "label": v.label}
                for v in marks.visits
            ],
        },
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def graphviz(source: str, format: str) -> bytes:
    """Return what Graphviz makes of DOT.

    Raises:
        DiagramUnavailable: It is not installed, or refuses.
    """
    from statemachine.contrib.diagram.graphviz import GraphvizError, GraphvizNotFoundError, run_graphviz

    try:
        return run_graphviz(source, format)
    except GraphvizNotFoundError as error:
        raise DiagramUnavailable(
            f"{format} needs Graphviz's program dot: install the package graphviz (apt-get, dnf or brew "
            "install graphviz), or use --format mermaid"
        ) from error
    except GraphvizError as error:
        raise DiagramUnavailable(f"Graphviz could not draw the chart: {error}") from error
