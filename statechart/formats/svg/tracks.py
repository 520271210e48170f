"""Tracks: where routes run along the line, so that few cross and labels are free."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from statechart.formats.svg.parts import Channel, Line, Port, Route

_CLEAR = 6.0
_APART = 7.0
_TOUCH = 5


def ordered(routes: Sequence[Route], channel: Channel) -> list[Route]:
    """Return the routes of a channel from its upper side to its lower, with few crossings."""
    found: list[Route] = []
    for route in sorted(routes, key=lambda each: each.high.at - each.low.at):
        places = range(len(found) + 1)
        # The longer a route, the farther it is from the stations.
        preferred = places if channel is Channel.OVER else reversed(places)
        best = min(preferred, key=lambda at: _cost(route, found[:at], found[at:]))
        found.insert(best, route)
    return found


def _cost(route: Route, above: Sequence[Route], below: Sequence[Route]) -> int:
    return sum(_crossings(each, route) for each in above) + sum(_crossings(route, each) for each in below)


def _crossings(upper: Route, lower: Route) -> int:
    """Return how often two routes cross, if one runs above the other."""
    if upper.low.at - _APART > lower.high.at or lower.low.at - _APART > upper.high.at:
        return 0
    down = sum(_meets(lower, port) for port in upper.ports if not upper.rises(port))
    return down + sum(_meets(upper, port) for port in lower.ports if lower.rises(port))


def _meets(route: Route, port: Port) -> int:
    at = port.at
    if route.low.at < at < route.high.at:
        inner = min(at - route.low.at, route.high.at - at)
        return 1 if inner >= _APART else _TOUCH
    return _TOUCH if route.low.at - _APART < at < route.high.at + _APART else 0


def stacked(order: Sequence[Route], channel: Channel, edge: float, first: float, gap: float) -> float:
    """Give each route its track, from the edge of the stations on; return the last track's side.

    Args:
        order: The routes, from the upper side of the channel to the lower.
        channel: The channel: over the stations, tracks rise from the edge.
        edge: Where the channel begins.
        first: The room before the first track.
        gap: The room between a track and the next, without the text at the track.
    """
    upwards = channel is Channel.OVER
    last = edge
    done: list[Route] = []
    for route in reversed(order) if upwards else order:
        near = [each for each in done if _overlap(each, route)]
        if upwards:
            tops = [each.track - _text(each) for each in near]
            route.track = min([edge - first, *(top - gap for top in tops)])
            last = min(last, route.track - _text(route))
        else:
            route.track = max([edge + first, *(each.track + gap for each in near)]) + _text(route)
            last = max(last, route.track)
        done.append(route)
    return last


def _text(route: Route) -> float:
    return route.text.height if route.free is not None else 0.0


def _overlap(one: Route, two: Route) -> bool:
    return one.low.at - _CLEAR < two.high.at + _CLEAR and two.low.at - _CLEAR < one.high.at + _CLEAR


def cuts(route: Route, order: Sequence[Route], line: Line) -> Iterator[Port]:
    """Yield the ports whose routes cross the track of a route."""
    position = order.index(route)
    for index, other in enumerate(order):
        for port in other.ports:
            crosses = other.rises(port) if index > position else not other.rises(port)
            if other is not route and crosses and route.low.at < port.at < route.high.at:
                yield port
    if route.channel is Channel.BETWEEN:
        for drop in line.drops:
            if route.low.at < drop.source.at < route.high.at:
                yield drop.source


def touching(order: Sequence[Route]) -> Iterator[tuple[Port, Port]]:
    """Yield ports on different rows whose routes would lie on each other, the upper port first."""
    for upper_index, upper in enumerate(order):
        for lower in order[upper_index + 1 :]:
            for down in upper.ports:
                for up in lower.ports:
                    # The lower track is reached from above at the place where the upper is from below.
                    if not upper.rises(down) and lower.rises(up) and abs(down.at - up.at) < _APART:
                        yield up, down


def find_free(route: Route, order: Sequence[Route], line: Line) -> tuple[Port, Port]:
    """Return the ports around the part of a track that is the best place for its text."""
    ends = [route.low, *sorted(cuts(route, order, line), key=lambda port: port.at), route.high]
    pairs = list(pairwise(ends))
    middle = (route.low.at + route.high.at) / 2
    need = route.text.width + 2 * _CLEAR

    def worth(pair: tuple[Port, Port]) -> tuple[bool, float]:
        low, high = pair
        length = high.at - low.at
        return length >= need, -abs((low.at + high.at) / 2 - middle) if length >= need else length

    return max(pairs, key=worth)
