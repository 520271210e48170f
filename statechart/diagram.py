"""Draw a chart as Mermaid, DOT, SVG, PNG, a Markdown or reStructuredText table, or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from statechart.errors import DiagramUnavailable
from statechart.formats.dot import dot, graphviz
from statechart.formats.json_document import json_document
from statechart.formats.mermaid import mermaid
from statechart.formats.table import table
from statechart.picture import Marks, compose

if TYPE_CHECKING:
    from statechart.graph import AnyChart

__all__ = ["FORMATS", "Format", "draw", "graphviz", "mermaid", "render"]

Format: TypeAlias = Literal["mermaid", "dot", "svg", "png", "md", "rst", "json"]
FORMATS: tuple[str, ...] = get_args(Format)


def render(chart: AnyChart, format: Format, *, marks: Marks | None = None) -> str:
    """Draw a chart with its marks, as text.

    The same chart gives the same text. To keep the picture readable, an event that leads to one state
    from all others becomes a note at that state, and so does a guard that all other transitions share.
    Tables and JSON are complete.

    Raises:
        UnknownState: The chart has no state that was to be marked.
        DiagramUnavailable: `svg` needs Graphviz; `png` is not text: see `draw`.
    """
    if format == "png":
        raise DiagramUnavailable("png is not text: write it to a file")
    return draw(chart, format, marks=marks).decode()


def draw(chart: AnyChart, format: Format, *, marks: Marks | None = None) -> bytes:
    """Draw a chart with its marks, as bytes: UTF-8 for all formats except `png`.

    Raises:
        UnknownState: The chart has no state that was to be marked.
        DiagramUnavailable: `svg` and `png` need Graphviz.
    """
    marks = marks or Marks()
    picture = compose(chart, marks)
    if format in ("svg", "png"):
        return graphviz(dot(picture), format)
    if format == "json":
        return json_document(chart, marks).encode()
    if format in ("md", "rst"):
        return table(picture, marks, format).encode()
    return (mermaid(picture) if format == "mermaid" else dot(picture)).encode()
