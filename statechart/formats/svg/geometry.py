"""The geometry of a picture: boxes, wires and labels, without texts to escape and without colours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Literal, TypeAlias

Point: TypeAlias = tuple[float, float]
"""X to the right, and Y downwards."""

Anchor: TypeAlias = Literal["start", "middle", "end"]
"""Where the lines of a text are aligned."""

LabelKind: TypeAlias = Literal["event", "note", "remark", "phase"]
"""The class of a text."""

Rectangle: TypeAlias = tuple[float, float, float, float]
"""Left, top, right and bottom."""


@dataclass(frozen=True, slots=True)
class Box:
    """The box of a state.

    Attributes:
        state: The identifier of the node.
        lines: The name, in lines.
        small: Lines in small type below the name: actions, and transitions from everywhere.
    """

    state: str
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...] = ()
    small: tuple[str, ...] = ()

    @property
    def rectangle(self) -> Rectangle:
        """The sides of the box."""
        return self.x, self.y, self.x + self.width, self.y + self.height

    def moved(self, x: float, y: float) -> Box:
        """Return the box in another place."""
        place = self.x + x, self.y + y
        return Box(self.state, *place, self.width, self.height, self.lines, self.small)


@dataclass(frozen=True, slots=True)
class Wire:
    """The line of a transition, which ends with an arrowhead.

    Attributes:
        arrow: The index into the arrows of the picture; None for the mark of the initial state.
        points: The corners, which are drawn round, or the control points of cubic curves: the start, and
            three points for each curve.
        curved: Whether the points are those of curves.
        note: Whether the wire stands for transitions that became a note.
    """

    arrow: int | None
    points: tuple[Point, ...]
    curved: bool = False
    note: bool = False

    def moved(self, x: float, y: float) -> Wire:
        """Return the wire in another place."""
        points = tuple([(left + x, top + y) for left, top in self.points])
        return Wire(self.arrow, points, self.curved, self.note)


@dataclass(frozen=True, slots=True)
class Label:
    """A text beside a wire, or apart.

    Attributes:
        x: The left side.
        y: The top.
        lines: The lines that are shown.
        arrow: The index into the arrows of the picture, or None.
        order: The order in which the transition was taken, shown as a badge before the first line.
        detail: A last line in small type.
        anchor: Where the lines are aligned.
        kind: The class of text.
        timed: Whether a clock is shown before the first line.
    """

    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
    arrow: int | None = None
    order: str = ""
    detail: str = ""
    anchor: Anchor = "middle"
    kind: LabelKind = "event"
    timed: bool = False

    @property
    def rectangle(self) -> Rectangle:
        """The sides of the text."""
        return self.x, self.y, self.x + self.width, self.y + self.height

    def moved(self, x: float, y: float) -> Label:
        """Return the text in another place."""
        return Label(
            self.x + x,
            self.y + y,
            self.width,
            self.height,
            self.lines,
            self.arrow,
            self.order,
            self.detail,
            self.anchor,
            self.kind,
            self.timed,
        )


@dataclass(frozen=True, slots=True)
class Band:
    """The area of a phase, behind its states."""

    name: str
    x: float
    y: float
    width: float
    height: float

    @property
    def rectangle(self) -> Rectangle:
        """The sides of the band."""
        return self.x, self.y, self.x + self.width, self.y + self.height

    def moved(self, x: float, y: float) -> Band:
        """Return the band in another place."""
        return Band(self.name, self.x + x, self.y + y, self.width, self.height)


@dataclass(frozen=True, slots=True)
class Plan:
    """Where everything of a picture is. The picture begins at 0, 0.

    Attributes:
        crossings: How often wires cross.
        separators: The ends of the lines between regions.
    """

    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    labels: tuple[Label, ...]
    width: float
    height: float
    crossings: int
    bands: tuple[Band, ...] = ()
    separators: tuple[tuple[Point, Point], ...] = ()


def crossings(wires: Sequence[Wire]) -> int:
    """Count how often wires cross, curves taken as chains of short lines."""
    chains = [tuple(segments(wire)) for wire in wires]
    around = [bounds_of(wire.points) for wire in wires]
    return sum(
        _cross(one, two)
        for first, second in combinations(range(len(wires)), 2)
        if touch(around[first], around[second])
        for one in chains[first]
        for two in chains[second]
    )


def bounds_of(points: Sequence[Point]) -> Rectangle:
    """Return the rectangle around points."""
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def touch(one: Rectangle, two: Rectangle) -> bool:
    """Return whether two rectangles have a part in common, or touch."""
    return one[0] <= two[2] and two[0] <= one[2] and one[1] <= two[3] and two[1] <= one[3]


def flattened(wire: Wire, pieces: int = 8) -> list[Point]:
    """Return a wire as a chain of lines."""
    if not wire.curved:
        return list(wire.points)
    chain = [wire.points[0]]
    for index in range(0, len(wire.points) - 3, 3):
        curve = wire.points[index : index + 4]
        chain += (_on_curve(curve, step / pieces) for step in range(1, pieces + 1))
    return chain


def bounds(rectangles: Iterable[Rectangle]) -> Rectangle:
    """Return the rectangle around one or more others."""
    lefts, tops, rights, bottoms = zip(*rectangles, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def segments(wire: Wire) -> Iterator[tuple[Point, Point]]:
    """Yield the lines of a wire."""
    return pairwise(flattened(wire))


def _on_curve(curve: Sequence[Point], part: float) -> Point:
    rest = 1 - part
    weights = (rest**3, 3 * rest * rest * part, 3 * rest * part * part, part**3)
    return (
        sum(weight * x for weight, (x, _) in zip(weights, curve, strict=True)),
        sum(weight * y for weight, (_, y) in zip(weights, curve, strict=True)),
    )


def _cross(one: tuple[Point, Point], two: tuple[Point, Point]) -> bool:
    """Return whether two lines cross, and do not only touch."""
    (a, b), (c, d) = one, two
    return _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
