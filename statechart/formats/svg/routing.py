"""Stations for states, and a route for each transition."""

from __future__ import annotations

from collections.abc import Sequence

from statechart.formats.svg.parts import (
    ABOVE,
    BELOW,
    Channel,
    Jump,
    Line,
    Port,
    Route,
    Station,
    Straight,
    Tail,
)
from statechart.formats.svg.stations import lines
from statechart.formats.svg.texts import Inscription, box_size, inscription, lead
from statechart.picture import Picture

_LEFT, _STRAIGHT, _RIGHT = 0, 1, 2
_TEXT_GAP = 6.0
_LOOP = 22.0
_NO_TEXT = Inscription((), 0.0, 0.0)


def routed(picture: Picture, breaks: Sequence[int] = (), *, upright: bool) -> tuple[list[Line], list[Jump]]:
    """Return the stations and routes of a picture, without positions, and what leads between lines."""
    found = lines(picture, breaks, upright=upright)
    by_state = {
        station.node.id: (number, station)
        for number, line in enumerate(found)
        for station in line.stations()
    }
    jumps: list[Jump] = []
    for index, arrow in enumerate(picture.arrows):
        (number, source), (other, target) = by_state[arrow.source], by_state[arrow.target]
        text = inscription(arrow, narrow=upright)
        if number == other:
            _within(found[number], index, text, source, target, upright=upright)
        else:
            jumps.append(_jump(found, index, text, (number, source), (other, target)))
    for line in found:
        line.indented = not all(jump.is_right for jump in jumps)
        _move_below(line)
        for rank, route in enumerate(line.routes):
            _connect(route, rank, upright=upright)
        _nest_loops(line, upright=upright)
    entered = {straight.target for line in found for straight in line.straights}
    entered |= {jump.end.target.station for jump in jumps if jump.start is None}
    for note in picture.notes:
        if note.arrows:
            station = by_state[note.state][1]
            text = lead(note, picture, narrow=upright)
            _lead(station, text, is_entered=station in entered, upright=upright)
    return found, jumps


def _within(
    line: Line, index: int, text: Inscription, source: Station, target: Station, *, upright: bool
) -> None:
    """Add a transition between two stations of a line."""
    is_next = source.row == target.row == 0 and target.place == source.place + 1
    if is_next and not any(straight.source is source for straight in line.straights):
        line.straights.append(Straight(index, text, source, target))
    elif source.place == target.place and source is not target:
        line.drops.append(_drop(index, text, source, target, upright=upright))
    else:
        line.routes.append(_route(index, text, source, target, line, upright=upright))


def _jump(
    found: Sequence[Line],
    index: int,
    text: Inscription,
    source: tuple[int, Station],
    target: tuple[int, Station],
) -> Jump:
    """Add a transition between two lines, in a half for each."""
    (number, begin), (other, end) = source, target
    one, two = found[number], found[other]
    goes_on = other == number + 1 and begin is one.columns[-1] and end is two.columns[0]
    # How many columns are between both states and the right end.
    rest = len(one.columns) - begin.place + len(two.columns) - end.place
    # A jump runs around the end of the lines that is nearer to both of its states.
    is_right = goes_on or rest <= begin.place + end.place + 2
    route = None
    if goes_on and one.tail is None:
        one.tail = Tail(index, text)
    else:
        route = _half(index, text, begin, one.gates[is_right], is_out=True)
        one.routes.append(route)
    last = _half(index, _NO_TEXT, end, two.gates[is_right], is_out=False)
    two.routes.append(last)
    return Jump(index, route, begin, last, (number, other), is_right)


def _half(index: int, text: Inscription, station: Station, gate: Station, *, is_out: bool) -> Route:
    channel, side = (Channel.UNDER, BELOW) if station.row else (Channel.OVER, ABOVE)
    port, through = Port(station, side, ()), Port(gate, side, ())
    ends = (port, through) if is_out else (through, port)
    return Route(index, text, *ends, channel)


def _lead(station: Station, text: Inscription, *, is_entered: bool, upright: bool) -> None:
    """Say at a station which transitions lead there from everywhere."""
    if station.row == 0 and station.place and not is_entered and station.lead is None:
        station.lead = text
    else:
        station.small = (*station.small, *text.lines)
        station.resize(*box_size(station.lines, station.small), upright=upright)


