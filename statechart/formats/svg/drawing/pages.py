"""A plan, written as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape

from statechart.formats.svg.drawing.shapes import DOT, clock, curves, numeral, rounded, towards, written
from statechart.formats.svg.drawing.states import RING, RINGED, frame, history, separator, state
from statechart.formats.svg.geometry import Band, Box, Label, Plan, Wire
from statechart.formats.svg.metrics import BADGE_SIZE, EVENT_SIZE, SMALL_SIZE, text_width
from statechart.formats.svg.style import Theme, style
from statechart.formats.svg.texts import BADGE_GAP, BADGE_HEIGHT, badge_width, clock_width, row, whole_label
from statechart.picture import Arrow, Picture

KINDS = ("plain", "taken", "failed", "missed", "untested", "unseen")
_TIP = "M0,.6 8,4 0,7.4z"


def drawn(picture: Picture, plan: Plan, theme: Theme | None, prefix: str) -> str:
    """Return a picture as SVG, with its rules inside if there is a theme."""
    return "".join(_parts(picture, plan, theme, prefix))


def _parts(picture: Picture, plan: Plan, theme: Theme | None, prefix: str) -> Iterator[str]:
    width, height = numeral(plan.width), numeral(plan.height)
    name = "chart nested" if picture.is_nested else "chart"
    title, described = (f"{prefix}{part}" for part in ("title", "description"))
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{name}" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-labelledby="{title} {described}">'
        f'<title id="{title}">{escape(picture.name)}</title>'
        f'<desc id="{described}">{escape(picture.described())}</desc>'
    )
    if theme is not None:
        yield f"<style>{style(theme, nested=picture.is_nested)}</style>"
    yield f"<defs>{''.join(_marker(kind, prefix) for kind in _kinds(picture))}</defs>"
    yield f'<rect class="ground" width="{width}" height="{height}" rx="12"/>'
    yield from map(_band, plan.bands)
    nodes = {node.id: node for node in picture.nodes}
    yield from (frame(box, nodes[box.state], picture) for box in plan.boxes if nodes[box.state].is_around)
    yield from map(separator, plan.separators)
    # The taken way lies above the other wires, and labels above all wires.
    ringed = [box for box in plan.boxes if picture.classes.get(box.state) in RINGED]
    for wire in sorted(plan.wires, key=lambda wire: _rank(wire, picture)):
        yield _wire(_outside_of_rings(wire, ringed), picture, prefix)
    for box in plan.boxes:
        node = nodes[box.state]
        if not node.is_around:
            yield history(box, node, picture) if node.is_history else state(box, node, picture)
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
    place = f'x="{numeral(band.x)}" y="{numeral(band.y)}"'
    size = f'width="{numeral(band.width)}" height="{numeral(band.height)}"'
    return f'<rect class="band" {place} {size} rx="10"/>'


def _wire(wire: Wire, picture: Picture, prefix: str) -> str:
    path = curves(wire.points) if wire.curved else rounded(wire.points)
    if wire.arrow is None:
        if wire.note:
            return f'<path class="wire everywhere" d="{path}" marker-end="url(#{prefix}tip-plain)"/>'
        x, y = wire.points[0]
        dot = f'<circle class="start" cx="{numeral(x)}" cy="{numeral(y)}" r="{DOT}"/>'
        return f'{dot}<path class="wire" d="{path}" marker-end="url(#{prefix}tip-plain)"/>'
    arrow = picture.arrows[wire.arrow]
    return (
        f'<path class="wire {arrow.kind}" d="{path}" marker-end="url(#{prefix}tip-{arrow.kind})">'
        f"<title>{escape(_told(arrow, picture))}</title></path>"
    )


def _outside_of_rings(wire: Wire, ringed: Sequence[Box]) -> Wire:
    """Return a wire that ends at the ring around a current state, if it leads there."""
    *others, before, end = wire.points
    for box in ringed:
        left, top, right, bottom = box.rectangle
        if left - 1 <= end[0] <= right + 1 and top - 1 <= end[1] <= bottom + 1:
            return replace(wire, points=(*others, before, towards(end, before, RING + 1)))
    return wire


def _told(arrow: Arrow, picture: Picture) -> str:
    names = {node.id: node.name for node in picture.nodes}
    targets = ", ".join(names[target] for target in (arrow.target, *arrow.others))
    inner = " (internal)" if arrow.reach == "internal" else ""
    return f"{names[arrow.source]} → {targets}: {whole_label(arrow)}{inner}"


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
    badge = badge_width(label.order) + clock_width(label.timed)
    is_bold = label.arrow is not None
    for number, text in enumerate(label.lines):
        top = label.y + number * row(size)
        if badge and number == 0:
            room = label.width - badge - text_width(text, size, bold=is_bold)
            start = label.x + max(room, 0.0) * part
            if label.order:
                yield _badge(label.order, start, top, size)
            if label.timed:
                yield clock(start + badge_width(label.order), top + row(size) / 2)
            yield written(text, start + badge, top, size, "", "start")
        else:
            yield written(text, label.x + label.width * part, top, size, "", label.anchor)
    if label.detail:
        top = label.y + len(label.lines) * row(size)
        yield written(label.detail, label.x + label.width * part, top, SMALL_SIZE, "detail", label.anchor)


def _badge(order: str, x: float, top: float, size: float) -> str:
    width = badge_width(order) - BADGE_GAP
    y = top + (row(size) - BADGE_HEIGHT) / 2
    place = f'x="{numeral(x)}" y="{numeral(y)}" width="{numeral(width)}" height="{numeral(BADGE_HEIGHT)}"'
    shape = f'<rect class="badge" {place} rx="{numeral(BADGE_HEIGHT / 2)}"/>'
    top_of_number = y + (BADGE_HEIGHT - row(BADGE_SIZE)) / 2
    return shape + written(order, x + width / 2, top_of_number, BADGE_SIZE, "count", "middle")
