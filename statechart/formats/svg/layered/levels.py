"""Where stations and edges are across: apart from each other, and as straight as they can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from statechart.formats.svg.layered.placing import Distance, Spring, placed
from statechart.formats.svg.layered.sheet import Sheet
from statechart.formats.svg.layered.sides import Sides

_APART = 22.0  # between two stations
_BESIDE = 12.0  # between a wire and whatever is beside it
_JOINT = 3.0  # the weight of an edge's own parts
_FAINT = 0.1  # the weight of a station without edges


@dataclass(frozen=True, slots=True)
class Levels:
    """Positions across.

    Attributes:
        middles: The middle of each station.
        bends: Each edge in each half-layer that it passes.
    """

    middles: list[float]
    bends: Mapping[tuple[int, int], float]


def levels(sheet: Sheet, sides: Sides) -> Levels:
    """Return where stations and edges are across."""
    count = len(sheet.stations)
    variables = _shared(sheet)
    # Without a spring, a station without edges would be wherever its neighbours push it.
    linked = {station for ends in sheet.ends for station in ends}
    springs = [Spring(0, station, 0.0, _FAINT) for station in range(count) if station not in linked]
    broken = _broken(sheet)
    used = count
    for index in range(len(sheet.edges)):
        if index in sheet.main:
            continue
        span = sheet.span(index)
        for layer in span:
            # An edge is one variable for as long as it can be straight: it can't bend by chance.
            if layer == span[0] or (index, layer) in broken:
                if layer != span[0]:
                    springs.append(Spring(used - 1, used, 0.0, _JOINT))
                used += 1
            variables[sheet.item(index), layer] = used - 1
        springs += _pulls(index, sheet, sides, variables)
    values = placed(used, list(_distances(sheet, sides, variables)), springs)
    return Levels(
        [values[variables[station, sheet.layer(station)]] for station in range(count)],
        {
            (sheet.edge(item), layer): values[variable]
            for (item, layer), variable in variables.items()
            if item >= count
        },
    )


def _shared(sheet: Sheet) -> dict[tuple[int, int], int]:
    """Return a variable for each station; those of the main path share one with its edges, in one line."""
    variables = {(station, sheet.layer(station)): station for station in range(len(sheet.stations))}
    # From the beginning of the path on, since each edge takes the variable of its upper station.
    for index in sorted(sheet.main, key=lambda index: sheet.span(index)[0]):
        upper, lower = sheet.ends[index]
        shared = variables[upper, sheet.layer(upper)]
        variables.update({(sheet.item(index), layer): shared for layer in sheet.span(index)})
        variables[lower, sheet.layer(lower)] = shared
    return variables


def _pulls(
    index: int, sheet: Sheet, sides: Sides, variables: Mapping[tuple[int, int], int]
) -> Iterator[Spring]:
    """Yield the pulls of an edge to its stations: the fewer edges a station has, the stronger."""
    span = sheet.span(index)
    for station, is_lower, layer in zip(sheet.ends[index], (True, False), (span[0], span[-1]), strict=True):
        side = sides.sides[station, is_lower]
        here = variables[station, sheet.layer(station)]
        there = variables[sheet.item(index), layer]
        yield Spring(here, there, side.offset(index), 1 + 1 / len(side.edges))


def _distances(sheet: Sheet, sides: Sides, variables: Mapping[tuple[int, int], int]) -> Iterator[Distance]:
    widest: dict[tuple[int, int], float] = {}
    count = len(sheet.stations)
    for number, layer in enumerate(sheet.layers):
        rooms = [_room(item, number, sheet, sides) for item in layer]
        for place, (one, other) in enumerate(pairwise(layer)):
            # Straight edges are neighbours in many layers, and the widest of these rooms holds for all.
            key = variables[one, number], variables[other, number]
            apart = _APART if one < count and other < count else _BESIDE
            least = rooms[place][1] + apart + rooms[place + 1][0]
            widest[key] = max(widest.get(key, 0.0), least)
    return (Distance(first, second, least) for (first, second), least in widest.items())


def _room(item: int, layer: int, sheet: Sheet, sides: Sides) -> tuple[float, float]:
    """Return the room of an item across, before and behind its line."""
    if item < len(sheet.stations):
        half = sides.breadths[item] / 2
        return half, half + sheet.stations[item].behind
    index = sheet.edge(item)
    tag = sheet.edges[index].tag
    return (tag.before, tag.after) if sheet.tagged[index] == layer else (0.0, 0.0)


def _broken(sheet: Sheet) -> set[tuple[int, int]]:
    """Return the half-layers into which edges can't be straight, since they cross others there."""
    broken: set[tuple[int, int]] = set()
    # The main path is never broken, and long edges rather stay straight than short ones.
    order = sorted(
        range(len(sheet.edges)), key=lambda index: (index not in sheet.main, -len(sheet.span(index)))
    )
    for number in range(len(sheet.layers) - 1):
        kept: list[tuple[int, int]] = []
        for index in order:
            span = sheet.span(index)
            is_within = number in span and number + 1 in span
            if not (is_within or index in sheet.main):
                continue
            step = sheet.step(index, number)
            if step is None:
                continue
            if any((step[0] < other[0]) != (step[1] < other[1]) for other in kept):
                broken.add((index, number + 1))
            else:
                kept.append(step)
    return broken
