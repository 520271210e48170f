"""A line of stations: the main path in a row, other states beneath, jumps and returns over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from statechart.formats.svg.across import Rows, rows
from statechart.formats.svg.framing import framed
from statechart.formats.svg.geometry import (
    Anchor,
    Band,
    Box,
    Label,
    Plan,
    Point,
    Rectangle,
    Wire,
    bounds_of,
    touch,
)
from statechart.formats.svg.metrics import SMALL_SIZE, text_width
from statechart.formats.svg.parts import Channel, Line, Port, Route, Station
from statechart.formats.svg.routing import phases, routed
from statechart.formats.svg.spacing import Spacing, part, place, spacing, widen
from statechart.formats.svg.texts import Inscription, row
from statechart.formats.svg.tracks import find_free, ordered, touching
from statechart.picture import Picture

_ROUNDS = 8
_TEXT_SIDE = 6.0
_NEARLY = 0.01
_BESIDE = 5.0
_ABOVE = 2.0
_START = 30.0
_LEAD = 30.0
_BAND = 10.0


def plan(picture: Picture, *, upright: bool = False) -> Plan:
    """Return where the states and transitions of a picture are."""
    line = routed(picture, upright=upright)
    if upright:
        _level_out(line)
    bounded = list(phases(picture, line))
    orders = _fitted(line, [stations for _, stations in bounded], upright=upright)
    found = rows(line, orders, upright=upright)
    sketch = _Sketch(line, found, upright)
    bands = list(_bands(bounded, sketch))
    boxes = [_box(station, sketch) for station in line.stations()]
    wires, labels = list(_wires(sketch)), list(_labels(sketch))
    placed = [*(box.rectangle for box in boxes), *(label.rectangle for label in labels)]
    placed += [bounds_of(pair) for wire in wires for pair in pairwise(wire.points)]
    return framed(
        picture,
        boxes=boxes,
        wires=wires,
        labels=[*labels, *_names(bands, placed, upright=upright)],
        bands=bands,
    )


def _level_out(line: Line) -> None:
    """Give the stations of each row the same extent across an upright line."""
    for stations in (line.columns, [station for others in line.beneath for station in others]):
        for station in stations:
            station.across = max(each.across for each in stations)


def _fitted(
    line: Line, bounded: Sequence[Sequence[Station]], *, upright: bool
) -> Mapping[Channel, Sequence[Route]]:
    """Place the stations so that each text has room; return the routes of each channel in order."""
    wanted = spacing(line, bounded, upright=upright)
    for _ in range(_ROUNDS):
        place(line, wanted)
        orders = {channel: ordered(line.within(channel), channel) for channel in Channel}
        pairs = list(touching(orders[Channel.BETWEEN]))
        for pair in pairs:
            part(*pair, wanted)
        if not pairs and (upright or not _widened(line, orders, wanted)):
            break
    return orders


def _widened(line: Line, orders: Mapping[Channel, Sequence[Route]], wanted: Spacing) -> bool:
    """Ask for room for each label that has too little; return whether there are any."""
    found = False
    for order in orders.values():
        for route in order:
            room = route.text.width + 2 * _TEXT_SIDE
            free = find_free(route, order, line)
            if free[1].at - free[0].at < room - _NEARLY:
                found = widen(*free, room, wanted) or found
            route.free = free
    return found


@dataclass(frozen=True, slots=True)
class _Sketch:
    """A line with all positions, to be written as geometry."""

    line: Line
    rows: Rows
    upright: bool

    def point(self, along: float, across: float) -> Point:
        """Return the point of two positions."""
        return (across, along) if self.upright else (along, across)


def _box(station: Station, sketch: _Sketch) -> Box:
    top, bottom = sketch.rows.sides(station)
    x, y = sketch.point(station.start, top)
    right, lower = sketch.point(station.end, bottom)
    return Box(station.node.id, x, y, right - x, lower - y, station.lines, station.small)


def _wires(sketch: _Sketch) -> Iterator[Wire]:
    point, line = sketch.point, sketch.line
    first = line.columns[0]
    yield Wire(None, (point(first.start - _START, 0.0), point(first.start, 0.0)))
    for station in line.columns:
        if station.lead is not None:
            room = station.lead.height if sketch.upright else station.lead.width
            begin = min(station.start - _LEAD, _middle(station, sketch) - room / 2)
            yield Wire(None, (point(begin, 0.0), point(station.start, 0.0)), note=True)
    for straight in line.straights:
        yield Wire(straight.arrow, (point(straight.source.end, 0.0), point(straight.target.start, 0.0)))
    for route in line.drops:
        yield Wire(route.arrow, tuple(_end(port, sketch) for port in (route.source, route.target)))
    for route in line.routes:
        corners = [point(port.at, route.track) for port in (route.source, route.target)]
        yield Wire(route.arrow, (_end(route.source, sketch), *corners, _end(route.target, sketch)))


def _end(port: Port, sketch: _Sketch) -> Point:
    return sketch.point(port.at, sketch.rows.edge(port))


def _middle(station: Station, sketch: _Sketch) -> float:
    """Return the middle of the gap before a station of the line."""
    before = sketch.line.columns[int(station.place) - 1]
    return (before.end + station.start) / 2


def _labels(sketch: _Sketch) -> Iterator[Label]:
    line = sketch.line
    for straight in line.straights:
        yield _at_gap(straight.text, straight.target, sketch, straight.arrow)
    for station in line.columns:
        if station.lead is not None:
            yield _at_gap(station.lead, station, sketch, None)
    for route in line.drops:
        yield _at_drop(route, sketch)
    for route in line.routes:
        yield _at_source(route, sketch) if sketch.upright else _at_track(route)


def _at_gap(text: Inscription, station: Station, sketch: _Sketch, arrow: int | None) -> Label:
    middle = _middle(station, sketch)
    if sketch.upright:
        return _label(text, _BESIDE, middle - text.height / 2, arrow, "start")
    return _label(text, middle - text.width / 2, -text.height - _ABOVE, arrow)


def _at_drop(route: Route, sketch: _Sketch) -> Label:
    text, at = route.text, route.source.at
    middle = sketch.rows.middle(route)
    if sketch.upright:
        return _label(text, middle - text.width / 2, at - text.height - _ABOVE, route.arrow)
    if route.source.station.row == 0:
        return _label(text, at + _BESIDE, middle - text.height / 2, route.arrow, "start")
    return _label(text, at - _BESIDE - text.width, middle - text.height / 2, route.arrow, "end")


def _at_track(route: Route) -> Label:
    text = route.text
    low, high = route.free or (route.low, route.high)
    room = text.width / 2 + _TEXT_SIDE
    middle = (route.low.at + route.high.at) / 2
    middle = max(low.at + room, min(high.at - room, middle))
    return _label(text, middle - text.width / 2, route.track - text.height - _ABOVE, route.arrow)


def _at_source(route: Route, sketch: _Sketch) -> Label:
    text, port = route.text, route.source
    edge = sketch.rows.edge(port)
    top = port.at - text.height - _ABOVE
    if edge > route.track:
        return _label(text, edge - _BESIDE - text.width, top, route.arrow, "end")
    return _label(text, edge + _BESIDE, top, route.arrow, "start")


def _label(text: Inscription, x: float, y: float, arrow: int | None, anchor: Anchor = "middle") -> Label:
    return Label(x, y, text.width, text.height, text.lines, arrow, text.order, text.detail, anchor)


def _bands(bounded: Sequence[tuple[str, Sequence[Station]]], sketch: _Sketch) -> Iterator[Band]:
    room = row(SMALL_SIZE) + _BAND
    for name, stations in bounded:
        low = min(station.centre - station.reach[0] for station in stations)
        low -= room if sketch.upright else _BAND
        high = max(station.centre + station.reach[1] for station in stations) + _BAND
        x, y = sketch.point(low, sketch.rows.top - _BAND)
        right, lower = sketch.point(high, sketch.rows.bottom + (_BAND if sketch.upright else room))
        yield Band(name, x, y, right - x, lower - y)


def _names(bands: Sequence[Band], placed: Sequence[Rectangle], *, upright: bool) -> Iterator[Label]:
    """Yield the names of bands: at the lower left, or at an upper corner if the line is upright."""
    for band in bands:
        width, height = text_width(band.name, SMALL_SIZE), row(SMALL_SIZE)
        left, right = band.x + _BAND, band.x + band.width - width - _BAND
        y = band.y + (_ABOVE if upright else band.height - height - _ABOVE)
        for x in (right, left) if upright else (left,):
            label = Label(x, y, width, height, (band.name,), anchor="start", kind="phase")
            if not any(touch(label.rectangle, each) for each in placed):
                yield label
                break
