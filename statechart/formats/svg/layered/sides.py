"""The sides of stations: where edges meet them, and how broad that makes their boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from statechart.formats.svg.layered.placing import levelled
from statechart.formats.svg.layered.sheet import Sheet

_PORT = 11.0  # between two edges on a side
_NARROW_PORT = 8.5  # at least, where the main path needs the middle
_MARGIN = 9.0  # between an edge and the corner of its box


@dataclass(frozen=True, slots=True)
class Side:
    """A side of a station.

    Attributes:
        edges: The edges that meet it, in order.
        main: The place of the main path among them, which meets the middle.
    """

    edges: Sequence[int]
    main: int | None

    @property
    def breadth(self) -> float:
        """The length that the side needs."""
        count = len(self.edges)
        spread = (count - 1) * _PORT
        # The main path meets the middle, so the longer half decides about both.
        if self.main is not None:
            spread = max(spread, 2 * max(self.main, count - 1 - self.main) * _NARROW_PORT)
        return spread + 2 * _MARGIN

    def offset(self, index: int) -> float:
        """Return where an edge would like to meet the side, from its middle."""
        middle = (len(self.edges) - 1) / 2 if self.main is None else self.main
        return (self.edges.index(index) - middle) * _PORT

    def met(self, wished: Sequence[float], middle: float, breadth: float) -> list[float]:
        """Return where the edges meet the side, in order, near the wished places."""
        reach = breadth / 2 - _MARGIN
        least, most, main = middle - reach, middle + reach, self.main
        if main is None:
            return levelled(wished, _PORT, least, most)
        # Each half has its own room: edges are closer together rather than beyond the corner.
        apart = min(_PORT, reach / max(main, len(wished) - 1 - main, 1))
        return [
            *levelled(wished[:main], apart, least, middle - apart),
            middle,
            *levelled(wished[main + 1 :], apart, middle + apart, most),
        ]


@dataclass(frozen=True, slots=True)
class Sides:
    """The sides of all stations.

    Attributes:
        sides: The sides with edges, by station, and whether it is the lower side.
        breadths: The length of each box across.
    """

    sheet: Sheet
    sides: Mapping[tuple[int, bool], Side]
    breadths: Sequence[float]

    def met(
        self, middles: Sequence[float], bends: Mapping[tuple[int, int], float]
    ) -> list[tuple[float, float]]:
        """Return where each edge meets its upper and its lower station, across."""
        met: dict[tuple[int, bool], float] = {}
        for (station, is_lower), side in self.sides.items():
            layer = self.sheet.layer(station) + (1 if is_lower else -1)
            wished = [bends[index, layer] for index in side.edges]
            found = side.met(wished, middles[station], self.breadths[station])
            met.update({(index, is_lower): value for index, value in zip(side.edges, found, strict=True)})
        return [(met[index, True], met[index, False]) for index in range(len(self.sheet.edges))]

    def depth(self, station: int, offset: float) -> float:
        """Return how far from the middle of a box, along, a point on its side is: corners are round."""
        half, breadth = self.sheet.stations[station].along / 2, self.breadths[station] / 2
        corner = min(self.sheet.stations[station].corner, half, breadth)
        beyond = abs(offset) - (breadth - corner)
        if beyond <= 0:
            return half
        return half - corner + sqrt(max(corner * corner - beyond * beyond, 0.0))


def sides(sheet: Sheet) -> Sides:
    """Return the sides of the stations of a sheet."""
    edges: dict[tuple[int, bool], list[int]] = {}
    for number, layer in enumerate(sheet.layers):
        for item in layer if number % 2 else ():
            index = sheet.edge(item)
            upper, lower = sheet.ends[index]
            # The order within the half-layer is the order on the side: edges leave without crossing.
            if number == sheet.layer(upper) + 1:
                edges.setdefault((upper, True), []).append(index)
            if number == sheet.layer(lower) - 1:
                edges.setdefault((lower, False), []).append(index)
    found = {
        key: Side(side, next((place for place, index in enumerate(side) if index in sheet.main), None))
        for key, side in edges.items()
    }
    breadths = [
        max(
            station.across,
            *(found[index, is_lower].breadth for is_lower in (True, False) if (index, is_lower) in found),
            0.0,
        )
        for index, station in enumerate(sheet.stations)
    ]
    return Sides(sheet, found, breadths)