def _drop(index: int, text: Inscription, source: Station, target: Station, *, upright: bool) -> Route:
    down = source.row == 0
    key = (_STRAIGHT, 1.0 if down else 0.0, index)
    ports = [Port(station, BELOW if station.row == 0 else ABOVE, key) for station in (source, target)]
    # Twins are kept at one position, since any difference would bend the wire between the rows.
    ports[0].twin, ports[1].twin = ports[1], ports[0]
    for port in ports:
        if upright:
            port.before = text.height + _TEXT_GAP
        elif down:
            port.after = text.width + _TEXT_GAP
        else:
            port.before = text.width + _TEXT_GAP
        port.station.sides[port.side].append(port)
    return Route(index, text, ports[0], ports[1], Channel.BETWEEN)


def _route(
    index: int, text: Inscription, source: Station, target: Station, line: Line, *, upright: bool
) -> Route:
    if source.row != target.row:
        channel = Channel.BETWEEN
    elif source.row:
        # Upright, there is no room for texts beyond the states beneath.
        channel = Channel.BETWEEN if source is target and upright else Channel.UNDER
    elif source is target and not line.beneath[int(source.place)]:
        channel = Channel.BETWEEN
    else:
        channel = Channel.OVER
    side = {Channel.OVER: (ABOVE, ABOVE), Channel.UNDER: (BELOW, BELOW)}.get(
        channel, tuple(ABOVE if station.row else BELOW for station in (source, target))
    )
    return Route(index, text, Port(source, side[0], ()), Port(target, side[1], ()), channel)


def _move_below(line: Line) -> None:
    """Move jumps that cross others over the line to below it, where nothing is in their way."""
    # Two arcs on the same side that interlace always cross; on different sides they never do.
    for route in [route for route in line.within(Channel.OVER) if not route.is_half]:
        others = line.within(Channel.OVER)
        low, high = sorted((route.source.station.place, route.target.station.place))
        if any(_interlaced(route, other) for other in others) and _is_free_below(line, low, high):
            route.channel = Channel.BETWEEN
            route.source.side = route.target.side = BELOW


def _is_free_below(line: Line, low: float, high: float) -> bool:
    if any(line.beneath[int(low) : int(high) + 1]):
        return False
    return not any(
        _spans(route)[0] < high and low < _spans(route)[1]
        for route in line.within(Channel.BETWEEN)
        if not route.is_loop or low < route.source.station.place < high
    )


def _interlaced(one: Route, two: Route) -> bool:
    (a, b), (c, d) = _spans(one), _spans(two)
    return a < c < b < d or c < a < d < b


def _spans(route: Route) -> tuple[float, float]:
    low, high = sorted((route.source.station.place, route.target.station.place))
    return low, high


def _connect(route: Route, rank: int, *, upright: bool) -> None:
    """Give both ports of a route their order on their sides, and room for its text."""
    source, target = route.source, route.target
    if route.is_loop:
        # Loops nest: a later loop is outside, so its ports are around those of earlier loops.
        source.key, target.key = (_STRAIGHT, 2.0, -rank), (_STRAIGHT, 2.0, 1.0 + rank)
    else:
        source.key, target.key = _key(source, target, rank), _key(target, source, rank)
    if upright:
        source.before = route.text.height + _TEXT_GAP
    for port in route.ports:
        port.station.sides[port.side].append(port)


def _nest_loops(line: Line, *, upright: bool) -> None:
    """Make the innermost loop of each side as wide as the texts at all loops around it."""
    inner: dict[tuple[Station, int], Port] = {}
    for route in line.routes:
        if route.is_loop:
            port = inner.setdefault((route.source.station, route.source.side), route.source)
            room = _LOOP if upright else route.text.width + 2 * _TEXT_GAP
            port.after = max(port.after, room, _LOOP)


def _key(port: Port, other: Port, rank: int) -> tuple[float, ...]:
    """Return the order of a port that keeps its route from crossing its neighbours."""
    distance = other.station.place - port.station.place
    is_arc = port.side == other.side
    if distance < 0:
        return (_LEFT, 1.0, -distance, rank) if is_arc else (_LEFT, 0.0, other.station.place, rank)
    return (_RIGHT, 0.0, -distance, -rank) if is_arc else (_RIGHT, 1.0, other.station.place, rank)
