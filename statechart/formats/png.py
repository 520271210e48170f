"""PNG: a picture drawn as SVG, in pixels, by the package resvg-py."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from statechart.errors import DiagramUnavailable

_SCALE = 2.0
"""Pixels for each unit of the SVG, so that a picture is sharp on dense screens."""

_FAMILIES = (
    *("DejaVu Sans", "Liberation Sans", "Noto Sans", "Open Sans", "Roboto", "Ubuntu", "Cantarell"),
    *("Arial", "Helvetica", "Helvetica Neue", "Segoe UI", "Verdana", "FreeSans"),
)
"""The fonts that stand for `sans-serif`, the first that is installed. Labels are measured for the first."""

_LETTER = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text y="9">A</text></svg>'


def png(svg: str) -> bytes:
    """Return an SVG with fixed colours as PNG.

    Raises:
        DiagramUnavailable: resvg-py is not installed, or the system has no font.
    """
    resvg = _resvg()
    return bytes(
        resvg.svg_to_bytes(svg_string=svg, zoom=_SCALE, font_family=_family(), sans_serif_family=_family())
    )


def _resvg() -> Any:  # Any: the package is optional
    try:
        return import_module("resvg_py")
    except ModuleNotFoundError as error:
        raise DiagramUnavailable(
            "png needs the package resvg-py: pip install 'envchart[png]'; or use --layout dot, if Graphviz "
            "is installed"
        ) from error


@cache
def _family() -> str:
    """Return the font that stands for `sans-serif`."""
    resvg = _resvg()
    # Without a font, resvg draws no text, and does not say so.
    empty = resvg.svg_to_bytes(svg_string=_LETTER, skip_system_fonts=True)
    for family in _FAMILIES:
        if resvg.svg_to_bytes(svg_string=_LETTER, font_family=family) != empty:
            return family
    raise DiagramUnavailable(
        "png needs a font, and none is installed: install one, such as the package fonts-dejavu-core, or "
        "use --format svg"
    )
