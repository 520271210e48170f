"""Positions across the line: the two rows of stations, and the channels around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from statechart.formats.svg.parts import ABOVE, Channel, Line, Port, Route, Station
from statechart.formats.svg.texts import Inscription
from statechart.formats.svg.tracks import stacked

_FIRST = 17.0
_TRACK_GAP = 9.0
_TEXT_GAP = 5.0
_BESIDE_RING = 8.0
_LEAST_DROP = 40.0
_STRIP_GAP = 9.0


@dataclass(frozen=True, slots=True)
class Rows:
    """Where the rows of stations are, across the line; the stations of the line are around 0.

    Attributes:
        beneath: Where the states beneath the line begin.
        strips: Where the text at each straight transition between the rows may begin and end.
        top: The upper end of everything.
        bottom: The lower end of everything.
    """

    beneath: float
    strips: Mapping[Route, tuple[float, float]]
    top: float
    bottom: float

    def edge(self, port: Port) -> float:
        """Return where a port is."""
        top, bottom = self.sides(port.station)
        return top if port.side == ABOVE else bottom

    def middle(self, drop: Route) -> float:
        """Return the middle of the text at a straight transition between the rows."""
        begin, end = self.strips[drop]
        return (begin + end) / 2

    def sides(self, station: Station) -> tuple[float, float]:
        """Return the upper and lower side of a station."""
        if station.row == 0:
            return -station.across / 2, station.across / 2
        return self.beneath, self.beneath + station.across


def rows(line: Line, orders: Mapping[Channel, Sequence[Route]], *, upright: bool) -> Rows:
    """Give each route its track, and return where the rows are."""
    half = max(station.across for station in line.columns) / 2
    between = orders[Channel.BETWEEN]
    texts = list(_gap_texts(line))
    above, below, edge = half, half, half + _zone(between, 0, upright=upright)
    # Upright, texts between stations lie beside the line, and widen the channel instead of the gap.
    if upright:
        below = max([half, *(text.width + 2 * _TEXT_GAP for text, _, _ in texts)])
        near = [text.width for text, low, high in texts if _spanned(between, low, high)]
        edge = max([edge, *(width + 2 * _TEXT_GAP for width in near)])
    else:
        above = max([half, *(text.height + _TEXT_GAP for text, _, _ in texts)])
    over = orders[Channel.OVER]
    zone = _zone(over, 0, upright=upright)
    top = stacked(over, Channel.OVER, -above - zone, _FIRST, _TRACK_GAP)
    last = stacked(between, Channel.BETWEEN, edge, _FIRST, _TRACK_GAP)
    under = [station for stations in line.beneath for station in stations]
    if not under:
        return Rows(last, {}, top, last)
    strips = {drop: last if _is_under(drop, between, upright=upright) else half for drop in line.drops}
    beside = _zone(between, 1, upright=upright)
    beneath = max(
        below + 2 * _TEXT_GAP + beside,
        half + _LEAST_DROP,
        last + _FIRST + beside,
        *(
            begin + (drop.text.width if upright else drop.text.height) + 2 * _STRIP_GAP
            for drop, begin in strips.items()
        ),
    )
    bottom = beneath + max(station.across for station in under)
    routes = orders[Channel.UNDER]
    zone = _zone(routes, 1, upright=upright)
    end = stacked(routes, Channel.UNDER, bottom + zone, _FIRST, _TRACK_GAP)
    return Rows(beneath, {drop: (begin, beneath) for drop, begin in strips.items()}, top, end)


def _gap_texts(line: Line) -> Iterator[tuple[Inscription, float, float]]:
    """Yield the texts between stations of the line, with the gap where each of them is."""
    for straight in line.straights:
        yield straight.text, straight.source.end, straight.target.start
    for before, station in pairwise(line.columns):
        if station.lead is not None:
            yield station.lead, before.end, station.start
    if line.tail is not None:
        yield line.tail.text, line.columns[-1].end, line.gates[1].centre


def _spanned(routes: Iterable[Route], low: float, high: float) -> bool:
    """Return whether a track runs beside a gap."""
    return any(route.low.at < high and low < route.high.at for route in routes)


def _is_under(drop: Route, routes: Iterable[Route], *, upright: bool) -> bool:
    """Return whether a track runs where the text at a straight transition could be."""
    port = drop.source
    low, high = port.at - port.before, port.at + (0.0 if upright else port.after)
    return any(route.low.at - _TEXT_GAP < high and low < route.high.at + _TEXT_GAP for route in routes)


def _zone(routes: Iterable[Route], row: int, *, upright: bool) -> float:
    """Return the room for texts beside the stations of a row, where the line is upright."""
    wide = [route.text.width for route in routes if route.source.station.row == row]
    return max(wide) + _BESIDE_RING if upright and wide else 0.0
