"""A plan, written as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape

from statechart.formats.svg.geometry import Band, Box, Label, Plan, Point, Wire
from statechart.formats.svg.metrics import BADGE_SIZE, EVENT_SIZE, NAME_SIZE, SMALL_SIZE, text_width
from statechart.formats.svg.style import Theme, style
from statechart.formats.svg.texts import BADGE_GAP, BADGE_HEIGHT, badge_width, row, whole_label
from statechart.picture import Arrow, Node, Picture

KINDS = ("plain", "taken", "failed", "missed", "untested", "unseen")
_RADIUS = 10.0
_RING = 4.0
_RINGED = ("current", "failed")
_INNER = 3.5
_DOT = 4.5
_TIP = "M0,.6 8,4 0,7.4z"


def drawn(picture: Picture, plan: Plan, theme: Theme | None, prefix: str) -> str:
    """Return a picture as SVG, with its rules inside if there is a theme."""
    return "".join(_parts(picture, plan, theme, prefix))


def _parts(picture: Picture, plan: Plan, theme: Theme | None, prefix: str) -> Iterator[str]:
    width, height = _number(plan.width), _number(plan.height)
    title, described = (f"{prefix}{name}" for name in ("title", "description"))
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-labelledby="{title} {described}">'
        f'<title id="{title}">{escape(picture.name)}</title>'
        f'<desc id="{described}">{escape(picture.described())}</desc>'
    )
    if theme is not None:
        yield f"<style>{style(theme)}</style>"
    yield f"<defs>{''.join(_marker(kind, prefix) for kind in _kinds(picture))}</defs>"
    yield f'<rect class="ground" width="{width}" height="{height}" rx="12"/>'
    yield from map(_band, plan.bands)
    # The taken way lies above the other wires, and labels above all wires.
    ringed = next((box for box in plan.boxes if picture.classes.get(box.state) in _RINGED), None)
    for wire in sorted(plan.wires, key=lambda wire: _rank(wire, picture)):
        yield _wire(_outside_of_ring(wire, ringed), picture, prefix)
    nodes = {node.id: node for node in picture.nodes}
    yield from (_state(box, nodes[box.state], picture) for box in plan.boxes)
    yield from (_label(label, picture) for label in plan.labels)
    yield "</svg>\n"


def _kinds(picture: Picture) -> list[str]:
    used = {arrow.kind for arrow in picture.arrows}
    return [kind for kind in KINDS if kind == "plain" or kind in used]


def _marker(kind: str, prefix: str) -> str:
    return (
        f'<marker id="{prefix}tip-{kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        f'markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
        f'<path class="tip {kind}" d="{_TIP}"/></marker>'
    )


def _rank(wire: Wire, picture: Picture) -> int:
    return 0 if wire.arrow is None else KINDS.index(picture.arrows[wire.arrow].kind)


def _band(band: Band) -> str:
    place = f'x="{_number(band.x)}" y="{_number(band.y)}"'
    size = f'width="{_number(band.width)}" height="{_number(band.height)}"'
    return f'<rect class="band" {place} {size} rx="10"/>'


def _wire(wire: Wire, picture: Picture, prefix: str) -> str:
    path = _curves(wire.points) if wire.curved else _rounded(wire.points)
    if wire.arrow is None:
        if wire.note:
            return f'<path class="wire everywhere" d="{path}" marker-end="url(#{prefix}tip-plain)"/>'
        x, y = wire.points[0]
        dot = f'<circle class="start" cx="{_number(x)}" cy="{_number(y)}" r="{_DOT}"/>'
        return f'{dot}<path class="wire" d="{path}" marker-end="url(#{prefix}tip-plain)"/>'
    arrow = picture.arrows[wire.arrow]
    return (
        f'<path class="wire {arrow.kind}" d="{path}" marker-end="url(#{prefix}tip-{arrow.kind})">'
        f"<title>{escape(_told(arrow, picture))}</title></path>"
    )


def _outside_of_ring(wire: Wire, ringed: Box | None) -> Wire:
    """Return a wire that ends at the ring around the current state, if it leads there."""
    if ringed is None:
        return wire
    *others, before, end = wire.points
    left, top, right, bottom = ringed.rectangle
    if not (left - 1 <= end[0] <= right + 1 and top - 1 <= end[1] <= bottom + 1):
        return wire
    return replace(wire, points=(*others, before, _towards(end, before, _RING + 1)))


def _told(arrow: Arrow, picture: Picture) -> str:
    names = {node.id: node.name for node in picture.nodes}
    return f"{names[arrow.source]} → {names[arrow.target]}: {whole_label(arrow)}"


def _curves(points: Sequence[Point]) -> str:
    return f"M{_point(points[0])}C{' '.join(map(_point, points[1:]))}"


def _rounded(points: Sequence[Point]) -> str:
    """Return the path through corners, each of them round."""
    path = [f"M{_point(points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(_RADIUS, _length(before, corner) / 2, _length(corner, after) / 2)
        start, end = _towards(corner, before, radius), _towards(corner, after, radius)
        path.append(f"L{_point(start)}Q{_point(corner)} {_point(end)}")
    return "".join([*path, f"L{_point(points[-1])}"])


def _length(one: Point, two: Point) -> float:
    return float(abs(one[0] - two[0]) + abs(one[1] - two[1]))


def _towards(start: Point, end: Point, length: float) -> Point:
    whole = _length(start, end)
    part = length / whole if whole else 0.0
    return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part


def _state(box: Box, node: Node, picture: Picture) -> str:
    shown = picture.classes.get(node.id, "")
    classes = ["state", shown] if shown else ["state"]
    if node.failure and shown != "failure":
        classes.append("failure")
    parts = [f'<g class="{" ".join(classes)}"><title>{escape(_said(node, shown, picture))}</title>']
    radius = min(box.height / 2, 20.0) if node.final else _RADIUS
    if shown in _RINGED:
        parts.append(_rectangle(box, "ring", _RING, radius))
    parts.append(_rectangle(box, "box", 0.0, radius))
    if node.final:
        parts.append(_rectangle(box, "inner", -_INNER, radius))
    return "".join([*parts, *_inscription(box), "</g>"])


def _said(node: Node, shown: str, picture: Picture) -> str:
    facts = [
        *(["initial state"] if node.initial else []),
        *(["final state"] if node.final else []),
        *(["failure"] if node.failure else []),
        *({"current": ["current"], "failed": ["current, failed"]}.get(shown) or ([shown] if shown else [])),
        *(f"phase {name}" for name, members in picture.boxes.items() if node.id in members),
        *node.actions,
    ]
    return f"{node.name}: {', '.join(facts)}" if facts else node.name


def _rectangle(box: Box, name: str, margin: float, radius: float) -> str:
    place = f'x="{_number(box.x - margin)}" y="{_number(box.y - margin)}"'
    width, height = _number(box.width + 2 * margin), _number(box.height + 2 * margin)
    return (
        f'<rect class="{name}" {place} width="{width}" height="{height}" rx="{_number(radius + margin)}"/>'
    )


def _inscription(box: Box) -> Iterator[str]:
    high = len(box.lines) * row(NAME_SIZE) + len(box.small) * row(SMALL_SIZE)
    y = box.y + (box.height - high) / 2
    x = box.x + box.width / 2
    for lines, name, size in ((box.lines, "name", NAME_SIZE), (box.small, "small", SMALL_SIZE)):
        for text in lines:
            yield _text(text, x, y, size, name, "middle")
            y += row(size)


def _text(text: str, x: float, top: float, size: float, name: str, anchor: str) -> str:
    baseline = top + row(size) / 2 + size * 0.36
    kind = f' class="{name}"' if name else ""
    aligned = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return (
        f'<text{kind} x="{_number(x)}" y="{_number(baseline)}"{aligned}>{escape(text, quote=False)}</text>'
    )


def _label(label: Label, picture: Picture) -> str:
    arrow = None if label.arrow is None else picture.arrows[label.arrow]
    kind = label.kind if arrow is None else f"{label.kind} {arrow.kind}"
    size = EVENT_SIZE if label.kind in ("event", "remark") else SMALL_SIZE
    parts = [f'<g class="{kind}">']
    if arrow is not None and whole_label(arrow) != " ".join(label.lines):
        parts.append(f"<title>{escape(_told(arrow, picture))}</title>")
    parts += _lines(label, size)
    return "".join([*parts, "</g>"])


def _lines(label: Label, size: float) -> Iterator[str]:
    part = {"start": 0.0, "middle": 0.5, "end": 1.0}[label.anchor]
    badge = badge_width(label.order)
    is_bold = label.arrow is not None
    for number, text in enumerate(label.lines):
        top = label.y + number * row(size)
        if badge and number == 0:
            room = label.width - badge - text_width(text, size, bold=is_bold)
            start = label.x + max(room, 0.0) * part
            yield _badge(label.order, start, top, size)
            yield _text(text, start + badge, top, size, "", "start")
        else:
            yield _text(text, label.x + label.width * part, top, size, "", label.anchor)
    if label.detail:
        top = label.y + len(label.lines) * row(size)
        yield _text(label.detail, label.x + label.width * part, top, SMALL_SIZE, "detail", label.anchor)


def _badge(order: str, x: float, top: float, size: float) -> str:
    width = badge_width(order) - BADGE_GAP
    y = top + (row(size) - BADGE_HEIGHT) / 2
    place = f'x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" height="{_number(BADGE_HEIGHT)}"'
    shape = f'<rect class="badge" {place} rx="{_number(BADGE_HEIGHT / 2)}"/>'
    top_of_number = y + (BADGE_HEIGHT - row(BADGE_SIZE)) / 2
    return shape + _text(order, x + width / 2, top_of_number, BADGE_SIZE, "count", "middle")


def _point(point: Point) -> str:
    return f"{_number(point[0])},{_number(point[1])}"


def _number(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
