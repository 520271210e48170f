"""DOT: a picture in Graphviz's language, with a box around each phase."""

from __future__ import annotations

from collections.abc import Iterator

from statemachine.contrib.diagram.graphviz import GraphvizError, GraphvizNotFoundError, run_graphviz
from statemachine.contrib.diagram.model import DiagramState, DiagramTransition, StateType

from statechart.errors import DiagramUnavailable
from statechart.formats.colours import COLOURS
from statechart.picture import Picture, box_id

_HEAD = """\
    rankdir=LR; nodesep=0.3; ranksep=0.45; fontname="Helvetica"; labelloc=b;
    node [shape=box, style="rounded,filled", fillcolor=white, fontname="Helvetica", fontsize=12];
    edge [fontname="Helvetica", fontsize=10, arrowsize=0.8];
"""


# Written here because python-statemachine's renderer needs pydot, puts states of different phases into one
# box, and names its clusters by memory addresses, so that two runs differ.
def dot(picture: Picture) -> str:
    """Return the picture in DOT. The same picture gives the same text."""
    label = "\\n".join((picture.graph.name, *(f"{note.state}: {note.text}" for note in picture.notes)))
    return (
        f"digraph {_quoted(picture.graph.name)} {{\n    label={_quoted(label)};\n{_HEAD}"
        + "".join(f"    {line}\n" for line in _body(picture))
        + "}\n"
    )


def _body(picture: Picture) -> Iterator[str]:
    by_id = {state.id: state for state in picture.graph.states}
    boxed = {member for members in picture.boxes.values() for member in members}
    yield '"[*]" [shape=circle, style=filled, fillcolor=black, label="", width=0.15];'
    for phase, members in picture.boxes.items():
        yield f"subgraph {_quoted('cluster_' + box_id(phase))} {{"
        yield f'    label={_quoted(phase)}; style="rounded"; color="#9e9e9e"; labelloc=t; fontsize=12;'
        yield from (f"    {_node(by_id[member], picture)}" for member in members)
        yield "}"
    yield from (_node(state, picture) for state in picture.graph.states if state.id not in boxed)
    yield from (f'"[*]" -> {_quoted(state.id)};' for state in picture.graph.states if state.is_initial)
    for index, edge in enumerate(picture.graph.transitions):
        missed = "failed" if index in picture.missed else None
        yield _edge(edge, "visited" if index in picture.visited else missed)
    # Graphviz would place a final state first if only notes lead there: an invisible edge puts it last.
    led_to = {target for edge in picture.graph.transitions for target in edge.targets}
    last = picture.graph.transitions[-1].source if picture.graph.transitions else None
    for state in picture.graph.states:
        if state.type is StateType.FINAL and state.id not in led_to and last is not None:
            yield f"{_quoted(last)} -> {_quoted(state.id)} [style=invis];"


def _node(state: DiagramState, picture: Picture) -> str:
    attributes = [] if state.name == state.id else [f"label={_quoted(state.name)}"]
    if state.type.value == "final":
        attributes.append("peripheries=2")
    if state.id in picture.classes:
        kind = picture.classes[state.id]
        fill, line = COLOURS[kind]
        width = 2 if kind in ("current", "failed") else 1
        attributes.append(f'fillcolor="{fill}", color="{line}", penwidth={width}')
    shown = f" [{', '.join(attributes)}]" if attributes else ""
    return f"{_quoted(state.id)}{shown};"


def _edge(edge: DiagramTransition, kind: str | None) -> str:
    guards = f"\\n[{', '.join(edge.guards)}]" if edge.guards else ""
    mark = f', color="{COLOURS[kind][1]}", penwidth=2' if kind is not None else ""
    way = f"{_quoted(edge.source)} -> {_quoted(edge.targets[0])}"
    return f"{way} [label={_quoted(edge.event + guards)}{mark}];"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("\\\\n", "\\n").replace('"', '\\"')
    return f'"{escaped}"'


def graphviz(source: str, format: str) -> bytes:
    """Run Graphviz on DOT, and return the image.

    Raises:
        DiagramUnavailable: Graphviz is not installed, or refuses the input.
    """
    try:
        return run_graphviz(source, format)
    except GraphvizNotFoundError as error:
        raise DiagramUnavailable(
            f"{format} needs Graphviz's program dot: install the package graphviz (apt-get, dnf or brew "
            "install graphviz), or use --format mermaid"
        ) from error
    except GraphvizError as error:
        raise DiagramUnavailable(f"Graphviz could not draw the chart: {error}") from error
