"""The arrangement of stations in layers, with a way for each edge that meets no station and no label.

It knows no left, right, up or down: `along` is the direction of the edges, `across` the other one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from math import sqrt

from statechart.formats.svg.layered.ordering import ordered
from statechart.formats.svg.layered.placing import Distance, Spring, levelled, placed
from statechart.formats.svg.layered.ranking import ranks

PORT = 11.0  # between two ports on a side
_NARROW_PORT = 8.5  # at least, where the main path needs the middle
_MARGIN = 9.0  # between a port and the corner of its box
_APART = 22.0  # between two stations
_BESIDE = 12.0  # between a wire and whatever is beside it
_GAP = 20.0  # between two layers, at least; half of what is between two layers of stations
_WIDEST_GAP = 64.0
_STEEPNESS = 0.16  # of a gap, for each unit that an edge has to climb in it
_JOINT = 3.0  # the weight of an edge's own parts
_FAINT = 0.1  # the weight of a station without edges


@dataclass(frozen=True, slots=True)
class Station:
    """The room of a state: its box, and what hangs on the box behind it.

    Attributes:
        along: The length of the box along the edges.
        across: The length of the box across them; it grows if its sides have too little room for edges.
        behind: More room across, behind the box.
        overhang: More room along, at each end of the box.
        corner: The radius of the corners of the box.
    """

    along: float
    across: float
    behind: float = 0.0
    overhang: float = 0.0
    corner: float = 0.0


@dataclass(frozen=True, slots=True)
class Tag:
    """The room of a label: along its edge, and across before and behind the edge."""

    along: float = 0.0
    before: float = 0.0
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Edge:
    """A link between two different stations, with the room of its label."""

    source: int
    target: int
    tag: Tag = Tag()


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
        stretches: The straight parts, in order; the first and the last are points on the boxes.
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
        crossings: How many edges cross.
    """

    places: Sequence[tuple[float, float]]
    breadths: Sequence[float]
    ways: Sequence[Way]
    crossings: int


def arranged(stations: Sequence[Station], edges: Sequence[Edge], spine: Sequence[int]) -> Arrangement:
    """Arrange stations and edges. The first station is the initial one.

    Args:
        stations: The stations, as declared.
        edges: The edges; none leads to its own source.
        spine: The stations of the main path, which is straight; it begins at the first station.
    """
    return _Sheet(stations, edges, spine).arrangement()


