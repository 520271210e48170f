"""A picture in layers: each state behind those that lead to it, and a way for each transition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from statechart.formats.svg.geometry import Box, Label, Plan, Point, Rectangle, Wire, bounds
from statechart.formats.svg.layered.arranging import Arrangement, Edge, Stretch, arranged
from statechart.formats.svg.layered.cells import Cell, cell, label, tag
from statechart.picture import Picture

_MARGIN = 12.0
_START = 28.0  # from the mark of the initial state to its box
_DOT = 6.0


def plan(picture: Picture, *, upright: bool = False) -> Plan:
    """Return where the states and transitions of a picture are, in layers."""
    return _Planner(picture, upright=upright).plan()


class _Planner:
    def __init__(self, picture: Picture, *, upright: bool) -> None:
        self._picture, self._upright = picture, upright
        # The first station is the initial one; the others keep the declared order.
        self._nodes = sorted(picture.nodes, key=lambda node: not node.initial)
        self._places = {node.id: place for place, node in enumerate(self._nodes)}
        self._between = [
            index for index, arrow in enumerate(picture.arrows) if arrow.source != arrow.target
        ]
        self._cells = list(self._make_cells())

    def _make_cells(self) -> Iterator[Cell]:
        arrows = list(enumerate(self._picture.arrows))
        for node in self._nodes:
            loops = [(i, arrow) for i, arrow in arrows if arrow.source == arrow.target == node.id]
            notes = [note for note in self._picture.notes if note.state == node.id]
            yield cell(node, loops, notes, upright=self._upright)

    def plan(self) -> Plan:
        """Return the plan, with its first things at the margin."""
        arrows = self._picture.arrows
        edges = [
            Edge(
                self._places[arrows[index].source],
                self._places[arrows[index].target],
                tag(arrows[index], upright=self._upright),
            )
            for index in self._between
        ]
        stations = [cell.station(upright=self._upright) for cell in self._cells]
        failures = {place for place, node in enumerate(self._nodes) if node.failure}
        arrangement = arranged(stations, edges, failures)
        boxes = list(self._boxes(arrangement))
        wires = [*self._wires(arrangement), self._start(boxes[0])]
        labels: list[Label] = [
            label(index, arrows[index], self._point(*way.tag), upright=self._upright)
            for index, way in zip(self._between, arrangement.ways, strict=True)
        ]
        for each, box in zip(self._cells, boxes, strict=True):
            x, y = box.x + box.width / 2, box.y + box.height / 2
            # What hangs on a box that has grown begins where the box ends.
            grown = (box.width - each.width) / 2, (box.height - each.height) / 2
            dx, dy = (x + grown[0], y) if self._upright else (x, y + grown[1])
            wires += [Wire(loop.arrow, _moved(loop.points, dx, dy), curved=True) for loop in each.loops]
            labels += [
                _shifted(text, dx, dy) for text in [*(loop.label for loop in each.loops), *each.notes]
            ]
        return _framed(boxes, wires, labels, arrangement.crossings)

    def _point(self, along: float, across: float) -> Point:
        return (across, along) if self._upright else (along, across)

    def _boxes(self, arrangement: Arrangement) -> Iterator[Box]:
        for node, each, place, breadth in zip(
            self._nodes, self._cells, arrangement.places, arrangement.breadths, strict=True
        ):
            width, height = (breadth, each.height) if self._upright else (each.width, breadth)
            x, y = self._point(*place)
            yield Box(node.id, x - width / 2, y - height / 2, width, height, each.lines, each.small)

    def _wires(self, arrangement: Arrangement) -> Iterator[Wire]:
        for index, way in zip(self._between, arrangement.ways, strict=True):
            points = tuple(self._point(*point) for point in _curved(way.stretches))
            yield Wire(index, points, curved=True)

    def _start(self, box: Box) -> Wire:
        if self._upright:
            x = box.x + box.width / 2
            return Wire(None, ((x, box.y - _START), (x, box.y)))
        y = box.y + box.height / 2
        return Wire(None, ((box.x - _START, y), (box.x, y)))


def _curved(stretches: Sequence[Stretch]) -> list[Point]:
    """Return the curves through straight parts, along and across, without corners."""
    points: list[Point] = [(stretches[0].start, stretches[0].across)]
    for before, after in pairwise(stretches):
        middle = (before.end + after.start) / 2
        if before.start != before.end:
            points += _straight(points[-1], (before.end, before.across))
        points += [(middle, before.across), (middle, after.across), (after.start, after.across)]
    if stretches[-1].start != stretches[-1].end:
        points += _straight(points[-1], (stretches[-1].end, stretches[-1].across))
    return points


def _straight(start: Point, end: Point) -> list[Point]:
    return [start, end, end]


def _moved(points: Sequence[Point], dx: float, dy: float) -> tuple[Point, ...]:
    return tuple((x + dx, y + dy) for x, y in points)


def _shifted(text: Label, dx: float, dy: float) -> Label:
    return replace(text, x=text.x + dx, y=text.y + dy)


def _framed(boxes: Sequence[Box], wires: Sequence[Wire], labels: Sequence[Label], crossings: int) -> Plan:
    left, top, right, bottom = bounds(
        [
            *(box.rectangle for box in boxes),
            *(text.rectangle for text in labels),
            *(_room(wire) for wire in wires),
        ]
    )
    dx, dy = _MARGIN - left, _MARGIN - top
    return Plan(
        tuple(replace(box, x=box.x + dx, y=box.y + dy) for box in boxes),
        tuple(replace(wire, points=_moved(wire.points, dx, dy)) for wire in wires),
        tuple(_shifted(text, dx, dy) for text in labels),
        right - left + 2 * _MARGIN,
        bottom - top + 2 * _MARGIN,
        crossings,
    )


def _room(wire: Wire) -> Rectangle:
    xs, ys = zip(*wire.points, strict=True)
    margin = _DOT if wire.arrow is None else 0.0
    return min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin
