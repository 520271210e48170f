"""A line of stations: the main path in a row, other states beneath, jumps and returns over it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import ceil

from statechart.formats.svg.across import rows
from statechart.formats.svg.framing import framed
from statechart.formats.svg.geometry import Plan, Rectangle, bounds_of
from statechart.formats.svg.parts import Channel, Jump, Line, Phase, Route
from statechart.formats.svg.routing import routed
from statechart.formats.svg.sketch import TEXT_SIDE, Sketch, bridge, names
from statechart.formats.svg.spacing import Spacing, part, place, spacing, widen
from statechart.formats.svg.stations import phases
from statechart.formats.svg.tracks import free_parts, ordered, touching
from statechart.picture import Picture

PAGE_WIDTH = 1280.0
"""The width of a page that is read on a screen."""

_ROUNDS = 8
_NEARLY = 0.01
_SQUEEZE = 1.35
"""How much longer than a page a line may be: letters stay legible if a browser makes it fit."""
_TIGHT = 1.15
"""How much longer than a page the parts of a line that was broken may be: fewer of them are better."""
_WHOLE_PHASE = 200.0
_LINE_GAP, _BAND_GAP = 30.0, 56.0
_GATE_TRACK = 9.0


def plan(picture: Picture, *, upright: bool = False, width: float = PAGE_WIDTH) -> Plan:
    """Return where the states and transitions of a picture are.

    Args:
        picture: The picture.
        upright: Whether the line runs from top to bottom.
        width: The width of the page, in which a long line goes on in further lines.
    """
    sketches, jumps = _sketched(picture, (), upright=upright)
    if not upright:
        breaks = _breaks(sketches[0], width)
        if breaks:
            sketches, jumps = _sketched(picture, breaks, upright=upright)
    boxes = [box for sketch in sketches for box in sketch.boxes()]
    wires = [wire for sketch in sketches for wire in sketch.wires()]
    wires += [bridge(jump, sketches) for jump in jumps]
    labels = [label for sketch in sketches for label in sketch.labels()]
    bands = [band for sketch in sketches for band in sketch.bands()]
    areas = [band for band, _ in bands]
    placed: list[Rectangle] = []
    if upright:  # Otherwise the names of phases have a place that nothing else enters.
        placed = [*(box.rectangle for box in boxes), *(label.rectangle for label in labels)]
        placed += [bounds_of(pair) for wire in wires for pair in pairwise(wire.points)]
    labels += names(bands, placed)
    return framed(picture, boxes=boxes, wires=wires, labels=labels, bands=areas)


def _sketched(picture: Picture, breaks: Sequence[int], *, upright: bool) -> tuple[list[Sketch], list[Jump]]:
    """Return the lines with all positions, and what leads between them."""
    lines, jumps = routed(picture, breaks, upright=upright)
    bounded = _whole([phases(picture, line) for line in lines], picture)
    orders = []
    for line, named in zip(lines, bounded, strict=True):
        if upright:
            # Boxes of one breadth leave a straight edge, along which upright tracks can run.
            _level_out(line)
        orders.append(_fitted(line, named, upright=upright))
    _open_gates(lines, jumps)
    sketches: list[Sketch] = []
    for line, order, named in zip(lines, orders, bounded, strict=True):
        found = rows(line, order, upright=upright)
        shift = 0.0
        if sketches:
            before = sketches[-1]
            gap = _BAND_GAP if before.bounded or named else _LINE_GAP
            shift = before.shift + before.rows.bottom + gap - found.top
        sketches.append(Sketch(line, found, upright, named, shift))
    return sketches, jumps


def _whole(bounded: Sequence[Sequence[Phase]], picture: Picture) -> list[list[Phase]]:
    """Return the phases of each line without those that have other states elsewhere."""
    shown = Counter(phase.name for phases in bounded for phase in phases for _ in phase.stations)
    whole = {name for name, members in picture.boxes.items() if shown[name] == len(members)}
    return [[phase for phase in phases if phase.name in whole] for phases in bounded]


def _open_gates(lines: Sequence[Line], jumps: Sequence[Jump]) -> None:
    """Put the gates of all lines under each other, and give each jump a place at them."""
    last = max(line.gates[1].centre for line in lines)
    for line in lines:
        line.gates[1].centre = last
    counts = {True: 0, False: 0}
    # The farther a jump leads, the farther outside it runs.
    for jump in sorted(jumps, key=lambda jump: abs(jump.lines[0] - jump.lines[1])):
        offset = counts[jump.is_right] * _GATE_TRACK
        counts[jump.is_right] += 1
        ports = [jump.end.source, *([jump.start.target] if jump.start is not None else [])]
        for port in ports:
            port.offset = offset if jump.is_right else -offset


def _breaks(sketch: Sketch, width: float) -> list[int]:
    """Return the columns where a line that is too long for a page goes on in another."""
    columns = sketch.line.columns
    length = columns[-1].end
    if length <= width * _SQUEEZE or len(columns) == 1:
        return []
    # Parts of equal length look better than full lines and a short rest.
    count = ceil(length / (width * _TIGHT))
    inner = {column for phase in sketch.bounded for column in range(*phase.columns)[1:]}
    places = {column: columns[column].start for column in range(1, len(columns))}
    found = {
        min(
            places,
            key=lambda column: (
                abs(places[column] - length * number / count) + (_WHOLE_PHASE if column in inner else 0.0)
            ),
        )
        for number in range(1, count)
    }
    return sorted(found)


def _level_out(line: Line) -> None:
    """Give the stations of each row the same extent across an upright line."""
    for stations in (line.columns, [station for others in line.beneath for station in others]):
        for station in stations:
            station.across = max(each.across for each in stations)


def _fitted(line: Line, bounded: Sequence[Phase], *, upright: bool) -> Mapping[Channel, Sequence[Route]]:
    """Place the stations so that each text has room; return the routes of each channel in order."""
    wanted = spacing(line, bounded, upright=upright)
    orders = _placed(line, wanted)
    # Room for some texts moves stations, and may bring the routes of others together.
    for _ in range(_ROUNDS):
        pairs = list(touching(orders[Channel.BETWEEN]))
        for pair in pairs:
            part(*pair, wanted)
        # Upright, texts are beside the stations, and have all the room that they need.
        if not pairs and (upright or not _widened(line, orders, wanted)):
            break
        orders = _placed(line, wanted)
    return orders


def _placed(line: Line, wanted: Spacing) -> Mapping[Channel, Sequence[Route]]:
    place(line, wanted)
    return {channel: ordered(line.within(channel), channel) for channel in Channel}


def _widened(line: Line, orders: Mapping[Channel, Sequence[Route]], wanted: Spacing) -> bool:
    """Ask for room for each label that has too little; return whether there are any."""
    found = False
    for order in orders.values():
        for route in order:
            parts = free_parts(route, order, line)
            low, high = route.free = parts[0]
            room = route.text.width + 2 * TEXT_SIDE
            missing = room - (high.at - low.at)
            if missing <= _NEARLY:
                continue
            # The best part that can be widened: some are between ports whose order is fixed.
            if any(widen(*ends, room, wanted) for ends in parts):
                found = True
            elif route.is_loop:
                found = widen(route.low, route.high, route.high.at - route.low.at + missing, wanted)
    return found
