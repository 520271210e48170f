"""Coordinates that keep distances, with springs as short as they can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

_ROUNDS = 14
_SETTLING = 5
_STILL = 0.01  # the pull of a spring that has no length left


@dataclass(frozen=True, slots=True)
class Distance:
    """A demand that one variable is at least this far behind another."""

    first: int
    second: int
    least: float


@dataclass(frozen=True, slots=True)
class Spring:
    """A wish that one variable is exactly this far behind another."""

    first: int
    second: int
    length: float = 0.0
    weight: float = 1.0


def placed(count: int, distances: Sequence[Distance], springs: Sequence[Spring]) -> list[float]:
    """Return a coordinate for each variable. All distances are kept; they must not form a cycle.

    The springs are first balanced, as if each pulled with the square of its length, then straightened:
    each variable moves to the weighted median of the wishes, so that most springs have no length left.
    """
    field = _Field(count, distances, springs)
    values = field.fitted([0.0] * count)
    # Means spread everything evenly, but bend what could be straight; medians from the start would stick.
    for _ in range(_ROUNDS):
        values = field.fitted(field.wished(values, _mean))
    for _ in range(_SETTLING):
        field.settle(values, backward=False)
        field.settle(values, backward=True)
        # A straight chain of variables holds each of its members in place: only together can they move.
        field.settle_groups(values)
    least = min(values, default=0.0)
    return [value - least for value in values]


class _Field:
    """Variables with the distances and springs between them."""

    def __init__(self, count: int, distances: Sequence[Distance], springs: Sequence[Spring]) -> None:
        self._before: list[list[tuple[int, float]]] = [[] for _ in range(count)]
        self._after: list[list[tuple[int, float]]] = [[] for _ in range(count)]
        for distance in distances:
            self._before[distance.second].append((distance.first, distance.least))
            self._after[distance.first].append((distance.second, distance.least))
        self._springs: list[list[tuple[int, float, float]]] = [[] for _ in range(count)]
        for spring in springs:
            self._springs[spring.second].append((spring.first, spring.length, spring.weight))
            self._springs[spring.first].append((spring.second, -spring.length, spring.weight))
        self._order = self._sorted(count)

    def _sorted(self, count: int) -> list[int]:
        open_ends = [len(before) for before in self._before]
        order = [variable for variable in range(count) if not open_ends[variable]]
        # The list grows while it is read: it is its own queue.
        for variable in order:
            for after, _ in self._after[variable]:
                open_ends[after] -= 1
                if not open_ends[after]:
                    order.append(after)
        if len(order) < count:
            raise ValueError("the distances form a cycle")
        return order

    def fitted(self, wished: Sequence[float]) -> list[float]:
        """Return values that keep all distances, near the wishes.

        The mean of two solutions is a solution too: one that only moves forward, one that only moves back.
        """
        forward, backward = list(wished), list(wished)
        for variable in self._order:
            for before, least in self._before[variable]:
                forward[variable] = max(forward[variable], forward[before] + least)
        for variable in reversed(self._order):
            for after, least in self._after[variable]:
                backward[variable] = min(backward[variable], backward[after] - least)
        return [(one + other) / 2 for one, other in zip(forward, backward, strict=True)]

    def wished(
        self, values: Sequence[float], value: Callable[[list[tuple[float, float]]], float]
    ) -> list[float]:
        """Return where the springs want each variable, one after the other."""
        values = list(values)
        for variable in self._order:
            if self._springs[variable]:
                values[variable] = value(self._pulls(variable, values))
        return values

    def settle(self, values: list[float], *, backward: bool) -> None:
        """Move each variable to the weighted median of its wishes, as far as its neighbours leave room."""
        for variable in reversed(self._order) if backward else self._order:
            if self._springs[variable]:
                here = values[variable]
                self._move([variable], _median(self._pulls(variable, values), here) - here, values)

    def settle_groups(self, values: list[float]) -> None:
        """Move variables that springs without length hold together, to the median of their other wishes."""
        seen: set[int] = set()
        for variable in self._order:
            if variable in seen:
                continue
            group, pulls = self._group(variable, values)
            seen.update(group)
            if len(group) > 1 and pulls:
                self._move(group, _median(pulls, 0.0), values)

    def _group(self, variable: int, values: Sequence[float]) -> tuple[list[int], list[tuple[float, float]]]:
        """Return the variables that are held together, and how far their springs pull them away."""
        group, seen = [variable], {variable}
        pulls: list[tuple[float, float]] = []
        for member in group:
            for other, length, weight in self._springs[member]:
                pull = values[other] + length - values[member]
                if abs(pull) < _STILL and other not in seen:
                    seen.add(other)
                    group.append(other)
                # A spring between two members moves with them, and pulls neither.
                elif other not in seen:
                    pulls.append((pull, weight))
        return group, pulls

    def _move(self, group: Sequence[int], way: float, values: list[float]) -> None:
        """Move variables together, as far as the distances to others leave room."""
        for variable in group:
            for before, least in self._before[variable]:
                if way < 0 and before not in group:
                    way = min(max(way, values[before] + least - values[variable]), 0.0)
            for after, least in self._after[variable]:
                if way > 0 and after not in group:
                    way = max(min(way, values[after] - least - values[variable]), 0.0)
        if way:
            for variable in group:
                values[variable] += way

    def _pulls(self, variable: int, values: Sequence[float]) -> list[tuple[float, float]]:
        return [(values[other] + length, weight) for other, length, weight in self._springs[variable]]


def _mean(pulls: list[tuple[float, float]]) -> float:
    return sum(value * weight for value, weight in pulls) / sum(weight for _, weight in pulls)


def _median(pulls: list[tuple[float, float]], here: float) -> float:
    """Return the weighted median; of several, the nearest to the value here."""
    pulls.sort()
    half = sum(weight for _, weight in pulls) / 2
    so_far = 0.0
    for index, (value, weight) in enumerate(pulls):
        so_far += weight
        if so_far > half:
            return value
        # Anything between two medians is as good: staying here keeps other springs without length.
        if so_far == half and index + 1 < len(pulls):
            return min(max(here, value), pulls[index + 1][0])
    return pulls[-1][0]


def levelled(wished: Sequence[float], apart: float, least: float, most: float) -> list[float]:
    """Return values in the given order, at least this far apart and within bounds, near the wished ones.

    If there is too little room for that, they are evenly spread.
    """
    count = len(wished)
    if count > 1 and (count - 1) * apart >= most - least:
        return [least + (most - least) * place / (count - 1) for place in range(count)]
    # Without the distances the values only have to rise: neighbours that do not are pooled at their mean.
    pools: list[tuple[float, int]] = []
    for place, value in enumerate(wished):
        mean, size = value - place * apart, 1
        while pools and pools[-1][0] >= mean:
            before, members = pools.pop()
            mean, size = (before * members + mean * size) / (members + size), members + size
        pools.append((mean, size))
    flat = [mean for mean, size in pools for _ in range(size)]
    # Cut to the bounds without their distances, the values stay in order and in the room for all.
    highest = most - (count - 1) * apart
    return [min(max(value, least), highest) + place * apart for place, value in enumerate(flat)]
