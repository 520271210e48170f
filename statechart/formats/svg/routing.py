"""Stations for states, and a route for each transition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from statechart.formats.main_path import main_path
from statechart.formats.svg.parts import ABOVE, BELOW, Channel, Line, Port, Route, Station, Straight
from statechart.formats.svg.texts import Inscription, box_size, inscription, lead, name_lines, small_lines
from statechart.picture import Node, Picture

_LEFT, _STRAIGHT, _RIGHT = 0, 1, 2
_TEXT_GAP = 6.0
_LOOP = 22.0


def routed(picture: Picture, *, upright: bool) -> Line:
    """Return the stations and routes of a picture, without positions."""
    line = _arranged(picture, upright=upright)
    by_state = {station.node.id: station for station in line.stations()}
    taken: set[int] = set()
    for index, arrow in enumerate(picture.arrows):
        source, target = by_state[arrow.source], by_state[arrow.target]
        text = inscription(arrow, narrow=upright)
        column = int(source.place)
        if source.row == target.row == 0 and target.place == source.place + 1 and column not in taken:
            taken.add(column)
            line.straights.append(Straight(index, text, source, target))
        elif source.place == target.place and source is not target:
            line.drops.append(_drop(index, text, source, target, upright=upright))
        else:
            line.routes.append(_route(index, text, source, target, line, upright=upright))
    _move_below(line)
    for rank, route in enumerate(line.routes):
        _connect(route, rank, upright=upright)
    _nest_loops(line, upright=upright)
    _leads(picture, line, by_state, upright=upright)
    return line


def _arranged(picture: Picture, *, upright: bool) -> Line:
    nodes = {node.id: node for node in picture.nodes}
    states = main_path(picture, to_final=True)
    led_to = {arrow.target for arrow in picture.arrows if arrow.source in states}
    states += dict.fromkeys(
        note.state
        for note in picture.notes
        if note.arrows and nodes[note.state].final and note.state not in (*states, *led_to)
    )
    hung = _hung(picture, states)
    columns, beneath = [], []
    for column, state in enumerate(states):
        columns.append(_station(nodes[state], 0, column, upright=upright))
        under = [other for other in hung if hung[other] == state]
        beneath.append(
            [
                _station(nodes[other], 1, column + rank / (len(under) + 1), upright=upright)
                for rank, other in enumerate(under)
            ]
        )
    return Line(columns, beneath)


def _hung(picture: Picture, states: list[str]) -> Mapping[str, str]:
    """Return the state of the line on which each other state hangs: the last that leads there."""
    places = {state: place for place, state in enumerate(states)}
    phases = {member: name for name, members in picture.boxes.items() for member in members}
    hung: dict[str, str] = {}
    rest = [node.id for node in picture.nodes if node.id not in places]
    while rest:
        before = len(rest)
        for state in list(rest):
            sources = [
                hung.get(arrow.source, arrow.source)
                for arrow in picture.arrows
                if arrow.target == state and hung.get(arrow.source, arrow.source) in places
            ]
            near = [source for source in sources if state in phases and phases.get(source) == phases[state]]
            if sources:
                hung[state] = max(near or sources, key=places.__getitem__)
                rest.remove(state)
        if len(rest) == before:
            targets = [a.target for a in picture.arrows if a.source == rest[0] and a.target in places]
            hung[rest.pop(0)] = max(targets, key=places.__getitem__, default=states[-1])
    return hung


def _station(node: Node, row: int, place: float, *, upright: bool) -> Station:
    lines, small = name_lines(node, narrow=upright), small_lines(node.actions, narrow=upright)
    station = Station(node, row, place, lines, small)
    station.resize(*box_size(lines, small), upright=upright)
    return station


def _leads(picture: Picture, line: Line, by_state: Mapping[str, Station], *, upright: bool) -> None:
    """Say at stations which transitions lead there from everywhere."""
    entered = {straight.target for straight in line.straights}
    for note in picture.notes:
        if not note.arrows:
            continue
        station = by_state[note.state]
        text = lead(note, picture, narrow=upright)
        if station.row == 0 and station.place and station not in entered and station.lead is None:
            station.lead = text
        else:
            station.small = (*station.small, *text.lines)
            station.resize(*box_size(station.lines, station.small), upright=upright)


def _drop(index: int, text: Inscription, source: Station, target: Station, *, upright: bool) -> Route:
    down = source.row == 0
    key = (_STRAIGHT, 1.0 if down else 0.0, index)
    ports = [Port(station, BELOW if station.row == 0 else ABOVE, key) for station in (source, target)]
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
    for route in line.within(Channel.OVER):
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
        source.key, target.key = (_STRAIGHT, 2.0, -rank), (_STRAIGHT, 2.0, 1.0 + rank)
    else:
        source.key, target.key = _key(source, target, rank), _key(target, source, rank)
    if upright:
        source.before = route.text.height + _TEXT_GAP
    for port in (source, target):
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


def phases(picture: Picture, line: Line) -> Iterator[tuple[str, list[Station]]]:
    """Yield the phases whose states are side by side, each with its stations."""
    for name, members in picture.boxes.items():
        stations = [station for station in line.stations() if station.node.id in members]
        columns = sorted({int(station.place) for station in stations})
        whole = [station for column in columns for station in (line.columns[column], *line.beneath[column])]
        if columns and columns[-1] - columns[0] + 1 == len(columns) and len(whole) == len(stations):
            yield name, stations
