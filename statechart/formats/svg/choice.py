"""SVG of a picture, by the layout that suits it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Literal, TypeAlias

from statechart.formats.main_path import main_path
from statechart.formats.svg import layered, line, nested
from statechart.formats.svg.drawing import drawn
from statechart.formats.svg.geometry import Plan, crossings
from statechart.formats.svg.style import Theme
from statechart.picture import Arrow, Node, Note, Picture

Layout: TypeAlias = Literal["auto", "line", "layered"]

# Found by looking at both drawings of our charts and of 200 random ones. A line is shorter by a fifth, and
# its wires cross at right angles: the eye follows up to three crossings at a glance, so layers gain nothing
# until then. Layers cross at flat angles: they are clearer if they at least halve the crossings, and the
# longer they are, the smaller a page shows them, and the more they have to save.
_FOLLOWED = 3
_SAVED = 2.0

# Layers do not go on in further rows. On a page of half their length, letters are under 6 pixels high.
_LEGIBLE = 2 * line.PAGE_WIDTH
_LEAST_STEP = 104.0
"""The room that layers need for a state of the main path and a transition, at least."""


def svg(
    picture: Picture,
    *,
    upright: bool = False,
    layout: Layout = "auto",
    theme: Theme = "auto",
    styled: bool = True,
    prefix: str = "",
    width: float = line.PAGE_WIDTH,
) -> str:
    """Return a picture as SVG. The same picture gives the same text.

    Args:
        picture: The picture, composed from a chart.
        upright: Whether the main path runs from top to bottom, for narrow screens.
        layout: A line of stations, layers, or the better of both for the chart.
        theme: `auto` follows the reader's system, by CSS variables; the others have fixed colours.
        styled: Whether the rules are inside. A page that has `CHART_CSS` needs none.
        prefix: The beginning of all identifiers, different for each picture of a page.
        width: The width of the page. A main path that is much longer goes on in further lines.
    """
    found = plan(picture, upright=upright, layout=layout, width=width)
    return drawn(picture, found, theme if styled else None, prefix)


def plan(
    picture: Picture, *, upright: bool = False, layout: Layout = "auto", width: float = line.PAGE_WIDTH
) -> Plan:
    """Return the geometry of a picture, by the layout that suits it."""
    boxes = tuple((name, tuple(members)) for name, members in picture.boxes.items())
    texts = tuple(picture.nodes), tuple(picture.arrows), boxes, tuple(picture.notes)
    if picture.is_nested or any(arrow.reach == "stays" for arrow in picture.arrows):
        return _nested(*texts, picture.starts, upright=upright, width=width)
    return _planned(*texts, upright=upright, layout=layout, width=width)


# Marks on states change nothing here: the pictures of many values of a chart have few plans.
@lru_cache(maxsize=256)
def _planned(
    nodes: tuple[Node, ...],
    arrows: tuple[Arrow, ...],
    boxes: tuple[tuple[str, tuple[str, ...]], ...],
    notes: tuple[Note, ...],
    *,
    upright: bool,
    layout: Layout,
    width: float,
) -> Plan:
    picture = Picture("", nodes, arrows, arrows, dict(boxes), notes, {})
    if layout == "auto":
        layout = _suited(nodes, tuple(_unmarked(arrow) for arrow in arrows), boxes, notes)
    if layout == "layered":
        return layered.plan(picture, upright=upright)
    return line.plan(picture, upright=upright, width=width)


@lru_cache(maxsize=256)
def _nested(
    nodes: tuple[Node, ...],
    arrows: tuple[Arrow, ...],
    boxes: tuple[tuple[str, tuple[str, ...]], ...],
    notes: tuple[Note, ...],
    starts: tuple[str, ...],
    *,
    upright: bool,
    width: float,
) -> Plan:
    picture = Picture("", nodes, arrows, arrows, dict(boxes), notes, {}, starts=starts)
    return nested.plan(picture, upright=upright, width=width)


# A way that was taken, and the direction, must not change the layout: people know a chart by its shape.
@lru_cache(maxsize=256)
def _suited(
    nodes: tuple[Node, ...],
    arrows: tuple[Arrow, ...],
    boxes: tuple[tuple[str, tuple[str, ...]], ...],
    notes: tuple[Note, ...],
) -> Layout:
    """Return the layout that suits a picture without marks."""
    picture = Picture("", nodes, arrows, arrows, dict(boxes), notes, {})
    found = line.plan(picture)
    crossed = _lasting(found, picture)
    if crossed <= _FOLLOWED:
        return "line"
    if len(main_path(picture)) * _LEAST_STEP > _LEGIBLE:
        return "line"  # without a plan of layers, which takes seconds for such a chart
    layers = layered.plan(picture)
    if layers.width > max(_LEGIBLE, found.width):
        return "line"
    length = max(1.0, layers.width / found.width)
    return "layered" if _lasting(layers, picture) * length * _SAVED <= crossed else "line"


def _lasting(plan: Plan, picture: Picture) -> int:
    """Count the crossings of a plan without arrows that may be a part of a note until they are taken."""
    noted = {(note.state, note.arrows[0].events) for note in picture.notes if note.arrows}
    passing = {index for index, arrow in enumerate(picture.arrows) if (arrow.target, arrow.events) in noted}
    if not passing:
        return plan.crossings
    return crossings([wire for wire in plan.wires if wire.arrow not in passing])


def _unmarked(arrow: Arrow) -> Arrow:
    return replace(arrow, label="", taken=False, order="", detail="", mark="")
