"""The parts of a line while it is laid out: stations, their ports, and the routes between ports.

Positions are along the line and across it. A line that runs upright swaps the two at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from statechart.formats.svg.texts import Inscription
from statechart.picture import Node

ABOVE, BELOW = 0, 1
GATE = -1
"""The row of the gates, through which routes leave a line for another."""


class Channel(IntEnum):
    """Where a route runs: over the stations, between them and the states beneath, or under those."""

    OVER = 0
    BETWEEN = 1
    UNDER = 2


@dataclass(slots=True, eq=False)
class Station:
    """A state of the line, or beneath it.

    Attributes:
        place: The order along the line: the column, and a fraction for states beneath that have none.
        along: The least extent along the line.
        across: The extent across the line.
        lead: A text at an arrow that comes from everywhere, before the station.
        extent: How far the box reaches before and after the centre, with room for all ports.
        reach: How far texts beside the ports reach, before and after the centre.
    """

    node: Node
    row: int
    place: float
    lines: tuple[str, ...]
    small: tuple[str, ...]
    along: float = 0.0
    across: float = 0.0
    lead: Inscription | None = None
    centre: float = 0.0
    extent: tuple[float, float] = (0.0, 0.0)
    reach: tuple[float, float] = (0.0, 0.0)
    sides: tuple[list[Port], list[Port]] = field(default_factory=lambda: ([], []))

    def resize(self, width: float, height: float, *, upright: bool) -> None:
        """Give the box a size."""
        self.along, self.across = (height, width) if upright else (width, height)

    @property
    def start(self) -> float:
        """Where the box begins, along the line."""
        return self.centre - self.extent[0]

    @property
    def end(self) -> float:
        """Where the box ends, along the line."""
        return self.centre + self.extent[1]


@dataclass(slots=True, eq=False)
class Port:
    """The place on a side of a station where a route begins or ends.

    Attributes:
        key: The order of the ports of a side.
        before: The room for texts before the port.
        after: The room for texts after the port.
        twin: The other end of a route that runs straight across.
    """

    station: Station
    side: int
    key: tuple[float, ...]
    before: float = 0.0
    after: float = 0.0
    offset: float = 0.0
    twin: Port | None = None

    @property
    def at(self) -> float:
        """The position along the line."""
        return self.station.centre + self.offset


@dataclass(slots=True, eq=False)
class Route:
    """A transition from a port to another.

    Attributes:
        arrow: The index into the arrows of the picture.
        track: The position across the line of the part that runs along the line.
        free: The two ports between which nothing crosses the label.
    """

    arrow: int
    text: Inscription
    source: Port
    target: Port
    channel: Channel
    track: float = 0.0
    free: tuple[Port, Port] | None = None

    @property
    def low(self) -> Port:
        """The first of the two ports along the line."""
        return self.source if self.source.at <= self.target.at else self.target

    @property
    def high(self) -> Port:
        """The last of the two ports along the line."""
        return self.target if self.source.at <= self.target.at else self.source

    def rises(self, port: Port) -> bool:
        """Return whether the port is on the upper side of the track."""
        return self.channel is Channel.UNDER or (self.channel is Channel.BETWEEN and port.station.row == 0)

    @property
    def ports(self) -> tuple[Port, ...]:
        """The ports at stations, without those at gates."""
        return tuple(port for port in (self.source, self.target) if port.station.row != GATE)

    @property
    def is_half(self) -> bool:
        """Whether the route leads to a gate, or from it."""
        return GATE in (self.source.station.row, self.target.station.row)

    @property
    def is_loop(self) -> bool:
        """Whether the route returns to its station."""
        return self.source.station is self.target.station


@dataclass(frozen=True, slots=True)
class Straight:
    """A transition from a station to the next of the line."""

    arrow: int
    text: Inscription
    source: Station
    target: Station


@dataclass(frozen=True, slots=True)
class Tail:
    """A transition from the last station of a line to the first of the next."""

    arrow: int
    text: Inscription


@dataclass(frozen=True, slots=True)
class Jump:
    """A transition from a line to another, by way of the gates of both on the same side.

    Attributes:
        start: The route to the gate; None if the last station of a line continues in the next.
        source: The station where it begins.
        end: The route from the gate.
        lines: The numbers of both lines.
        is_right: Whether the gates are at the ends of the lines, rather than at their beginnings.
    """

    arrow: int
    start: Route | None
    source: Station
    end: Route
    lines: tuple[int, int]
    is_right: bool


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase whose states are side by side in a line.

    Attributes:
        width: The width of the name.
        is_row: Whether only the states of the line belong to the phase, and not those beneath them.
    """

    name: str
    width: float
    stations: Sequence[Station]
    is_row: bool

    @property
    def columns(self) -> tuple[int, int]:
        """The first column, and the column after the last."""
        places = [int(station.place) for station in self.stations]
        return min(places), max(places) + 1


@dataclass(slots=True)
class Line:
    """A line of stations, with all that connects them.

    Attributes:
        columns: The stations of the line.
        beneath: The stations beneath each column; the first is straight beneath the column's station.
        straights: Transitions from a station to the next.
        drops: Transitions between a station and the first beneath it.
        routes: All other transitions.
        gates: Where routes leave for other lines: before all stations, and after them.
        indented: Whether routes of this line or another use the gate before the stations.
        tail: The transition from the last station, if it continues in the next line.
    """

    columns: list[Station]
    beneath: list[list[Station]]
    gates: tuple[Station, Station]
    straights: list[Straight] = field(default_factory=list)
    drops: list[Route] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    tail: Tail | None = None
    indented: bool = False

    def stations(self) -> Iterator[Station]:
        """Yield the stations in the order in which they are placed."""
        for station, others in zip(self.columns, self.beneath, strict=True):
            yield station
            yield from others

    def within(self, channel: Channel) -> list[Route]:
        """Return the routes of a channel."""
        return [route for route in self.routes if route.channel is channel]
