"""A picture in layers: each state behind those that lead to it, and a way for each transition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from math import copysign

from statechart.formats.main_path import main_path
from statechart.formats.svg.framing import framed
from statechart.formats.svg.geometry import Box, Label, Plan, Point, Wire
from statechart.formats.svg.layered.arranging import Arrangement, Stretch, arranged
from statechart.formats.svg.layered.bands import named_bands
from statechart.formats.svg.layered.cells import Cell, cell, label, tag
from statechart.formats.svg.layered.sheet import Edge
from statechart.formats.svg.texts import lead
from statechart.picture import Picture

_HEAD = 8.0  # the length of an arrowhead
_START = 30.0  # from the mark of the initial state to its box


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
            leads = [
                line
                for note in self._picture.notes
                if note.state == node.id and note.arrows
                for line in lead(note, self._picture, narrow=self._upright).lines
            ]
            yield cell(node, loops, leads, upright=self._upright)

    def plan(self) -> Plan:
        """Return the plan."""
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
        spine = [self._places[state] for state in main_path(self._picture, to_final=True)]
        arrangement = arranged(stations, edges, spine)
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
            wires += [loop.wire.moved(dx, dy) for loop in each.loops]
            labels += [loop.label.moved(dx, dy) for loop in each.loops]
        phases = list(named_bands(self._picture, boxes, wires, labels))
        return framed(
            self._picture,
            boxes=boxes,
            wires=wires,
            labels=[*labels, *(name for _, name in phases)],
            bands=[band for band, _ in phases],
            crossed=arrangement.crossings,
        )

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
    first, *others, last = stretches
    # Arrowheads are straight too, and so is the other end, so that neighbours keep their distance.
    head = copysign(_HEAD, last.start - first.end)
    first, last = replace(first, end=first.end + head), replace(last, start=last.start - head)
    parts = [first, *others, last]
    points: list[Point] = [(parts[0].start, parts[0].across)]
    for before, after in pairwise(parts):
        middle = (before.end + after.start) / 2
        points += _straight(points[-1], (before.end, before.across))
        points += [(middle, before.across), (middle, after.across), (after.start, after.across)]
    return points + _straight(points[-1], (last.end, last.across))


def _straight(start: Point, end: Point) -> list[Point]:
    """Return a straight curve, whose last control point is far enough from its end to shorten it there."""
    return [start, start, end] if start != end else []
