"""The arrangement of stations in layers, with a way for each edge that meets no station and no label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from statechart.formats.svg.layered.levels import Levels, levels
from statechart.formats.svg.layered.sheet import Edge, Sheet, Station, sheet
from statechart.formats.svg.layered.sides import Sides, sides

_GAP = 20.0  # between two half-layers, at least
_WIDEST_GAP = 64.0
_STEEPNESS = 0.16  # of a gap, for each unit that an edge has to climb in it


@dataclass(frozen=True, slots=True)
class Stretch:
    """A straight part of a way."""

    start: float
    end: float
    across: float


@dataclass(frozen=True, slots=True)
class Way:
    """The way of an edge from its source to its target.

    Attributes:
        stretches: The straight parts, in order, from box to box.
        tag: The middle of the label: along, and across on the edge.
    """

    stretches: Sequence[Stretch]
    tag: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Where everything is.

    Attributes:
        places: The middle of each box: along and across.
        breadths: The length of each box across.
        ways: The way of each edge.
        crossings: How often edges cross.
    """

    places: Sequence[tuple[float, float]]
    breadths: Sequence[float]
    ways: Sequence[Way]
    crossings: int


def arranged(stations: Sequence[Station], edges: Sequence[Edge], spine: Sequence[int]) -> Arrangement:
    """Arrange stations and edges.

    Args:
        stations: The stations, as declared, the initial one first.
        edges: The edges; none leads to its own source.
        spine: The stations of the main path, which is straight; it begins at the first station.
    """
    found = sheet(stations, edges, spine)
    ports = sides(found)
    across = levels(found, ports)
    met = ports.met(across.middles, across.bends)
    layers = _along(found, across, met)
    places = [
        (sum(layers[found.layer(station)]) / 2, middle) for station, middle in enumerate(across.middles)
    ]
    ways = []
    for index in range(len(edges)):
        tagged = found.tagged[index]
        stretches = list(_stretches(index, ports, across, layers, met[index]))
        # Edges are laid out downwards, and only their arrowheads know the direction.
        if found.leads_back(index):
            stretches = [Stretch(part.end, part.start, part.across) for part in reversed(stretches)]
        ways.append(Way(stretches, (sum(layers[tagged]) / 2, across.bends[index, tagged])))
    return Arrangement(places, ports.breadths, ways, _crossings(found))


def _stretches(
    index: int,
    ports: Sides,
    across: Levels,
    layers: Sequence[tuple[float, float]],
    met: tuple[float, float],
) -> Iterator[Stretch]:
    """Yield the straight parts of an edge from its upper to its lower station."""
    # Beside a box that is shorter than others of its layer, an edge has to go straight.
    upper, lower = ports.sheet.ends[index]
    top, bottom = layers[ports.sheet.layer(upper)], layers[ports.sheet.layer(lower)]
    depth = ports.depth(upper, met[0] - across.middles[upper])
    yield Stretch(sum(top) / 2 + depth, top[1], met[0])
    for layer in ports.sheet.span(index):
        yield Stretch(*layers[layer], across.bends[index, layer])
    depth = ports.depth(lower, met[1] - across.middles[lower])
    yield Stretch(bottom[0], sum(bottom) / 2 - depth, met[1])


def _along(sheet: Sheet, across: Levels, met: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return where each half-layer starts and ends, along."""
    climbs = [0.0] * len(sheet.layers)
    for index in range(len(sheet.edges)):
        span = sheet.span(index)
        values = [met[index][0], *(across.bends[index, layer] for layer in span), met[index][1]]
        for layer, (one, other) in enumerate(pairwise(values), span[0] - 1):
            climbs[layer] = max(climbs[layer], abs(other - one))
    found, here = [], 0.0
    for layer, climb in enumerate(climbs):
        end = here + _thickness(layer, sheet)
        found.append((here, end))
        # A curve that climbs far in a short gap looks like a corner; a very wide gap looks like a break.
        here = end + min(_GAP + climb * _STEEPNESS, _WIDEST_GAP)
    return found


def _thickness(layer: int, sheet: Sheet) -> float:
    if layer % 2:
        tags = (sheet.edges[index].tag for index, tagged in enumerate(sheet.tagged) if tagged == layer)
        return max((tag.along for tag in tags), default=0.0)
    stations = (station for index, station in enumerate(sheet.stations) if sheet.layer(index) == layer)
    return max((station.along + 2 * station.overhang for station in stations), default=0.0)


def _crossings(sheet: Sheet) -> int:
    """Count how often edges cross, in all gaps."""
    count = 0
    for number in range(len(sheet.layers) - 1):
        steps = [sheet.step(index, number) for index in range(len(sheet.edges))]
        pairs = combinations(sorted(step for step in steps if step is not None), 2)
        count += sum(one[0] < other[0] and one[1] > other[1] for one, other in pairs)
    return count
