"""SVG of a picture, by the layout that suits it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Literal, TypeAlias

from statechart.formats.svg import layered, line
from statechart.formats.svg.drawing import drawn
from statechart.formats.svg.geometry import Plan
from statechart.formats.svg.style import Theme
from statechart.picture import Arrow, Node, Note, Picture

Layout: TypeAlias = Literal["auto", "line", "layered"]

# Found by looking at both drawings of our charts and of 200 random ones. A line is shorter by a fifth, and
# its wires cross at right angles: the eye follows up to three crossings at a glance, so layers gain nothing
# until then. Layers cross at flat angles: they are clearer if they at least halve the crossings, and the
# longer they are, the smaller a page shows them, and the more they have to save.
_FOLLOWED = 3
_SAVED = 2.0


def svg(
    picture: Picture,
    *,
    upright: bool = False,
    layout: Layout = "auto",
    theme: Theme = "auto",
    styled: bool = True,
    prefix: str = "",
    width: float = 1280.0,
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
    picture: Picture, *, upright: bool = False, layout: Layout = "auto", width: float = 1280.0
) -> Plan:
    """Return the geometry of a picture, by the layout that suits it."""
    boxes = tuple((name, tuple(members)) for name, members in picture.boxes.items())
    texts = tuple(picture.nodes), tuple(picture.arrows), boxes, tuple(picture.notes)
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
        arrows = tuple(_unmarked(arrow) for arrow in arrows if not _is_unfolded(arrow, notes))
        layout = _suited(nodes, arrows, boxes, notes)
    if layout == "layered":
        return layered.plan(picture, upright=upright)
    return line.plan(picture, upright=upright, width=width)


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
    if found.crossings <= _FOLLOWED:
        return "line"
    layers = layered.plan(picture)
    length = max(1.0, layers.width / found.width)
    return "layered" if layers.crossings * length * _SAVED <= found.crossings else "line"


def _unmarked(arrow: Arrow) -> Arrow:
    return replace(arrow, label="", taken=False, order="", detail="", mark="")


def _is_unfolded(arrow: Arrow, notes: tuple[Note, ...]) -> bool:
    """Return whether an arrow is drawn only because it was taken: others like it are a note."""
    alike = (other for note in notes for other in note.arrows if note.state == arrow.target)
    return arrow.taken and any(other.events == arrow.events for other in alike)
