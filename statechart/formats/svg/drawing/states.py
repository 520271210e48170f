"""The states of a picture, written as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from statechart.formats.svg.drawing.shapes import RADIUS, numeral, rectangle, written
from statechart.formats.svg.geometry import Box, Point
from statechart.formats.svg.metrics import EVENT_SIZE, NAME_SIZE, SMALL_SIZE
from statechart.formats.svg.texts import row
from statechart.picture import Node, Picture

RING = 4.0
"""How far the ring around a current state is from its box."""

RINGED = ("current", "failed")
"""The classes of states with a ring."""

_INNER = 3.5
_TITLE = 12.0, 5.0
_KINDS = {
    "compound": "compound state",
    "parallel": "parallel state",
    "shallow": "shallow history",
    "deep": "deep history",
}


def state(box: Box, node: Node, picture: Picture) -> str:
    """Return a state without states within it."""
    shown = picture.classes.get(node.id, "")
    classes = ["state", shown] if shown else ["state"]
    if node.failure and shown != "failure":
        classes.append("failure")
    parts = [f'<g class="{" ".join(classes)}"><title>{escape(_said(node, shown, picture))}</title>']
    radius = min(box.height / 2, 20.0) if node.final else RADIUS
    if shown in RINGED:
        parts.append(rectangle(box, "ring", RING, radius))
    parts.append(rectangle(box, "box", 0.0, radius))
    if node.final:
        parts.append(rectangle(box, "inner", -_INNER, radius))
    return "".join([*parts, *_inscription(box), "</g>"])


def frame(box: Box, node: Node, picture: Picture) -> str:
    """Return a state around others, with its title."""
    shown = picture.classes.get(node.id, "")
    x, y = box.x + _TITLE[0], box.y + _TITLE[1]
    parts = [
        f'<g class="{" ".join(_framed(node, shown, picture))}">'
        f"<title>{escape(_said(node, shown, picture))}</title>",
        rectangle(box, "box", 0.0, RADIUS),
    ]
    for lines, name, size in ((box.lines, "name", NAME_SIZE), (box.small, "small", SMALL_SIZE)):
        for text in lines:
            parts.append(written(text, x, y, size, name, "start"))
            y += row(size)
    return "".join([*parts, "</g>"])


def _framed(node: Node, shown: str, picture: Picture) -> Iterator[str]:
    """Yield the classes of a state around others."""
    yield "frame"
    kinds = {each.id: each.kind for each in picture.nodes}
    around = picture.around(node.id)
    if around and kinds[around[0]] == "parallel":
        yield "region"
        if any(node.id in (arrow.source, *arrow.targets) for arrow in picture.arrows):
            yield "tied"
    elif sum(kinds[each] == "parallel" or not _is_region(each, picture) for each in around) % 2:
        yield "odd"
    if shown:
        yield shown
    if node.failure and shown != "failure":
        yield "failure"


def _is_region(state: str, picture: Picture) -> bool:
    around = picture.around(state)
    return bool(around) and any(node.id == around[0] and node.kind == "parallel" for node in picture.nodes)


def history(box: Box, node: Node, picture: Picture) -> str:
    """Return a history state: a circle with H, or H* if it is deep."""
    shown = picture.classes.get(node.id, "")
    classes = ["state", "history", *([shown] if shown else [])]
    x, y, radius = (
        numeral(each) for each in (box.x + box.width / 2, box.y + box.height / 2, box.width / 2)
    )
    text = "H*" if node.kind == "deep" else "H"
    top = box.y + (box.height - row(EVENT_SIZE)) / 2
    return (
        f'<g class="{" ".join(classes)}"><title>{escape(_said(node, shown, picture))}</title>'
        f'<circle class="box" cx="{x}" cy="{y}" r="{radius}"/>'
        f"{written(text, box.x + box.width / 2, top, EVENT_SIZE, 'mark', 'middle')}</g>"
    )


def separator(ends: tuple[Point, Point]) -> str:
    """Return the line between two regions."""
    (x, y), (right, bottom) = ends
    return f'<path class="separator" d="M{numeral(x)},{numeral(y)}L{numeral(right)},{numeral(bottom)}"/>'


def _said(node: Node, shown: str, picture: Picture) -> str:
    names = {each.id: each.name for each in picture.nodes}
    facts = [
        *([_KINDS[node.kind]] if node.kind in _KINDS else []),
        *(["initial state"] if node.initial else []),
        *(["final state"] if node.final else []),
        *(["failure"] if node.failure else []),
        *(
            {"current": ["current"], "failed": ["current, failed"], "around": ["active"]}.get(shown)
            or ([shown] if shown else [])
        ),
        *(f"phase {name}" for name, members in picture.boxes.items() if node.id in members),
        *([f"in {names[node.parent]}"] if node.parent else []),
        *node.actions,
    ]
    return f"{node.name}: {', '.join(facts)}" if facts else node.name


def _inscription(box: Box) -> Iterator[str]:
    high = len(box.lines) * row(NAME_SIZE) + len(box.small) * row(SMALL_SIZE)
    y = box.y + (box.height - high) / 2
    x = box.x + box.width / 2
    for lines, name, size in ((box.lines, "name", NAME_SIZE), (box.small, "small", SMALL_SIZE)):
        for text in lines:
            yield written(text, x, y, size, name, "middle")
            y += row(size)
