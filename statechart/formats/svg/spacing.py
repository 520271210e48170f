"""Positions along the line: ports on their stations, and stations in a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from statechart.formats.svg.parts import Line, Phase, Port, Station

_PORT_GAP = 13.0
_PORT_MARGIN = 14.0
_LEAST_GAP = 32.0
_LEAD_GAP = 44.0
_TEXT_MARGIN = 6.0
_BESIDE = 18.0
_GATE_GAP = 40.0
_FENCE, _FENCE_UPRIGHT = 26.0, 38.0


@dataclass(slots=True)
class Spacing:
    """How far things are apart, at least.

    Attributes:
        gaps: The room between each station of the line and the next.
        upright: Whether the line runs from top to bottom.
        fences: The room before each column where a phase begins or ends, for all that is beneath it, too.
        names: The first column of the phase that ends before a column, and the width of its name.
        distances: Pairs of ports, the first before the second, with their least distance.
    """

    gaps: list[float]
    upright: bool
    fences: dict[int, float] = field(default_factory=dict)
    names: dict[int, tuple[int, float]] = field(default_factory=dict)
    distances: list[tuple[Port, Port, float]] = field(default_factory=list)


def spacing(line: Line, phases: Sequence[Phase], *, upright: bool) -> Spacing:
    """Return the room that texts need, without what is learnt from their neighbours."""
    gaps = [_LEAST_GAP] * len(line.columns)
    for straight in line.straights:
        text = straight.text
        room = (text.height if upright else text.width) + 2 * _TEXT_MARGIN
        gaps[int(straight.source.place)] = max(gaps[int(straight.source.place)], room)
    for station in line.columns[1:]:
        if station.lead is not None:
            room = (station.lead.height if upright else station.lead.width) + 2 * _TEXT_MARGIN
            gaps[int(station.place) - 1] = max(_LEAD_GAP, room)
    if line.tail is not None:
        gaps[-1] = max(gaps[-1], line.tail.text.width + 2 * _TEXT_MARGIN)
    found = Spacing(gaps, upright)
    for phase in phases:
        for column in phase.columns:
            found.fences[column] = _FENCE_UPRIGHT if upright else _FENCE
        if not upright:
            begin, end = phase.columns
            found.names[end] = begin, phase.width
    for route in line.routes:
        if not route.is_loop:
            room = 2 * _TEXT_MARGIN if upright else route.text.width + 2 * _TEXT_MARGIN
            first, last = sorted((route.source, route.target), key=lambda port: port.station.place)
            found.distances.append((first, last, room))
    return found


def place(line: Line, wanted: Spacing) -> None:
    """Give every station and port its position along the line."""
    before: dict[Station, list[tuple[Port, Port, float]]] = {}
    for one, two, room in wanted.distances:
        before.setdefault(two.station, []).append((one, two, room))
    for station in line.stations():
        _spread(station, upright=wanted.upright)
    ends = [_GATE_GAP if line.indented else 0.0] * 2
    starts: list[float] = []
    for column, station in enumerate(line.columns):
        gap = wanted.gaps[column - 1] if column else 0.0
        fence = _fence(column, wanted, ends, starts) if column else 0.0
        least = max(ends[0] + gap, fence) + station.extent[0]
        first = line.beneath[column][:1]
        for each in first:
            least = max(least, max(ends[1] + _BESIDE, fence) + each.reach[0])
        for each in (station, *first):
            least = max(least, _least(before.get(each, ())))
        # The first state beneath has the same centre, so that the drop to it is straight.
        for each in (station, *first):
            each.centre = least
        starts.append(min(each.centre - each.reach[0] for each in (station, *first)))
        ends[0] = station.end
        ends[1] = max([ends[1], *(each.centre + each.reach[1] for each in first)])
        for other in line.beneath[column][1:]:
            close = max(ends[1] + _BESIDE, fence) + other.reach[0]
            other.centre = max(close, _least(before.get(other, ())))
            ends[1] = other.centre + other.reach[1]
    last_gate = line.gates[1]
    fence = _fence(len(line.columns), wanted, ends, starts)
    last_gate.centre = max([*ends, ends[0] + wanted.gaps[-1], fence, _least(before.get(last_gate, ()))])


def _fence(column: int, wanted: Spacing, ends: Sequence[float], starts: Sequence[float]) -> float:
    """Return where a column may begin at the earliest, beside a phase and its name."""
    if column not in wanted.fences:
        return 0.0
    first, width = wanted.names.get(column, (0, 0.0))
    return max(*ends, starts[first] + width) + wanted.fences[column]


def _least(distances: Sequence[tuple[Port, Port, float]]) -> float:
    return max((one.at + room - two.offset for one, two, room in distances), default=0.0)


def _spread(station: Station, *, upright: bool) -> None:
    """Spread the ports of each side around the centre, and widen the station for them."""
    extent = [station.along / 2, station.along / 2]
    reach = list(extent)
    for ports in station.sides:
        if ports:
            _spread_side(ports)
            first, last = ports[0], ports[-1]
            # Upright, the text before a port is beside the box, and must not reach beyond.
            margin = max(_PORT_MARGIN, first.before) if upright else _PORT_MARGIN
            extent = [max(extent[0], margin - first.offset), max(extent[1], _PORT_MARGIN + last.offset)]
            reach = [max(reach[0], first.before - first.offset), max(reach[1], last.after + last.offset)]
    station.extent = extent[0], extent[1]
    station.reach = max(reach[0], extent[0]), max(reach[1], extent[1])


def _spread_side(ports: list[Port]) -> None:
    ports.sort(key=lambda port: port.key)
    # Ports are spread by what stands beside them, and only then centred: texts decide about the width.
    positions = [0.0]
    for one, two in pairwise(ports):
        positions.append(positions[-1] + max(_PORT_GAP, one.after + two.before))
    # Routes that run straight across have the same positions at both ends.
    middle = [at for at, port in zip(positions, ports, strict=True) if port.twin is not None] or positions
    centre = (middle[0] + middle[-1]) / 2
    for port, at in zip(ports, positions, strict=True):
        port.offset = at - centre


def part(upper: Port, lower: Port, wanted: Spacing) -> None:
    """Move apart two ports on different rows that are at the same position."""
    first, last = sorted((upper, lower), key=lambda port: (port.station.place, port.at))
    # On two columns the stations can move; in one column only the ports can, on their own side.
    if first.station.place < last.station.place:
        wanted.distances.append((first, last, _PORT_GAP))
    elif lower.offset < 0:
        lower.after += _PORT_GAP
    else:
        lower.before += _PORT_GAP


def widen(low: Port, high: Port, room: float, wanted: Spacing) -> bool:
    """Ask for room between two ports; return whether the order of stations allows it."""
    if low.station is high.station and low.side == high.side:
        missing = room - (high.at - low.at)
        for port in (low, low.twin) if low.twin is not None else (low,):
            port.after += missing
        return True
    if low.station.place > high.station.place or low.station is high.station:
        return False
    wanted.distances.append((low, high, room))
    return True
