"""The order of vertices in their layers, with few crossings of the links between them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Collection, Sequence
from statistics import median

from statechart.formats.svg.layered.ranking import Link

_SWEEPS = 12
_PATIENCE = 4  # sweeps without a better order, after which the search ends


def ordered(
    layers: Sequence[Sequence[int]], links: Sequence[Link], fixed: Collection[int] = ()
) -> list[list[int]]:
    """Return the layers, each in an order with few crossings.

    Args:
        layers: The vertices of each layer, in the order that wins a tie.
        links: Pairs of a vertex and a vertex in the next layer.
        fixed: The numbers of the layers whose order stays.
    """
    search = _Search(layers, links, fixed)
    # Sweeps end in a local optimum; two very different starts rarely end in the same.
    for start in (layers, _followed(layers, links)):
        search.begin([list(layers[n] if n in fixed else layer) for n, layer in enumerate(start)])
        idle = 0
        for sweep in range(_SWEEPS):
            # Medians keep long links straight, means tell vertices of equal medians apart.
            search.sweep(down=sweep % 2 == 0, value=_middle if sweep % 4 < 2 else _mean)
            search.swap()
            idle = 0 if search.keep() else idle + 1
            if not search.fewest or idle == _PATIENCE:
                break
    return search.best


def _followed(layers: Sequence[Sequence[int]], links: Sequence[Link]) -> list[list[int]]:
    """Return the layers in the order in which the links lead to their vertices, depth first."""
    below: dict[int, list[int]] = {}
    for upper, lower in links:
        below.setdefault(upper, []).append(lower)
    found: dict[int, None] = {}
    waiting = [vertex for layer in reversed(layers) for vertex in reversed(layer)]
    while waiting:
        vertex = waiting.pop()
        if vertex not in found:
            found[vertex] = None
            waiting.extend(reversed(below.get(vertex, ())))
    place = {vertex: index for index, vertex in enumerate(found)}
    return [sorted(layer, key=place.__getitem__) for layer in layers]


class _Search:
    """Orders of layers, and the best of those seen."""

    def __init__(
        self, layers: Sequence[Sequence[int]], links: Sequence[Link], fixed: Collection[int]
    ) -> None:
        self._fixed = fixed
        vertices = [vertex for layer in layers for vertex in layer]
        self._above: dict[int, list[int]] = {vertex: [] for vertex in vertices}
        self._below: dict[int, list[int]] = {vertex: [] for vertex in vertices}
        for upper, lower in links:
            self._below[upper].append(lower)
            self._above[lower].append(upper)
        self._place: dict[int, int] = {}
        self._layers: list[list[int]] = []
        self._free: list[list[int]] = []
        self.best: list[list[int]] = []
        self.fewest: int | None = None

    def begin(self, layers: list[list[int]]) -> None:
        """Continue with these orders."""
        self._layers = layers
        self._free = [layer for number, layer in enumerate(layers) if number not in self._fixed]
        for layer in layers:
            self._number(layer)
        self.keep()

    def keep(self) -> bool:
        """Remember the orders if they have fewer crossings than any before."""
        count = sum(self._crossings(layer) for layer in self._layers)
        # An equal count keeps the earlier order: the search begins with the declared order.
        if self.fewest is not None and count >= self.fewest:
            return False
        self.fewest, self.best = count, [list(layer) for layer in self._layers]
        return True

    def sweep(self, *, down: bool, value: Callable[[list[int]], float]) -> None:
        """Order each layer by the places of the neighbours in the layer before."""
        neighbours = self._above if down else self._below
        place = self._place
        for layer in self._free if down else reversed(self._free):
            wished = {
                vertex: value(sorted(place[other] for other in neighbours[vertex]))
                for vertex in layer
                if neighbours[vertex]
            }
            moved = iter(sorted(wished, key=wished.__getitem__))
            # A vertex without neighbours there has no wish, and stays where it is.
            layer[:] = [next(moved) if vertex in wished else vertex for vertex in layer]
            self._number(layer)

    def swap(self) -> None:
        """Exchange adjacent vertices where that removes crossings."""
        # Once for each sweep: the next sweep finds more than further exchanges would.
        for layer in self._free:
            self._swap(layer)

    def _swap(self, layer: list[int]) -> None:
        places = [
            (self._places(self._above[vertex]), self._places(self._below[vertex])) for vertex in layer
        ]
        for index in range(len(layer) - 1):
            one, other = places[index], places[index + 1]
            gain = 0
            for first, second in zip(one, other, strict=True):
                # Most links do not cross at all, which the outer ones tell.
                if first and second and first[-1] > second[0]:
                    gain += _inversions(first, second) - _inversions(second, first)
            if gain > 0:
                layer[index], layer[index + 1] = layer[index + 1], layer[index]
                places[index], places[index + 1] = other, one
        self._number(layer)

    def _number(self, layer: Sequence[int]) -> None:
        for index, vertex in enumerate(layer):
            self._place[vertex] = index

    def _places(self, vertices: Sequence[int]) -> list[int]:
        if len(vertices) == 1:
            return [self._place[vertices[0]]]
        return sorted(map(self._place.__getitem__, vertices))

    def _crossings(self, layer: Sequence[int]) -> int:
        """Return how many links cross between a layer and the next."""
        seen: list[int] = []
        count = 0
        for vertex in layer:
            places = self._places(self._below[vertex])
            for place in places:
                count += len(seen) - bisect_right(seen, place)
            # Only now: links of the same vertex do not cross each other.
            for place in places:
                insort(seen, place)
        return count


def _inversions(first: Sequence[int], second: Sequence[int]) -> int:
    """Return how many places of the second are before places of the first."""
    return sum(bisect_left(second, place) for place in first)


def _middle(places: list[int]) -> float:
    return median(places)


def _mean(places: list[int]) -> float:
    return sum(places) / len(places)
