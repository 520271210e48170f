"""Ranks of vertices: arrows lead from lower to higher ranks, except those that lead back."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TypeAlias

Link: TypeAlias = tuple[int, int]

_ROUNDS = 8
_RELUCTANCE = 3  # to leave the declared order: people declare states as they think of them


def ranks(count: int, links: Sequence[Link]) -> list[int]:
    """Return the rank of each vertex. Vertex 0 comes first; a link never joins two of one rank,
    and vertices without links come last.

    A link whose source has the higher rank leads back. The declared order decides which links do, unless
    another order has far fewer of them.
    """
    # A loop would ask a vertex to be behind itself; loops are drawn beside their box.
    links = [link for link in links if link[0] != link[1]]
    declared, *others = _orders(count, links)
    order = min(others, key=lambda order: _backward(order, links))
    # Any order breaks all cycles, so this decides only which links are drawn as returns.
    if _backward(order, links) * _RELUCTANCE >= _backward(declared, links):
        order = declared
    place = {vertex: index for index, vertex in enumerate(order)}
    forward = [(s, t) if place[s] < place[t] else (t, s) for s, t in links]
    rank = [0] * count
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for source, target in forward:
        above[target].append(source)
        below[source].append(target)
    # `order` is topological for the turned links: each source has its rank before its targets.
    for vertex in order:
        rank[vertex] = max((rank[source] + 1 for source in above[vertex]), default=0)
    _tighten(order, rank, above, below)
    # At rank 0 they would stand beside the initial state, as if they began the chart as well.
    apart = [vertex for vertex in range(1, count) if not above[vertex] and not below[vertex]]
    for vertex in apart:
        rank[vertex] = max(rank)
    return _without_gaps(rank)


def _orders(count: int, links: Sequence[Link]) -> Iterator[list[int]]:
    """Yield the declared order, the order of discovery, and the reverse order of leaving, depth first."""
    yield list(range(count))
    leaving: list[list[int]] = [[] for _ in range(count)]
    for source, target in links:
        leaving[source].append(target)
    yield _breadth_first(leaving)
    yield _depth_first(leaving)


def _breadth_first(leaving: Sequence[Sequence[int]]) -> list[int]:
    found: dict[int, None] = {}
    for root in range(len(leaving)):
        waiting = deque([root])
        while waiting:
            vertex = waiting.popleft()
            if vertex not in found:
                found[vertex] = None
                waiting.extend(leaving[vertex])
    return list(found)


def _depth_first(leaving: Sequence[Sequence[int]]) -> list[int]:
    left: dict[int, None] = {}
    entered: set[int] = set()
    # In reverse, so that after the final reversal roots and targets are in declared order again.
    for root in reversed(range(len(leaving))):
        # A stack of iterators instead of recursion: a chart may have more states than Python has frames.
        path = [] if root in entered else [(root, iter(reversed(leaving[root])))]
        entered.add(root)
        while path:
            vertex, targets = path[-1]
            target = next((target for target in targets if target not in entered), None)
            if target is None:
                left[vertex] = None
                path.pop()
            else:
                entered.add(target)
                path.append((target, iter(reversed(leaving[target]))))
    order = list(reversed(left))
    # A cycle through the initial state may leave it anywhere, but the picture begins with it.
    order.remove(0)
    return [0, *order]


def _backward(order: Sequence[int], links: Sequence[Link]) -> int:
    place = {vertex: index for index, vertex in enumerate(order)}
    return sum(place[source] > place[target] for source, target in links)


def _tighten(
    order: Sequence[int], rank: list[int], above: Sequence[Sequence[int]], below: Sequence[Sequence[int]]
) -> None:
    """Move vertices between their neighbours so that the links become shorter."""
    for _ in range(_ROUNDS):
        before = list(rank)
        for vertex in reversed(order[1:]):
            lowest = max((rank[source] + 1 for source in above[vertex]), default=0)
            highest = min((rank[target] - 1 for target in below[vertex]), default=rank[vertex])
            # A step down shortens the links below and lengthens those above by one rank each.
            pull = len(below[vertex]) - len(above[vertex])
            rank[vertex] = highest if pull > 0 else lowest if pull < 0 else rank[vertex]
        if rank == before:
            return


def _without_gaps(rank: Sequence[int]) -> list[int]:
    used = {old: new for new, old in enumerate(sorted(set(rank)))}
    return [used[old] for old in rank]
