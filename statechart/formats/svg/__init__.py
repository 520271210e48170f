"""SVG, drawn here without another program: a line of stations, or layers."""

from __future__ import annotations

from statechart.formats.svg.choice import Layout, svg
from statechart.formats.svg.style import CHART_CSS, Theme

__all__ = ["CHART_CSS", "Layout", "Theme", "svg"]
