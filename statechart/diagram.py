"""Draw a chart as Mermaid, DOT, SVG, PNG, a table in Markdown or reStructuredText, JSON, or text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from statechart.errors import DiagramUnavailable
from statechart.formats.columns import USUAL
from statechart.formats.dot import dot, graphviz
from statechart.formats.json_document import json_document
from statechart.formats.mermaid import mermaid
from statechart.formats.table import table
from statechart.formats.text import text
from statechart.picture import Marks, compose

if TYPE_CHECKING:
    from statechart.graph import AnyChart

__all__ = ["FORMATS", "Format", "draw", "graphviz", "mermaid", "render"]

Format: TypeAlias = Literal["mermaid", "dot", "svg", "png", "md", "rst", "json", "text"]
FORMATS: tuple[str, ...] = get_args(Format)


def render(
    chart: AnyChart,
    format: Format,
    *,
    marks: Marks | None = None,
    width: int = USUAL,
    ascii: bool = False,
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

    Raises:
        UnknownState: The chart has no state that was to be marked.
        DiagramUnavailable: `svg` needs Graphviz; `png` is not text: see `draw`.
    """
    if format == "png":
        raise DiagramUnavailable("png is not text: write it to a file")
    return draw(chart, format, marks=marks, width=width, ascii=ascii).decode()


def draw(
    chart: AnyChart,
    format: Format,
    *,
    marks: Marks | None = None,
    width: int = USUAL,
    ascii: bool = False,
) -> bytes:
    """Draw a chart with its marks, as bytes: UTF-8 for all formats except `png`. See `render`.

    Raises:
        UnknownState: The chart has no state that was to be marked.
        DiagramUnavailable: `svg` and `png` need Graphviz.
    """
    marks = marks or Marks()
    if format == "text":
        return text(compose(chart, _numbered(marks)), width, ascii=ascii).encode()
    picture = compose(chart, marks)
    if format in ("svg", "png"):
        return graphviz(dot(picture), format)
    if format == "json":
        return json_document(chart, marks).encode()
    if format in ("md", "rst"):
        return table(picture, marks, format).encode()
    return (mermaid(picture) if format == "mermaid" else dot(picture)).encode()


def _numbered(marks: Marks) -> Marks:
    """Return marks whose visits are labelled with their order: a terminal has no room for times."""
    visits = [replace(visit, label=str(number)) for number, visit in enumerate(marks.visits, 1)]
    return replace(marks, visits=visits)
