"""DOT: a picture in Graphviz's language, with a box around each phase."""

from __future__ import annotations

from collections.abc import Iterator

from statemachine.contrib.diagram.graphviz import GraphvizError, GraphvizNotFoundError, run_graphviz

from statechart.errors import DiagramUnavailable
from statechart.formats import escapes
from statechart.formats.colours import COLOURS
from statechart.graph import breadth_first
from statechart.picture import Arrow, Node, Picture, identifiers

_HEAD = """\
    rankdir={direction}; nodesep=0.3; ranksep=0.45; fontname="Helvetica"; labelloc=b;
    node [shape=box, style="rounded,filled", fillcolor=white, fontname="Helvetica", fontsize=12];
    edge [fontname="Helvetica", fontsize=10, arrowsize=0.8];
"""


# Written here because python-statemachine's renderer needs pydot, puts states of different phases into one
# box, and names its clusters by memory addresses, so that two runs differ.
def dot(picture: Picture, *, upright: bool = False) -> str:
    """Return the picture in DOT. The same picture gives the same text."""
    names = {node.id: node.name for node in picture.nodes}
    lines = [picture.name, *(f"{names[note.state]}: {note.spelled(str)}" for note in picture.notes)]
    return (
        f"digraph {_quoted(*identifiers([picture.name]))} {{\n    label={_quoted(*lines)};\n"
        + _HEAD.format(direction="TB" if upright else "LR")
        + "".join(f"    {line}\n" for line in _body(picture))
        + "}\n"
    )


def _body(picture: Picture) -> Iterator[str]:
    by_id = {node.id: node for node in picture.nodes}
    boxed = {member: phase for phase, members in picture.boxes.items() for member in members}
    yield '"[*]" [shape=circle, style=filled, fillcolor=black, label="", width=0.15];'
    for box, (phase, members) in zip(identifiers(picture.boxes), picture.boxes.items(), strict=True):
        yield f"subgraph {_quoted('cluster_phase_' + box)} {{"
        yield f'    label={_quoted(phase)}; style="rounded"; color="#9e9e9e"; labelloc=t; fontsize=12;'
        yield from (f"    {_node(by_id[member], picture)}" for member in members)
        yield "}"
    yield from (_node(node, picture) for node in picture.nodes if node.id not in boxed)
    yield from (f'"[*]" -> {_quoted(node.id)};' for node in picture.nodes if node.initial)
    depths = _depths(picture)
    for arrow in picture.arrows:
        between = boxed.get(arrow.source) != boxed.get(arrow.target)
        back = between and depths.get(arrow.target, 0) < depths.get(arrow.source, 0)
        yield _edge(arrow, back=back)
    # Graphviz would place a final state first if only notes lead there: an invisible edge puts it last.
    led_to = {arrow.target for arrow in picture.arrows}
    last = picture.arrows[-1].source if picture.arrows else None
    for node in picture.nodes:
        if node.final and node.id not in led_to and last is not None:
            yield f"{_quoted(last)} -> {_quoted(node.id)} [style=invis];"


def _node(node: Node, picture: Picture) -> str:
    attributes = [] if node.name == node.id else [f"label={_quoted(node.name)}"]
    if node.final:
        attributes.append("peripheries=2")
    if node.id in picture.classes:
        kind = picture.classes[node.id]
        fill, line = COLOURS[kind]
        width = 2 if kind in ("current", "failed") else 1
        attributes.append(f'fillcolor="{fill}", color="{line}", penwidth={width}')
    shown = f" [{', '.join(attributes)}]" if attributes else ""
    return f"{_quoted(node.id)}{shown};"


def _depths(picture: Picture) -> dict[str, int]:
    """Return how many transitions lead to each state at least, for the states that can be reached."""
    leaving: dict[str, list[tuple[Arrow, str]]] = {}
    for arrow in picture.arrows:
        leaving.setdefault(arrow.source, []).append((arrow, arrow.target))
    initial = next(node.id for node in picture.nodes if node.initial)
    return {state: len(path) for state, path in breadth_first(initial, lambda here: leaving.get(here, ()))}


_EDGES = {
    "taken": ("visited", ""),
    "failed": ("failed", ""),
    "missed": ("missed", ", style=dashed"),
    "untested": ("missed", ', style="dashed,bold"'),
    "unseen": ("visited", ", style=dotted"),
}
"""The class of colours and the style of each kind of transitions."""


def _edge(arrow: Arrow, *, back: bool) -> str:
    guards = [f"[{', '.join(arrow.guards)}]"] if arrow.guards else []
    mark = ""
    if arrow.kind in _EDGES:
        kind, style = _EDGES[arrow.kind]
        mark = f', color="{COLOURS[kind][1]}", penwidth=2{style}'
    # A way back must not place a box before, or below, the boxes that lead to it.
    rank = ", constraint=false" if back else ""
    way = f"{_quoted(arrow.source)} -> {_quoted(arrow.target)}"
    return f"{way} [label={_quoted(arrow.spelled(str), *guards)}{rank}{mark}];"


def _quoted(*lines: str) -> str:
    """Return lines as a quoted label, or a quoted identifier."""
    return '"' + "\\n".join(map(escapes.dot, lines)) + '"'


def graphviz(source: str, format: str) -> bytes:
    """Run Graphviz on DOT, and return the image.

    Raises:
        DiagramUnavailable: Graphviz is not installed, or refuses the input.
    """
    try:
        return run_graphviz(source, format)
    except GraphvizNotFoundError as error:
        raise DiagramUnavailable(
            f"{format} in the layout dot needs Graphviz's program dot: install the package graphviz "
            "(apt-get, dnf or brew install graphviz), or leave out --layout dot"
        ) from error
    except GraphvizError as error:
        raise DiagramUnavailable(f"Graphviz could not draw the chart: {error}") from error