class _Sheet:
    """Half-layers: those of stations are even, those of labels odd.

    Items of a half-layer are stations, by their index, and edges, by their index and the number of stations
    more. An edge is in each half-layer that it passes.
    """

    def __init__(self, stations: Sequence[Station], edges: Sequence[Edge], spine: Sequence[int]) -> None:
        self._stations, self._edges = stations, edges
        self._ranks = ranks(len(stations), [(edge.source, edge.target) for edge in edges])
        # An edge that leads back is laid out from its target to its source.
        self._ends = [
            (edge.source, edge.target)
            if self._ranks[edge.source] < self._ranks[edge.target]
            else (edge.target, edge.source)
            for edge in edges
        ]
        self._linked = {station for ends in self._ends for station in ends}
        self._spine = self._main_edges(spine)
        self._layers = self._half_layers()
        self._place = {
            (item, number): index
            for number, layer in enumerate(self._layers)
            for index, item in enumerate(layer)
        }
        self._tagged = self._tag_layers()
        self._sides = self._ports()
        self._breadths = [self._breadth(index) for index in range(len(stations))]

    def _main_edges(self, spine: Sequence[int]) -> set[int]:
        """Return an edge for each step of the main path, as far as all lead forward."""
        forward = {
            (upper, lower): index
            for index, (upper, lower) in reversed(list(enumerate(self._ends)))
            if upper == self._edges[index].source
        }
        return {forward[step] for step in takewhile(forward.__contains__, pairwise(spine))}

    def _half_layers(self) -> list[list[int]]:
        count = len(self._stations)
        depth = max(self._ranks, default=0) + 1
        layers: list[list[int]] = [[] for _ in range(depth)]
        for station, rank in enumerate(self._ranks):
            layers[rank].append(station)
        # Each bend is a vertex of its own here: the number of its rank and of its edge.
        bends: dict[int, int] = {}
        links: list[tuple[int, int]] = []
        for index, (upper, lower) in enumerate(self._ends):
            last = upper
            for rank in range(self._ranks[upper] + 1, self._ranks[lower]):
                bend = count + len(bends)
                bends[bend] = count + index
                layers[rank].append(bend)
                links.append((last, bend))
                last = bend
            links.append((last, lower))
        even = [[bends.get(vertex, vertex) for vertex in layer] for layer in ordered(layers, links)]
        halves: list[list[int]] = []
        for rank, layer in enumerate(even):
            halves.append(layer)
            if rank + 1 < depth:
                halves.append(self._between(rank, layer, even[rank + 1]))
        return halves

    def _between(self, rank: int, layer: Sequence[int], following: Sequence[int]) -> list[int]:
        """Return the edges between two layers in an order that adds no crossing."""
        count = len(self._stations)
        above = {item: index for index, item in enumerate(layer)}
        below = {item: index for index, item in enumerate(following)}
        keys: dict[int, tuple[int, bool, int]] = {}
        for index, (upper, lower) in enumerate(self._ends):
            if self._ranks[upper] <= rank < self._ranks[lower]:
                start = above[upper if self._ranks[upper] == rank else count + index]
                end = below[lower if self._ranks[lower] == rank + 1 else count + index]
                keys[count + index] = (start + end, upper != self._edges[index].source, index)
        return sorted(keys, key=keys.__getitem__)

    def _span(self, index: int) -> range:
        """Return the half-layers that an edge passes."""
        upper, lower = self._ends[index]
        return range(2 * self._ranks[upper] + 1, 2 * self._ranks[lower])

    def _tag_layers(self) -> list[int]:
        """Return the half-layer of each label: the middle, or where longer labels are already."""
        room: dict[int, float] = {}
        chosen = [0] * len(self._edges)
        for index in sorted(range(len(self._edges)), key=lambda index: len(self._span(index))):
            span, need = self._span(index)[::2], self._edges[index].tag.along
            middle = (span[0] + span[-1]) / 2
            chosen[index] = min(
                span, key=lambda layer: (max(need - room.get(layer, 0.0), 0.0), abs(layer - middle))
            )
            room[chosen[index]] = max(room.get(chosen[index], 0.0), need)
        return chosen

    def _ports(self) -> dict[tuple[int, bool], list[int]]:
        """Return the edges at the lower and upper side of each station, in order."""
        sides: dict[tuple[int, bool], list[int]] = {}
        for index, (upper, lower) in enumerate(self._ends):
            sides.setdefault((upper, True), []).append(index)
            sides.setdefault((lower, False), []).append(index)
        for (station, down), side in sides.items():
            layer = 2 * self._ranks[station] + (1 if down else -1)
            there = {item - len(self._stations): place for place, item in enumerate(self._layers[layer])}
            side.sort(key=there.__getitem__)
        return sides

    def _offsets(self, station: int, down: bool) -> list[float]:
        """Return where the edges of a side would like to meet it: the main path in the middle."""
        side = self._sides.get((station, down), [])
        main = self._main_place(side)
        middle = (len(side) - 1) / 2 if main is None else main
        return [(place - middle) * PORT for place in range(len(side))]

    def _breadth(self, station: int) -> float:
        needed = [self._stations[station].across]
        for down in (True, False):
            side = self._sides.get((station, down), [])
            needed.append((len(side) - 1) * PORT + 2 * _MARGIN)
            main = self._main_place(side)
            if main is not None:
                needed.append(2 * (max(main, len(side) - 1 - main) * _NARROW_PORT + _MARGIN))
        return max(needed)

    def _main_place(self, side: Sequence[int]) -> int | None:
        return next((place for place, index in enumerate(side) if index in self._spine), None)

    def arrangement(self) -> Arrangement:
        """Return where everything is."""
        across, bends = self._across()
        ports = self._met(across, bends)
        starts, ends = self._along(bends, ports)
        places = [
            ((starts[2 * rank] + ends[2 * rank]) / 2, across[station])
            for station, rank in enumerate(self._ranks)
        ]
        ways: list[Way] = []
        for index, (upper, lower) in enumerate(self._ends):
            top, bottom = 2 * self._ranks[upper], 2 * self._ranks[lower]
            start = self._foot(places[upper], upper, ports[index][0], down=True)
            end = self._foot(places[lower], lower, ports[index][1], down=False)
            # Beside a box that is shorter than others of its layer, an edge has to go straight.
            stretches = [Stretch(start, ends[top], ports[index][0])]
            stretches += [
                Stretch(starts[layer], ends[layer], bends[index, layer]) for layer in self._span(index)
            ]
            stretches.append(Stretch(starts[bottom], end, ports[index][1]))
            if upper != self._edges[index].source:
                stretches = [Stretch(part.end, part.start, part.across) for part in reversed(stretches)]
            tagged = self._tagged[index]
            tag = ((starts[tagged] + ends[tagged]) / 2, bends[index, tagged])
            ways.append(Way(stretches, tag))
        return Arrangement(places, self._breadths, ways, self._crossings())

    def _foot(self, place: tuple[float, float], station: int, port: float, *, down: bool) -> float:
        """Return where an edge meets a box, along; the corners of the box are round."""
        half, breadth = self._stations[station].along / 2, self._breadths[station] / 2
        corner = min(self._stations[station].corner, half, breadth)
        beyond = abs(port - place[1]) - (breadth - corner)
        if beyond > 0:
            half -= corner - sqrt(max(corner * corner - beyond * beyond, 0.0))
        return place[0] + (half if down else -half)

    def _across(self) -> tuple[list[float], dict[tuple[int, int], float]]:
        """Return the middles of the stations, and of the edges in the half-layers that they pass."""
        count = len(self._stations)
        variables = {(station, 2 * rank): station for station, rank in enumerate(self._ranks)}
        # The stations and edges of the main path share a variable, so that they are in one line.
        for index in sorted(self._spine, key=lambda index: self._ranks[self._ends[index][0]]):
            upper, lower = self._ends[index]
            shared = variables[upper, 2 * self._ranks[upper]]
            variables.update({(count + index, layer): shared for layer in self._span(index)})
            variables[lower, 2 * self._ranks[lower]] = shared
        springs = [
            Spring(0, station, 0.0, _FAINT) for station in range(count) if station not in self._linked
        ]
        broken = self._broken()
        used = count
        for index, (upper, lower) in enumerate(self._ends):
            if index in self._spine:
                continue
            span = self._span(index)
            for layer in span:
                if layer == span[0] or (index, layer) in broken:
                    if layer != span[0]:
                        springs.append(Spring(used - 1, used, 0.0, _JOINT))
                    used += 1
                variables[count + index, layer] = used - 1
            start, end = (variables[station, 2 * self._ranks[station]] for station in (upper, lower))
            first, last = variables[count + index, span[0]], variables[count + index, span[-1]]
            # An edge is straight where it is more alone: at the station with fewer edges on that side.
            pulls = [1 / len(self._sides[side]) for side in ((upper, True), (lower, False))]
            springs.append(Spring(start, first, self._offset(index, upper, down=True), 1 + pulls[0]))
            springs.append(Spring(last, end, -self._offset(index, lower, down=False), 1 + pulls[1]))
        values = placed(used, list(self._distances(variables)), springs)
        bends = {
            (item - count, layer): values[variable]
            for (item, layer), variable in variables.items()
            if item >= count
        }
        return [values[variables[station, 2 * rank]] for station, rank in enumerate(self._ranks)], bends

    def _offset(self, index: int, station: int, *, down: bool) -> float:
        return self._offsets(station, down)[self._sides[station, down].index(index)]

    def _distances(self, variables: dict[tuple[int, int], int]) -> Iterator[Distance]:
        widest: dict[tuple[int, int], float] = {}
        for number, layer in enumerate(self._layers):
            for one, other in pairwise(layer):
                key = variables[one, number], variables[other, number]
                before, after = self._extent(one, number)[1], self._extent(other, number)[0]
                count = len(self._stations)
                apart = _APART if one < count and other < count else _BESIDE
                widest[key] = max(widest.get(key, 0.0), before + apart + after)
        return (Distance(first, second, least) for (first, second), least in widest.items())

    def _extent(self, item: int, layer: int) -> tuple[float, float]:
        """Return the room of an item across, before and behind its line."""
        if item < len(self._stations):
            half, station = self._breadths[item] / 2, self._stations[item]
            return half, half + station.behind
        index = item - len(self._stations)
        tag = self._edges[index].tag
        return (tag.before, tag.after) if self._tagged[index] == layer else (0.0, 0.0)

    def _broken(self) -> set[tuple[int, int]]:
        """Return the half-layers into which edges can't be straight, since they cross others there."""
        broken: set[tuple[int, int]] = set()
        for number in range(len(self._layers) - 1):
            both = self._through(number)
            if all(one[1] < other[1] for one, other in pairwise(both)):
                continue
            kept: list[tuple[int, int]] = []
            main = [each for each in both if each[2] in self._spine]
            rest = sorted(
                (each for each in both if each[2] not in self._spine),
                key=lambda each: -len(self._span(each[2])),
            )
            for start, end, index in [*main, *rest]:
                if any((start < other[0]) != (end < other[1]) for other in kept):
                    broken.add((index, number + 1))
                else:
                    kept.append((start, end))
        return broken

    def _through(self, number: int) -> list[tuple[int, int, int]]:
        """Return the edges that share a variable in a half-layer and the next: their places in both."""
        found = []
        for index, (upper, lower) in enumerate(self._ends):
            span, item = self._span(index), len(self._stations) + index
            is_main = index in self._spine
            if number in span or (is_main and number == span[0] - 1):
                start = self._place[item if number in span else upper, number]
                if number + 1 in span:
                    found.append((start, self._place[item, number + 1], index))
                elif is_main:
                    found.append((start, self._place[lower, number + 1], index))
        return sorted(found)

    def _met(
        self, across: Sequence[float], bends: dict[tuple[int, int], float]
    ) -> list[tuple[float, float]]:
        """Return where each edge meets its upper and its lower station, across."""
        met: dict[tuple[int, bool], float] = {}
        for (station, down), side in self._sides.items():
            wished = [bends[index, self._span(index)[0 if down else -1]] for index in side]
            reach, middle = self._breadths[station] / 2 - _MARGIN, across[station]
            least, most, main = middle - reach, middle + reach, self._main_place(side)
            if main is None:
                values = levelled(wished, PORT, least, most)
            else:
                # The main path meets the middle of the box; the others share what is left.
                apart = min(PORT, reach / max(main, len(side) - 1 - main, 1))
                values = levelled(wished[:main], apart, least, middle - apart)
                values += [middle, *levelled(wished[main + 1 :], apart, middle + apart, most)]
            for index, value in zip(side, values, strict=True):
                met[index, down] = value
        return [(met[index, True], met[index, False]) for index in range(len(self._edges))]

    def _along(
        self, bends: dict[tuple[int, int], float], ports: Sequence[tuple[float, float]]
    ) -> tuple[list[float], list[float]]:
        """Return where each half-layer starts and ends, along."""
        climbs = [0.0] * len(self._layers)
        for index in range(len(self._edges)):
            span = self._span(index)
            values = [ports[index][0], *(bends[index, layer] for layer in span), ports[index][1]]
            for layer, (one, other) in enumerate(pairwise(values), span[0] - 1):
                climbs[layer] = max(climbs[layer], abs(other - one))
        starts, ends, here = [], [], 0.0
        for layer, climb in enumerate(climbs):
            starts.append(here)
            here += self._thickness(layer)
            ends.append(here)
            here += min(_GAP + climb * _STEEPNESS, _WIDEST_GAP)
        return starts, ends

    def _thickness(self, layer: int) -> float:
        count = len(self._stations)
        if layer % 2 == 0:
            stations = (self._stations[item] for item in self._layers[layer] if item < count)
            return max((station.along + 2 * station.overhang for station in stations), default=0.0)
        tagged = (item - count for item in self._layers[layer] if self._tagged[item - count] == layer)
        return max((self._edges[index].tag.along for index in tagged), default=0.0)

    def _crossings(self) -> int:
        """Return how many edges cross, in all gaps."""
        count = 0
        for number in range(len(self._layers) - 1):
            pairs = []
            for index in range(len(self._edges)):
                span = self._span(index)
                if span[0] - 1 <= number < span[-1] + 1:
                    item = len(self._stations) + index
                    upper, lower = self._ends[index]
                    start = self._place[item if number in span else upper, number]
                    end = self._place[item if number + 1 in span else lower, number + 1]
                    pairs.append((start, end))
            pairs.sort()
            count += sum(
                one[1] > other[1]
                for n, one in enumerate(pairs)
                for other in pairs[n + 1 :]
                if one[0] < other[0]
            )
        return count
