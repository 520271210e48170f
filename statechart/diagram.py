"""Draw a chart as Mermaid, DOT, SVG, PNG, a table, JSON or text; or write it as SCXML."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from statechart.errors import DiagramUnavailable
from statechart.formats.columns import USUAL
from statechart.formats.dot import dot, graphviz
from statechart.formats.json_document import json_document
from statechart.formats.mermaid import mermaid
from statechart.formats.png import png
from statechart.formats.scxml import scxml
from statechart.formats.svg import Layout as OwnLayout, Theme, svg
from statechart.formats.table import table
from statechart.formats.text import text
from statechart.picture import Marks, Picture, compose

if TYPE_CHECKING:
    from statechart.graph import AnyChart

__all__ = [
    "FORMATS",
    "LAYOUTS",
    "THEMES",
    "Format",
    "Layout",
    "Theme",
    "draw",
    "graphviz",
    "mermaid",
    "render",
]

Format: TypeAlias = Literal["mermaid", "dot", "svg", "png", "md", "rst", "json", "text", "scxml"]
FORMATS: tuple[str, ...] = get_args(Format)

Layout: TypeAlias = OwnLayout | Literal["dot"]
"""A line of stations, layers, the better of both for the chart (`auto`), or Graphviz's (`dot`)."""
LAYOUTS: tuple[str, ...] = (*get_args(OwnLayout), "dot")
THEMES: tuple[str, ...] = get_args(Theme)


def render(
    chart: AnyChart,
    format: Format,
    *,
    marks: Marks | None = None,
    width: int = USUAL,
    ascii: bool = False,
    layout: Layout = "auto",
    upright: bool = False,
    theme: Theme = "auto",
) -> str:
    """Draw a chart with its marks, as text.

    The same chart gives the same text. To keep the picture readable, an event that leads to one state
    from all or many others becomes a note at that state, and so does a guard that all other transitions
    share. Tables and JSON are complete.

    Args:
        chart: The class of the chart.
        format: The format; `png` is not text.
        marks: The states and transitions to highlight.
        width: The columns of a drawing in the format `text`.
        ascii: Whether the format `text` is limited to ASCII characters, apart from the chart's names.
        layout: The places of states in `svg` and `png`. `dot` runs Graphviz.
        upright: Whether the main path of `svg` and `png` runs from top to bottom, for narrow screens.
        theme: The colours of `svg` and `png`. With `auto`, an SVG follows the reader's system, and a PNG
            is light. Graphviz has light colours only.

    Raises:
        ValueError: There is no such format, layout or theme.
        UnknownState: The chart has no state that was to be marked.
        DiagramUnavailable: The layout `dot` needs Graphviz; `png` is not text: see `draw`.
    """
    if format == "png":
        raise DiagramUnavailable("png is not text: write it to a file")
    drawn = draw(
        chart, format, marks=marks, width=width, ascii=ascii, layout=layout, upright=upright, theme=theme
    )
    return drawn.decode()


def draw(
    chart: AnyChart,
    format: Format,
    *,
    marks: Marks | None = None,
    width: int = USUAL,
    ascii: bool = False,
    layout: Layout = "auto",
    upright: bool = False,
    theme: Theme = "auto",
) -> bytes:
    """Draw a chart with its marks, as bytes: UTF-8 for all formats except `png`. See `render`.

    Raises:
        ValueError: There is no such format, layout or theme.
        UnknownState: The chart has no state that was to be marked.
        DiagramUnavailable: `png` needs the package resvg-py, and the layout `dot` needs Graphviz.
    """
    _require_known(format=(format, FORMATS), layout=(layout, LAYOUTS), theme=(theme, THEMES))
    marks = marks or Marks()
    if format == "text":
        return text(compose(chart, _numbered(marks)), width, ascii=ascii).encode()
    picture = compose(chart, marks)
    if format in ("svg", "png"):
        return _drawn(picture, format, layout, upright, theme)
    if format == "json":
        return json_document(chart, marks).encode()
    if format == "scxml":
        return scxml(chart).encode()
    if format in ("md", "rst"):
        return table(picture, marks, format).encode()
    return (mermaid(picture) if format == "mermaid" else dot(picture)).encode()


def _require_known(**given: tuple[str, tuple[str, ...]]) -> None:
    """Check the words of callers whose types nobody checks: each with those that are known."""
    for name, (word, known) in given.items():
        if word not in known:
            raise ValueError(f"there is no {name} {word!r}: use {', '.join(known)}")


def _drawn(
    picture: Picture, format: Literal["svg", "png"], layout: Layout, upright: bool, theme: Theme
) -> bytes:
    if layout == "dot":
        return graphviz(dot(picture, upright=upright), format)
    if format == "svg":
        return svg(picture, layout=layout, upright=upright, theme=theme).encode()
    fixed: Theme = "light" if theme == "auto" else theme  # an image can't ask for the reader's theme
    return png(svg(picture, layout=layout, upright=upright, theme=fixed))


def _numbered(marks: Marks) -> Marks:
    """Return marks whose visits are labelled with their order: a terminal has no room for times."""
    visits = [replace(visit, label=str(number)) for number, visit in enumerate(marks.visits, 1)]
    return replace(marks, visits=visits)
