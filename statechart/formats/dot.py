"""DOT: a picture in Graphviz's language, with a box around each phase."""

from __future__ import annotations

from collections.abc import Iterator

from statemachine.contrib.diagram.graphviz import GraphvizError, GraphvizNotFoundError, run_graphviz

from statechart.errors import DiagramUnavailable
from statechart.formats.dot_nested import nested_body
from statechart.formats.dot_parts import edge_line, node_line, quoted
from statechart.graph import breadth_first
from statechart.picture import Arrow, Picture, identifiers

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
    body = nested_body(picture) if picture.is_nested else _body(picture)
    return (
        f"digraph {quoted(*identifiers([picture.name]))} {{\n    label={quoted(*lines)};\n"
        + _HEAD.format(direction="TB" if upright else "LR")
        + "".join(f"    {line}\n" for line in body)
        + "}\n"
    )


def _body(picture: Picture) -> Iterator[str]:
    by_id = {node.id: node for node in picture.nodes}
    boxed = {member: phase for phase, members in picture.boxes.items() for member in members}
    yield '"[*]" [shape=circle, style=filled, fillcolor=black, label="", width=0.15];'
    for box, (phase, members) in zip(identifiers(picture.boxes), picture.boxes.items(), strict=True):
        yield f"subgraph {quoted('cluster_phase_' + box)} {{"
        yield f'    label={quoted(phase)}; style="rounded"; color="#9e9e9e"; labelloc=t; fontsize=12;'
        yield from (f"    {node_line(by_id[member], picture)}" for member in members)
        yield "}"
    yield from (node_line(node, picture) for node in picture.nodes if node.id not in boxed)
    yield from (f'"[*]" -> {quoted(node.id)};' for node in picture.nodes if node.initial)
    depths = _depths(picture)
    for arrow in (arrow for arrow in picture.arrows if arrow.targets):
        between = boxed.get(arrow.source) != boxed.get(arrow.target)
        back = between and depths.get(arrow.target, 0) < depths.get(arrow.source, 0)
        yield edge_line(arrow, back=back)
    # Graphviz would place a final state first if only notes lead there: an invisible edge puts it last.
    led_to = {arrow.target for arrow in picture.arrows}
    last = picture.arrows[-1].source if picture.arrows else None
    for node in picture.nodes:
        if node.final and node.id not in led_to and last is not None:
            yield f"{quoted(last)} -> {quoted(node.id)} [style=invis];"


def _depths(picture: Picture) -> dict[str, int]:
    """Return how many transitions lead to each state at least, for the states that can be reached."""
    leaving: dict[str, list[tuple[Arrow, str]]] = {}
    for arrow in picture.arrows:
        leaving.setdefault(arrow.source, []).append((arrow, arrow.target))
    initial = next(node.id for node in picture.nodes if node.initial)
    return {state: len(path) for state, path in breadth_first(initial, lambda here: leaving.get(here, ()))}


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
