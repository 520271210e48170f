"""The frame of a picture: its margins, and its notes as lines below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from statechart.formats.svg.geometry import (
    Band,
    Box,
    Label,
    LabelKind,
    Plan,
    Point,
    Rectangle,
    Wire,
    bounds,
    bounds_of,
    crossings,
)
from statechart.formats.svg.metrics import EVENT_SIZE, SMALL_SIZE, text_width
from statechart.formats.svg.texts import footnotes, row
from statechart.picture import Picture

_MARGIN = 16.0
_LEAST_WIDTH = 320.0
_NOTES_GAP = 14.0
_START_RADIUS = 5.0
_REMARK: LabelKind = "remark"
_NOTE: LabelKind = "note"


def framed(
    picture: Picture,
    *,
    boxes: Sequence[Box],
    wires: Sequence[Wire],
    labels: Sequence[Label],
    bands: Sequence[Band] = (),
    crossed: int | None = None,
    separators: Sequence[tuple[Point, Point]] = (),
) -> Plan:
    """Return a plan that begins at 0, 0, with margins, and with the notes below.

    Args:
        picture: The picture, for its notes.
        boxes: The boxes of all states.
        wires: The wires of all arrows.
        labels: The labels, without those of notes.
        bands: The areas of the phases.
        crossed: How often the wires cross, if the layout has counted it.
        separators: The lines between regions.
    """
    left, top, right, bottom = bounds(
        [
            *(box.rectangle for box in boxes),
            *(label.rectangle for label in labels),
            *(band.rectangle for band in bands),
            *(_around(wire) for wire in wires),
        ]
    )
    x, y = _MARGIN - left, _MARGIN - top
    width = max(right - left, _LEAST_WIDTH)
    x += (width - (right - left)) / 2
    notes = list(_notes(picture, width, bottom - top + _MARGIN + _NOTES_GAP))
    return Plan(
        tuple([box.moved(x, y) for box in boxes]),
        tuple([wire.moved(x, y) for wire in wires]),
        (*[label.moved(x, y) for label in labels], *notes),
        width + 2 * _MARGIN,
        max([bottom - top + _MARGIN, *(note.y + note.height for note in notes)]) + _MARGIN,
        crossings(wires) if crossed is None else crossed,
        tuple([band.moved(x, y) for band in bands]),
        tuple([((a + x, b + y), (c + x, d + y)) for (a, b), (c, d) in separators]),
    )


def _around(wire: Wire) -> Rectangle:
    left, top, right, bottom = bounds_of(wire.points)
    return left - _START_RADIUS, top - _START_RADIUS, right + _START_RADIUS, bottom + _START_RADIUS


def _notes(picture: Picture, width: float, top: float) -> Iterable[Label]:
    for line, is_remark in footnotes(picture, width):
        size, kind = (EVENT_SIZE, _REMARK) if is_remark else (SMALL_SIZE, _NOTE)
        wide = text_width(line, size, bold=is_remark)
        yield Label(_MARGIN, top, wide, row(size), (line,), anchor="start", kind=kind)
        top += row(size)
