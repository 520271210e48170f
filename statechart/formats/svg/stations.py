"""The places of states: on the line, or beneath one of its stations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf

from statechart.formats.main_path import main_path
from statechart.formats.svg.metrics import SMALL_SIZE, text_width
from statechart.formats.svg.parts import GATE, Line, Phase, Station
from statechart.formats.svg.texts import box_size, name_lines, small_lines
from statechart.picture import Node, Picture


def lines(picture: Picture, breaks: Sequence[int], *, upright: bool) -> list[Line]:
    """Return the stations of a picture, in one line or several.

    Args:
        picture: The picture.
        breaks: The columns where a further line begins.
        upright: Whether the lines run from top to bottom.
    """
    nodes = {node.id: node for node in picture.nodes}
    states = _main_states(picture)
    hung = _hung(picture, states)
    begins, ends = [0, *breaks], [*breaks, len(states)]
    found = []
    for begin, end in zip(begins, ends, strict=True):
        gates = (
            Station(Node("", ""), GATE, -1.0, (), ()),
            Station(Node("", ""), GATE, inf, (), ()),
        )
        line = Line([], [], gates)
        for column, state in enumerate(states[begin:end]):
            line.columns.append(_station(nodes[state], 0, column, upright=upright))
            under = [other for other in hung if hung[other] == state]
            line.beneath.append(
                [
                    _station(nodes[other], 1, column + rank / (len(under) + 1), upright=upright)
                    for rank, other in enumerate(under)
                ]
            )
        found.append(line)
    return found


def _main_states(picture: Picture) -> list[str]:
    """Return the states of the line: the main path, and final states that all others lead to."""
    states = main_path(picture, to_final=True)
    finals = {node.id for node in picture.nodes if node.final}
    led_to = {arrow.target for arrow in picture.arrows if arrow.source in states}
    last = (note.state for note in picture.notes if note.arrows and note.state in finals - led_to)
    return list(dict.fromkeys([*states, *last]))


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


def phases(picture: Picture, line: Line) -> list[Phase]:
    """Return the phases whose states are side by side."""
    found = list(_phases(picture, line))
    if not any(phase.is_row for phase in found):
        return found
    # Phases in a row look alike, also those that have room beneath.
    return [replace(phase, is_row=all(not station.row for station in phase.stations)) for phase in found]


def _phases(picture: Picture, line: Line) -> Iterator[Phase]:
    for name, members in picture.boxes.items():
        stations = [station for station in line.stations() if station.node.id in members]
        if not stations:
            continue
        phase = Phase(name, text_width(name, SMALL_SIZE), stations, is_row=False)
        columns = range(*phase.columns)
        row = [line.columns[column] for column in columns]
        if set(stations) == {*row, *(each for column in columns for each in line.beneath[column])}:
            yield phase
        elif set(stations) == set(row):
            yield replace(phase, is_row=True)
