"""Text of states within states: a tree, with the transitions of each state beneath it."""

from __future__ import annotations

from collections.abc import Iterator

from statechart.formats.columns import hanging, text_width
from statechart.picture import Arrow, Node, Picture

SIGNS = {"current": "▶ ", "failed": "✗ ", "around": "▷ ", "visited": "✓ "}
_GUIDES = {"compound": "│", "parallel": "┊"}
_SHAPES = {"shallow": "(H) ", "deep": "(H*) "}
_KINDS = {"final": " (final)", "parallel": " (parallel)"}
_LEAST = 24  # columns of a list, however deep its state is


def tree(picture: Picture, width: int) -> list[str]:
    """Return the states of a picture as a tree.

    A compound state has a line along the states within it, and a parallel state a broken line along its
    regions. The sign ● is before a state that is entered first.
    """
    homes = {member: phase for phase, members in picture.boxes.items() for member in members}
    lines = []
    for phase in (*picture.boxes, None):
        inside = [node for node in picture.within() if homes.get(node.id) == phase]
        if homes and inside:
            lines.append("Other states" if phase is None else phase)
        lines += [line for node in inside for line in _lines(node, picture, "  " if homes else "", width)]
    return lines


def _lines(node: Node, picture: Picture, prefix: str, width: int) -> Iterator[str]:
    start = "● " if node.initial else "  "
    failure = " (failure)" if node.failure else ""
    sign = SIGNS.get(picture.classes.get(node.id, ""), "")
    kind = _KINDS.get(node.kind, "")
    yield f"{prefix}{start}{sign}{_SHAPES.get(node.kind, '')}{node.name}{kind}{failure}"
    guide = _GUIDES.get(node.kind, "")
    beneath = f"{prefix}  {guide}"
    indent = f"{beneath}   " if guide else f"{prefix}      "
    ways = [_way(arrow, picture) for arrow in picture.arrows if arrow.source == node.id]
    room = max(width - text_width(indent), _LEAST)
    for words in (*([action] for action in node.actions), *([way] for way in ways)):
        yield from (indent + line for line in hanging("", " ".join(words).split(" "), room, indent=2))
    for child in picture.within(node.id):
        yield from _lines(child, picture, f"{beneath} ", width)


def _way(arrow: Arrow, picture: Picture) -> str:
    if not arrow.targets:
        return arrow.within(str)
    guards = f" [{', '.join(arrow.guards)}]" if arrow.guards else ""
    targets = " + ".join(picture.node(target).name for target in arrow.targets)
    inside = " (internal)" if arrow.reach == "internal" else ""
    return f"{arrow.spelled(str)}{guards} → {targets}{inside}"
