"""Shapes and texts, written as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from statechart.formats.svg.geometry import Box, Point
from statechart.formats.svg.texts import row

RADIUS = 10.0
"""The radius of corners."""

DOT = 4.5
"""The radius of the dot that an initial state is entered from."""


def numeral(number: float) -> str:
    """Return a number with at most one decimal place."""
    return f"{number:.1f}".removesuffix(".0")


def corner(point: Point) -> str:
    """Return a point as paths have it."""
    return f"{numeral(point[0])},{numeral(point[1])}"


def curves(points: Sequence[Point]) -> str:
    """Return the path of cubic curves."""
    return f"M{corner(points[0])}C{' '.join(map(corner, points[1:]))}"


def rounded(points: Sequence[Point]) -> str:
    """Return the path through corners, each of them round."""
    path = [f"M{corner(points[0])}"]
    for before, here, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(RADIUS, distance(before, here) / 2, distance(here, after) / 2)
        start, end = towards(here, before, radius), towards(here, after, radius)
        path.append(f"L{corner(start)}Q{corner(here)} {corner(end)}")
    return "".join([*path, f"L{corner(points[-1])}"])


def distance(one: Point, two: Point) -> float:
    """Return the distance of two points along the axes."""
    return float(abs(one[0] - two[0]) + abs(one[1] - two[1]))


def towards(start: Point, end: Point, length: float) -> Point:
    """Return the point at a distance from the start of a line."""
    whole = distance(start, end)
    part = length / whole if whole else 0.0
    return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part


def rectangle(box: Box, name: str, margin: float, radius: float) -> str:
    """Return the rectangle of a box with a margin around it."""
    place = f'x="{numeral(box.x - margin)}" y="{numeral(box.y - margin)}"'
    width, height = numeral(box.width + 2 * margin), numeral(box.height + 2 * margin)
    return (
        f'<rect class="{name}" {place} width="{width}" height="{height}" rx="{numeral(radius + margin)}"/>'
    )


def written(text: str, x: float, top: float, size: float, name: str, anchor: str) -> str:
    """Return a line of text."""
    baseline = top + row(size) / 2 + size * 0.36
    kind = f' class="{name}"' if name else ""
    aligned = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return (
        f'<text{kind} x="{numeral(x)}" y="{numeral(baseline)}"{aligned}>{escape(text, quote=False)}</text>'
    )


def clock(x: float, middle: float) -> str:
    """Return a small clock, which marks what a timer does, to the right of a place."""
    left, y = numeral(x + 5.0), numeral(middle)
    return (
        f'<g class="clock"><circle cx="{left}" cy="{y}" r="4.6"/>'
        f'<path d="M{left},{numeral(middle - 2.8)}V{y}h2.3"/></g>'
    )
