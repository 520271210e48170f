"""The rooms of boxes, loops and labels, lying or upright."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from statechart.formats.svg.geometry import Anchor, Label, Point, Rectangle, Wire, bounds
from statechart.formats.svg.layered.sheet import Station, Tag
from statechart.formats.svg.texts import Inscription, box_size, inscription, name_lines, small_lines
from statechart.picture import Arrow, Node

_CORNER, _FINAL_CORNER = 10.0, 20.0
_LINE = 3.0  # between a label and its wire
_LOOP, _DEPTH, _PITCH = 18.0, 20.0, 32.0
_NEAR = 5.0  # between labels of loops


@dataclass(frozen=True, slots=True)
class Loop:
    """A transition from a state to itself, with its label, around the middle of the box."""

    wire: Wire
    label: Label


@dataclass(frozen=True, slots=True)
class Cell:
    """A box with what hangs on it; all coordinates are those around the middle of the box.

    Attributes:
        lines: The name, in lines.
        small: The actions, in lines.
        width: The width of the box, before its sides grow.
        height: The height of the box, before its sides grow.
        corner: The radius of its corners.
    """

    lines: tuple[str, ...]
    small: tuple[str, ...]
    width: float
    height: float
    corner: float
    loops: tuple[Loop, ...]

    def station(self, *, upright: bool) -> Station:
        """Return the room of the cell."""
        left, top, right, bottom = bounds([self._box, *(loop.label.rectangle for loop in self.loops)])
        along, across = (self.height, self.width) if upright else (self.width, self.height)
        behind = right - self.width / 2 if upright else bottom - self.height / 2
        ends = (-top, bottom) if upright else (-left, right)
        return Station(along, across, behind, max(*ends, along / 2) - along / 2, self.corner)

    @property
    def _box(self) -> Rectangle:
        return -self.width / 2, -self.height / 2, self.width / 2, self.height / 2


def cell(node: Node, loops: Sequence[tuple[int, Arrow]], leads: Sequence[str], *, upright: bool) -> Cell:
    """Return the cell of a state. The leads are lines about the transitions that are not drawn."""
    lines = name_lines(node, narrow=upright)
    small = (*small_lines(node.actions, narrow=upright), *leads)
    width, height = box_size(lines, small)
    labels = [(index, inscription(arrow, narrow=upright)) for index, arrow in loops]
    if upright:
        pitch = max((text.height for _, text in labels), default=0.0) + _NEAR
        pitch = max(pitch, _LOOP + _NEAR)
        height = max(height, len(labels) * pitch + 2 * _FINAL_CORNER - _NEAR)
        drawn = tuple(_beside(labels, width / 2, pitch))
    else:
        width = max(width, len(labels) * _PITCH + _FINAL_CORNER)
        drawn = tuple(_beneath(labels, height / 2))
    corner = _FINAL_CORNER if node.final else _CORNER
    return Cell(lines, small, width, height, corner, drawn)


def tag(arrow: Arrow, *, upright: bool) -> Tag:
    """Return the room of a label: above its wire, or to the right of it."""
    text = inscription(arrow, narrow=upright)
    if upright:
        return Tag(text.height, 2.0, text.width + 2 * _LINE)
    return Tag(text.width, text.height + _LINE, 2.0)


def label(index: int, arrow: Arrow, place: Point, *, upright: bool) -> Label:
    """Return a label at a point of its wire."""
    text = inscription(arrow, narrow=upright)
    x, y = place
    if upright:
        return _label(index, text, x + 2 * _LINE, y - text.height / 2, "start")
    return _label(index, text, x - text.width / 2, y - text.height - _LINE, "middle")


def _label(index: int, text: Inscription, x: float, y: float, anchor: Anchor) -> Label:
    return Label(x, y, text.width, text.height, text.lines, index, text.order, text.detail, anchor)


def _beneath(labels: Sequence[tuple[int, Inscription]], bottom: float) -> Iterator[Loop]:
    """Yield loops beneath a box, in stairs: outer loops are shallow, and their labels lead away."""
    half = len(labels) // 2
    depths: dict[int, float] = {}
    anchor: Anchor
    for side in (range(half), range(len(labels) - 1, half - 1, -1)):
        depth = _DEPTH
        for place in side:
            depths[place] = depth
            depth += labels[place][1].height + _NEAR
    for place, (index, text) in enumerate(labels):
        x = (place - (len(labels) - 1) / 2) * _PITCH
        depth, start, end = depths[place], x - _LOOP / 2, x + _LOOP / 2
        low = bottom + depth * 4 / 3  # a cubic curve reaches three quarters of it
        points = (start, bottom), (start - 5, low), (end + 5, low), (end, bottom)
        if len(labels) == 1:
            left, anchor = x - text.width / 2, "middle"
        elif place < half:
            left, anchor = end - text.width, "end"
        else:
            left, anchor = start, "start"
        wire = Wire(index, points, curved=True)
        yield Loop(wire, _label(index, text, left, bottom + depth + 2, anchor))


def _beside(labels: Sequence[tuple[int, Inscription]], right: float, pitch: float) -> Iterator[Loop]:
    """Yield loops to the right of a box, one below the other."""
    for place, (index, text) in enumerate(labels):
        y = (place - (len(labels) - 1) / 2) * pitch
        far = right + _DEPTH * 4 / 3
        points = (
            (right, y - _LOOP / 2),
            (far, y - _LOOP / 2 - 4),
            (far, y + _LOOP / 2 + 4),
            (right, y + _LOOP / 2),
        )
        beside = _label(index, text, right + _DEPTH + _NEAR, y - text.height / 2, "start")
        yield Loop(Wire(index, points, curved=True), beside)
