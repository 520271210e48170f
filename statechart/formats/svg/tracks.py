"""Tracks: where routes run along the line, so that few cross and labels are free."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from statechart.formats.svg.parts import Channel, Line, Port, Route

_CLEAR = 6.0
_APART = 7.0
_TOUCH = 5


@dataclass(frozen=True, slots=True)
class _Span:
    """The part of a route that runs along the line, and where its ends leave it."""

    route: Route
    low: float
    high: float
    rising: tuple[float, ...]
    falling: tuple[float, ...]

    @classmethod
    def of(cls, route: Route) -> _Span:
        """Return the span of a route."""
        one, two = route.source.at, route.target.at
        ends = [(port.at, route.rises(port)) for port in route.ports]
        return cls(
            route,
            min(one, two),
            max(one, two),
            tuple([at for at, rises in ends if rises]),
            tuple([at for at, rises in ends if not rises]),
        )


def ordered(routes: Sequence[Route], channel: Channel) -> list[Route]:
    """Return the routes of a channel from its upper side to its lower, with few crossings."""
    found: list[_Span] = []
    # Short routes first: they nest next to the stations, and long routes find their way around them.
    for span in sorted(map(_Span.of, routes), key=lambda each: each.high - each.low):
        above = [0, *accumulate(_crossings(each, span) for each in found)]
        below = [0, *accumulate(_crossings(span, each) for each in found)]
        # For each place: crossings with the routes above it, and with those that remain below it.
        costs = [over + below[-1] - under for over, under in zip(above, below, strict=True)]
        # The longer a route, the farther it is from the stations.
        places = range(len(costs)) if channel is Channel.OVER else range(len(costs) - 1, -1, -1)
        found.insert(min(places, key=costs.__getitem__), span)
    return [span.route for span in found]


def _crossings(upper: _Span, lower: _Span) -> int:
    """Return how often two routes cross, if one runs above the other."""
    if upper.low - _APART > lower.high or lower.low - _APART > upper.high:
        return 0
    down = sum([_meets(lower, at) for at in upper.falling])
    return down + sum([_meets(upper, at) for at in lower.rising])


def _meets(span: _Span, at: float) -> int:
    if not span.low - _APART < at < span.high + _APART:
        return 0
    # Lines that meet near a bend can't be told apart, which is worse than several clear crossings.
    return 1 if span.low + _APART <= at <= span.high - _APART else _TOUCH


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
        # Only routes that overlap need different tracks: the others stay close to the stations.
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


def free_parts(route: Route, order: Sequence[Route], line: Line) -> list[tuple[Port, Port]]:
    """Return the parts of a track between what crosses it, the best place for its text first."""
    ends = [route.low, *sorted(cuts(route, order, line), key=lambda port: port.at), route.high]
    middle = (route.low.at + route.high.at) / 2
    need = route.text.width + 2 * _CLEAR

    def worth(pair: tuple[Port, Port]) -> tuple[bool, float]:
        low, high = pair
        length = high.at - low.at
        # With room, a text is best near the middle of its track; without, where least is missing.
        return length >= need, -abs((low.at + high.at) / 2 - middle) if length >= need else length

    return sorted(pairwise(ends), key=worth, reverse=True)
