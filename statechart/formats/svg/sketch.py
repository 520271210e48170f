"""A line with all its positions, written as the geometry of a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from statechart.formats.svg.across import Rows
from statechart.formats.svg.geometry import (
    Anchor,
    Band,
    Box,
    Label,
    Point,
    Rectangle,
    Wire,
    touch,
)
from statechart.formats.svg.metrics import SMALL_SIZE, shortened, text_width
from statechart.formats.svg.parts import GATE, Jump, Line, Phase, Port, Route, Station
from statechart.formats.svg.texts import Inscription, row

TEXT_SIDE = 6.0
"""The room between a text and what crosses its track."""

_BESIDE, _BESIDE_RING = 5.0, 7.0
_ABOVE = 2.0
_ABOVE_TIP = 3.6  # half the breadth of an arrowhead, and a little more
_START = 24.0
_LEAD = 30.0
_BAND = 10.0
_WIDEST_NAME = 140.0
"""How wide a name of a phase may make an upright line, whose page is narrow."""
_LEAST_NAME = 6
"""The letters of a shortened name that still say something."""

NamedBand: TypeAlias = tuple[Band, Sequence[Label]]
"""The area of a phase, and the places where its name may be."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """A line with all positions, to be written as geometry."""

    line: Line
    rows: Rows
    upright: bool
    bounded: Sequence[Phase] = ()
    shift: float = 0.0

    def point(self, along: float, across: float) -> Point:
        """Return the point of two positions."""
        return (across, along) if self.upright else (along, across + self.shift)

    def boxes(self) -> list[Box]:
        """Return the boxes of all stations."""
        return [_box(station, self) for station in self.line.stations()]

    def wires(self) -> list[Wire]:
        """Return the wires of all that stays on the line."""
        return list(_wires(self))

    def labels(self) -> list[Label]:
        """Return the labels of all that begins on the line."""
        return [label.moved(0.0, self.shift) for label in _labels(self)]

    def bands(self) -> list[NamedBand]:
        """Return the areas of the phases, each with places for its name."""
        return list(_bands(self))


def _box(station: Station, sketch: Sketch) -> Box:
    top, bottom = sketch.rows.sides(station)
    x, y = sketch.point(station.start, top)
    right, lower = sketch.point(station.end, bottom)
    return Box(station.node.id, x, y, right - x, lower - y, station.lines, station.small)


def _wires(sketch: Sketch) -> Iterator[Wire]:
    point, line = sketch.point, sketch.line
    for station in line.columns:
        if station.node.initial:
            yield Wire(None, (point(station.start - _START, 0.0), point(station.start, 0.0)))
    for station in line.columns:
        if station.lead is not None:
            room = station.lead.height if sketch.upright else station.lead.width
            begin = min(station.start - _LEAD, _middle(station, sketch) - room / 2)
            yield Wire(None, (point(begin, 0.0), point(station.start, 0.0)), note=True)
    for straight in line.straights:
        yield Wire(straight.arrow, (point(straight.source.end, 0.0), point(straight.target.start, 0.0)))
    for route in line.drops:
        yield Wire(route.arrow, tuple(_end(port, sketch) for port in route.ports))
    for route in line.routes:
        if route.is_half:
            continue
        corners = [point(port.at, route.track) for port in (route.source, route.target)]
        yield Wire(route.arrow, (_end(route.source, sketch), *corners, _end(route.target, sketch)))


def _end(port: Port, sketch: Sketch) -> Point:
    return sketch.point(port.at, sketch.rows.edge(port))


def _middle(station: Station, sketch: Sketch) -> float:
    """Return the middle of the gap before a station of the line."""
    before = sketch.line.columns[int(station.place) - 1]
    return (before.end + station.start) / 2


def _labels(sketch: Sketch) -> Iterator[Label]:
    line = sketch.line
    for straight in line.straights:
        yield _at_gap(straight.text, straight.target, sketch, straight.arrow)
    for station in line.columns:
        if station.lead is not None:
            yield _at_gap(station.lead, station, sketch, None)
    for route in line.drops:
        yield _at_drop(route, sketch)
    if line.tail is not None:
        text, end = line.tail.text, line.columns[-1].end
        middle = min((end + line.gates[1].centre) / 2, end + text.width / 2 + 2 * TEXT_SIDE)
        yield _label(text, middle - text.width / 2, -text.height - _ABOVE_TIP, line.tail.arrow)
    for route in line.routes:
        if not route.text.lines:
            continue
        yield _at_source(route, sketch) if sketch.upright else _at_track(route)


def _at_gap(text: Inscription, station: Station, sketch: Sketch, arrow: int | None) -> Label:
    middle = _middle(station, sketch)
    if sketch.upright:
        return _label(text, _BESIDE, middle - text.height / 2, arrow, "start")
    return _label(text, middle - text.width / 2, -text.height - _ABOVE_TIP, arrow)


def _at_drop(route: Route, sketch: Sketch) -> Label:
    text, at = route.text, route.source.at
    middle = sketch.rows.middle(route)
    if sketch.upright:
        return _label(text, middle - text.width / 2, at - text.height - _ABOVE, route.arrow)
    if route.source.station.row == 0:
        return _label(text, at + _BESIDE, middle - text.height / 2, route.arrow, "start")
    return _label(text, at - _BESIDE - text.width, middle - text.height / 2, route.arrow, "end")


def _at_track(route: Route) -> Label:
    text = route.text
    low, high = map(_limit, route.free or (route.low, route.high))
    room = text.width / 2 + TEXT_SIDE
    middle = (_limit(route.low) + _limit(route.high)) / 2
    middle = max(low + room, min(high - room, middle))
    return _label(text, middle - text.width / 2, route.track - text.height - _ABOVE, route.arrow)


def _limit(port: Port) -> float:
    """Return where a port is; a gate begins at its centre, and has its routes behind."""
    return port.station.centre if port.station.row == GATE else port.at


def _at_source(route: Route, sketch: Sketch) -> Label:
    text, port = route.text, route.source
    edge = sketch.rows.edge(port)
    top = port.at - text.height - _ABOVE
    if edge > route.track:
        return _label(text, edge - _BESIDE_RING - text.width, top, route.arrow, "end")
    return _label(text, edge + _BESIDE_RING, top, route.arrow, "start")


def _label(text: Inscription, x: float, y: float, arrow: int | None, anchor: Anchor = "middle") -> Label:
    return Label(x, y, text.width, text.height, text.lines, arrow, text.order, text.detail, anchor)


def _bands(sketch: Sketch) -> Iterator[NamedBand]:
    of_phase = _upright_band if sketch.upright else _lying_band
    yield from (of_phase(phase, sketch) for phase in sketch.bounded)


def _along(phase: Phase) -> tuple[float, float]:
    low = min(station.centre - station.reach[0] for station in phase.stations)
    return low, max(station.centre + station.reach[1] for station in phase.stations)


def _half(sketch: Sketch) -> float:
    return max(station.across for station in sketch.line.columns) / 2


def _lying_band(phase: Phase, sketch: Sketch) -> NamedBand:
    """Return the band of a phase; its name is at the lower left, or above a band without states beneath."""
    low, high = _along(phase)
    width = max(high - low, phase.width) + 2 * _BAND
    room = row(SMALL_SIZE) + _BAND
    top, bottom = sketch.rows.top, sketch.rows.bottom
    ends = (top - room, _half(sketch) + _BAND) if phase.is_row else (top - _BAND, bottom + room)
    y, lower = (end + sketch.shift for end in ends)
    band = Band(phase.name, low - _BAND, y, width, lower - y)
    height = row(SMALL_SIZE)
    name_y = y + _ABOVE if phase.is_row else lower - height - _ABOVE
    return band, [Label(low, name_y, phase.width, height, (phase.name,), anchor="start", kind="phase")]


def _upright_band(phase: Phase, sketch: Sketch) -> NamedBand:
    """Return the band of a phase; its name is in an upper corner, beside the text of the first wire."""
    low, high = _along(phase)
    height = row(SMALL_SIZE)
    y = low - height - _BAND
    # Beside the states beneath, only the left side has room for a name that is longer than a state.
    names = [min(each.width, _WIDEST_NAME) for each in sketch.bounded if each.is_row]
    left = min(sketch.rows.top, -max(names, default=0.0) - TEXT_SIDE)
    entering = [each.text.width for each in sketch.line.straights if each.target in phase.stations[:1]]
    beside = max(entering, default=0.0) + _BESIDE + TEXT_SIDE
    right = _half(sketch)
    if not phase.is_row:
        right = max(sketch.rows.bottom, beside + min(phase.width, _WIDEST_NAME))
    band = Band(phase.name, left - _BAND, y, right - left + 2 * _BAND, high + _BAND - y)
    rooms = [(left, right), (beside, right), (left, -TEXT_SIDE)]
    places = []
    for start, end in reversed(rooms) if phase.is_row else rooms:
        name = shortened(phase.name, end - start, SMALL_SIZE)
        width = text_width(name, SMALL_SIZE)
        xs = (start,) if phase.is_row or name != phase.name else (end - width, start)
        if len(name) >= min(_LEAST_NAME, len(phase.name)):
            places += [
                Label(x, y + _ABOVE, width, height, (name,), anchor="start", kind="phase") for x in xs
            ]
    return band, places


def names(bands: Sequence[NamedBand], placed: Sequence[Rectangle]) -> Iterator[Label]:
    """Yield the names of bands, each in its first place that is free."""
    for _, places in bands:
        free = (label for label in places if not any(touch(label.rectangle, each) for each in placed))
        yield from islice(free, 1)


def bridge(jump: Jump, sketches: Sequence[Sketch]) -> Wire:
    """Return the wire of a transition from a line to another."""
    begin, end = (sketches[number] for number in jump.lines)
    across = jump.end.source.at
    if jump.start is None:
        corners = [begin.point(jump.source.end, 0.0), begin.point(across, 0.0)]
    else:
        port, track = jump.start.source, jump.start.track
        corners = [_end(port, begin), begin.point(port.at, track), begin.point(across, track)]
    target, track = jump.end.target, jump.end.track
    corners += [end.point(across, track), end.point(target.at, track), _end(target, end)]
    return Wire(jump.arrow, tuple(corners))
