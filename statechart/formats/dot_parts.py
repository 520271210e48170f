"""The parts of a picture in DOT: quoted texts, states and transitions."""

from __future__ import annotations

from statechart.formats import escapes
from statechart.formats.colours import COLOURS
from statechart.picture import Arrow, Node, Picture


def node_line(node: Node, picture: Picture) -> str:
    """Return the line of a state without states within it."""
    stays = [arrow.within(str) for arrow in picture.arrows if arrow.source == node.id and not arrow.targets]
    attributes = [] if node.name == node.id and not stays else [f"label={quoted(node.name, *stays)}"]
    if node.final:
        attributes.append("peripheries=2")
    if node.id in picture.classes:
        kind = picture.classes[node.id]
        fill, line = COLOURS[kind]
        width = 2 if kind in ("current", "failed") else 1
        attributes.append(f'fillcolor="{fill}", color="{line}", penwidth={width}')
    shown = f" [{', '.join(attributes)}]" if attributes else ""
    return f"{quoted(node.id)}{shown};"


_KINDS = {
    "taken": ("visited", ""),
    "failed": ("failed", ""),
    "missed": ("missed", ", style=dashed"),
    "untested": ("missed", ', style="dashed,bold"'),
    "unseen": ("visited", ", style=dotted"),
}
"""The class of colours and the style of each kind of transitions."""


def edge_line(
    arrow: Arrow,
    *,
    back: bool = False,
    source: str = "",
    target: str = "",
    clip: str = "",
    note: str = "",
    reverse: bool = False,
) -> str:
    """Return the line of a transition.

    Args:
        arrow: The transition.
        back: Whether it leads back, so that it has no part in the order of states.
        source: The node that it begins at, if not at its source.
        target: The node that it ends at, if not at its target.
        clip: Attributes that end it at the boxes around these nodes.
        note: A line of its label.
        reverse: Whether its ends are written the other way around, which puts the target first.
    """
    more = [f"[{', '.join(arrow.guards)}]"] if arrow.guards else []
    more += [note] if note else []
    mark = ""
    if arrow.kind in _KINDS:
        kind, style = _KINDS[arrow.kind]
        mark = f', color="{COLOURS[kind][1]}", penwidth=2{style}'
    # A way back must not place a box before, or below, the boxes that lead to it.
    rank = ", constraint=false" if back else ""
    ends = [quoted(source or arrow.source), quoted(target or arrow.target)]
    if reverse:
        ends.reverse()
        clip = f", dir=back{clip}"
    way = " -> ".join(ends)
    return f"{way} [label={quoted(arrow.spelled(str), *more)}{rank}{mark}{clip}];"


def quoted(*lines: str) -> str:
    """Return lines as a quoted label, or a quoted identifier."""
    return '"' + "\\n".join(map(escapes.dot, lines)) + '"'
