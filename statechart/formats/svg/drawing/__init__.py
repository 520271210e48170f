"""A plan, written as SVG."""

from statechart.formats.svg.drawing.pages import drawn

__all__ = ["drawn"]
