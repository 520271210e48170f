"""Stations and edges in half-layers, in order, before they have coordinates.

It knows no left, right, up or down: `along` is the direction of the edges, `across` the other direction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, takewhile

from statechart.formats.svg.layered.ordering import ordered
from statechart.formats.svg.layered.ranking import Link, ranks


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


@dataclass(frozen=True)
class Sheet:
    """Half-layers: those of stations are even, those of labels odd.

    Attributes:
        stations: The stations. The first is initial.
        edges: The edges; none leads to its own source.
        ranks: The rank of each station; its half-layer is twice that.
        ends: The upper and the lower station of each edge, which may be its target and its source.
        main: The edges of the main path, without a gap from the first station on.
        layers: The items of each half-layer in order: stations, by their index, and edges, by their index
            and the number of stations more. An edge is in each half-layer that it passes.
    """

    stations: Sequence[Station]
    edges: Sequence[Edge]
    ranks: Sequence[int]
    ends: Sequence[Link]
    main: frozenset[int]
    layers: Sequence[Sequence[int]]

    @cached_property
    def place(self) -> Mapping[tuple[int, int], int]:
        """The place of each item in each of its half-layers."""
        return {
            (item, number): place
            for number, layer in enumerate(self.layers)
            for place, item in enumerate(layer)
        }

    @cached_property
    def tagged(self) -> Sequence[int]:
        """The half-layer of each label: the middle of its edge, or where longer labels are already."""
        room: dict[int, float] = {}
        chosen = [0] * len(self.edges)
        for index in sorted(range(len(self.edges)), key=lambda index: len(self.span(index))):
            span, need = self.span(index)[::2], self.edges[index].tag.along
            middle = (span[0] + span[-1]) / 2
            chosen[index] = min(
                span, key=lambda layer: (max(need - room.get(layer, 0.0), 0.0), abs(layer - middle))
            )
            room[chosen[index]] = max(room.get(chosen[index], 0.0), need)
        return chosen

    def item(self, index: int) -> int:
        """Return an edge as an item of half-layers."""
        return len(self.stations) + index

    def edge(self, item: int) -> int:
        """Return the edge that an item is; it is negative for stations."""
        return item - len(self.stations)

    def layer(self, station: int) -> int:
        """Return the half-layer of a station."""
        return 2 * self.ranks[station]

    def span(self, index: int) -> range:
        """Return the half-layers that an edge passes, without those of its stations."""
        upper, lower = self.ends[index]
        return range(self.layer(upper) + 1, self.layer(lower))

    def leads_back(self, index: int) -> bool:
        """Return whether an edge leads to a lower rank."""
        return self.ends[index][0] != self.edges[index].source

    def step(self, index: int, number: int) -> tuple[int, int] | None:
        """Return the places of an edge in a half-layer and the next; None if it is not in both."""
        upper, lower = self.ends[index]
        first, last = self.layer(upper), self.layer(lower)
        if not first <= number < last:
            return None
        start = self.place[upper if number == first else self.item(index), number]
        return start, self.place[lower if number + 1 == last else self.item(index), number + 1]


def sheet(stations: Sequence[Station], edges: Sequence[Edge], spine: Sequence[int]) -> Sheet:
    """Put stations and edges into half-layers.

    Args:
        stations: The stations, as declared, the initial one first.
        edges: The edges; none leads to its own source.
        spine: The stations of the main path, from the first on.
    """
    rank = ranks(len(stations), [(edge.source, edge.target) for edge in edges])
    # An edge that leads back is laid out from its target to its source.
    ends = [
        (edge.source, edge.target) if rank[edge.source] < rank[edge.target] else (edge.target, edge.source)
        for edge in edges
    ]
    forward = {
        end: index
        for index, end in reversed(list(enumerate(ends)))
        if end == (edges[index].source, edges[index].target)
    }
    main = frozenset(forward[step] for step in takewhile(forward.__contains__, pairwise(spine)))
    path = {station for index in main for station in ends[index]}
    return Sheet(stations, edges, rank, ends, main, _half_layers(edges, rank, ends, path))


def _half_layers(
    edges: Sequence[Edge], rank: Sequence[int], ends: Sequence[Link], path: Collection[int]
) -> list[list[int]]:
    count = len(rank)
    layers: list[list[int]] = [[] for _ in range(max(rank, default=0) + 1)]
    for station, number in enumerate(rank):
        layers[number].append(station)
    # Each bend is a vertex of its own here: the number of its rank and of its edge.
    bends: dict[int, int] = {}
    links: list[Link] = []
    for index, (upper, lower) in enumerate(ends):
        last = upper
        for number in range(rank[upper] + 1, rank[lower]):
            bend = count + len(bends)
            bends[bend] = count + index
            layers[number].append(bend)
            links.append((last, bend))
            last = bend
        links.append((last, lower))
    for layer in layers:
        # Of all orders with as few crossings, that with the main path in the middle is drawn.
        layer.sort(key=lambda vertex: vertex not in path)
        layer.insert((len(layer) - 1) // 2, layer.pop(0))
    even = [[bends.get(vertex, vertex) for vertex in layer] for layer in ordered(layers, links)]
    halves: list[list[int]] = [even[0]]
    for number, (layer, following) in enumerate(pairwise(even)):
        above = {item: place for place, item in enumerate(layer)}
        below = {item: place for place, item in enumerate(following)}
        keys: dict[int, tuple[int, bool, int]] = {}
        for index, (upper, lower) in enumerate(ends):
            if rank[upper] <= number < rank[lower]:
                item = count + index
                # An order by the sum of both places adds no crossing; those that lead back come last.
                places = above[upper if upper in above else item] + below[lower if lower in below else item]
                keys[item] = (places, upper != edges[index].source, index)
        halves += [sorted(keys, key=keys.__getitem__), following]
    return halves
