"""Draw the diagram of a marker, as the lines of its page, with the file of a picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeAlias, cast, get_args
from urllib.parse import quote

from statechart.diagram import FORMATS, THEMES, Format, render
from statechart.formats.escapes import markdown
from statechart.formats.svg import Layout, Theme, svg
from statechart.pages.files import PictureFile, picture_file
from statechart.pages.markers import Region
from statechart.picture import Marks, chosen, compose
from statechart.wording import nearest

if TYPE_CHECKING:
    from statechart.chart import Chart

FindChart: TypeAlias = "Callable[[str], type[Chart]]"

_DIRECTIVES = {
    "mermaid": "mermaid",
    "dot": "graphviz",
    "json": "code-block:: json",
    "text": "code-block:: text",
    "scxml": "code-block:: xml",
}
_MARKS = ("state", "path")
_LOOK = ("file", "layout", "theme", "width")
# Graphviz draws another picture in each of its versions, which no check could compare.
_LAYOUTS: tuple[str, ...] = get_args(Layout)
PAGE_WIDTH = 860
"""The width of the text of most pages: a main path that is much longer goes on in further lines."""
_LONGEST = 80  # letters in the name of a file that was not chosen


@dataclass(frozen=True, slots=True)
class Drawn:
    """The lines that belong after a marker, and the file that they show, if any."""

    lines: tuple[str, ...]
    file: PictureFile | None = None


def drawn(region: Region, page: Path, kind: str, find: FindChart) -> Drawn:
    """Draw the diagram of a marker.

    Raises:
        StatechartError: The chart can't be found, or does not have the state or the path.
        ValueError: The marker is wrong.
    """
    words = region.marker.split()
    if len(words) < 2:
        raise ValueError("a marker names a chart and a format: statechart: module:Chart mermaid")
    reference, format, *typed = words
    allowed = [name for name in FORMATS if name not in ("png", "md" if kind == "rst" else "rst")]
    if format not in allowed:
        near = nearest(format, allowed)
        hint = f"did you mean {near}?" if near else f"use one of {', '.join(allowed)}"
        if format == "png":
            hint = "use svg, or a file of its own: diagram --output FILE.png"
        raise ValueError(f"{format!r} can't be used in this page: {hint}")
    options = _options(format, typed)
    chart = find(reference)
    marks = chosen(chart, options.get("state"), options.get("path"))
    if format == "svg":
        return _picture(chart, marks, options, page, kind)
    text = render(chart, cast("Format", format), marks=marks)  # checked above
    return Drawn(tuple(_framed(text, format, region.fence)))


def _options(format: str, typed: Sequence[str]) -> dict[str, str]:
    """Return the options of a marker; `upright` is there or not."""
    parts = (option.partition("=") for option in typed)
    given: dict[str, str] = {key: value for key, _, value in parts}
    known = ("upright", *_MARKS, *_LOOK) if format == "svg" else _MARKS
    for key, value in given.items():
        if key not in known:
            use = "state=NAME or path=EVENT,EVENT"
            if format == "svg":
                use = f"{use}, file=NAME.svg, upright, layout=LAYOUT, theme=THEME or width=PIXELS"
            elif key in ("upright", *_LOOK):
                use = f"{use}; {key} is for svg"
            raise ValueError(f"a marker has no option {key!r}: use {use}")
        if key == "upright" and value:
            raise ValueError(f"upright has no value: leave out ={value}")
    for key, values in (("layout", _LAYOUTS), ("theme", THEMES)):
        if given.get(key, "auto") not in values:
            raise ValueError(f"there is no {key} {given[key]!r} for a page: use {', '.join(values)}")
    width = given.get("width", f"{PAGE_WIDTH}")
    if not (width.isascii() and width.isdigit() and 200 <= int(width[:6]) <= 10_000):
        raise ValueError(f"width={width} has to be a number of pixels from 200 to 10000")
    return given


def _picture(chart: type[Chart], marks: Marks, options: Mapping[str, str], page: Path, kind: str) -> Drawn:
    name = options.get("file") or _named(chart, options)
    if not name.endswith(".svg") or PurePosixPath(name).is_absolute() or "\\" in name:
        raise ValueError(f"file={name} has to name a .svg file by its way from the page: file=chart.svg")
    picture = compose(chart, marks)
    fresh = svg(
        picture,
        layout=cast("Layout", options.get("layout", "auto")),  # all of them were checked
        theme=cast("Theme", options.get("theme", "auto")),
        upright="upright" in options,
        width=float(options.get("width", PAGE_WIDTH)),
    )
    described = picture.described()
    place = quote(name)
    image = (
        [f"![{markdown(described)}]({place})"]
        if kind == "md"
        else [f".. image:: {place}", f"   :alt: {described}"]
    )
    return Drawn(("", *image, ""), picture_file(page.parent / name, fresh.encode()))


def _named(chart: type[Chart], options: Mapping[str, str]) -> str:
    """Return the name of a picture's file: the same for the same picture, and different for others."""
    words = [
        chart.__name__,
        *(options[key] for key in ("state", "path", "layout", "theme", "width") if key in options),
    ]
    if "upright" in options:
        words.append("upright")
    name = re.sub("[^0-9a-z_]+", "-", "-".join(words).lower()).strip("-")[:_LONGEST]
    return f"{name or 'chart'}.svg"


def _framed(text: str, format: str, fence: str) -> list[str]:
    lines = text.removesuffix("\n").split("\n")
    if format in ("md", "rst"):
        return ["", *lines, ""]
    if fence:
        return [f"{fence}{'xml' if format == 'scxml' else format}", *lines, fence]
    directive = _DIRECTIVES[format]
    head = directive if "::" in directive else f"{directive}::"
    return ["", f".. {head}", "", *(f"   {line}".rstrip() for line in lines), ""]
