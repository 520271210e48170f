"""Keep the diagrams in documentation pages up to date, between two markers.

A marker is a comment in the page's own language. In Markdown:

    <!-- statechart: shop.orders:OrderChart mermaid -->
    <!-- /statechart -->

and in reStructuredText:

    .. statechart: shop.orders:OrderChart rst
    .. /statechart

`state=NAME` and `path=EVENT,EVENT` after the format mark a state, or a path from the initial state.
All lines between two markers are replaced. Each gets what stands before the marker: the indentation in a
list, a note or a tab, and the `>` of a quotation. Markers inside code are text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import unified_diff
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

from statechart.diagram import FORMATS, Format, render
from statechart.errors import PageError, PageErrors, StatechartError
from statechart.picture import Marks, chosen
from statechart.reference import find_chart
from statechart.storage.disk import replace_file
from statechart.wording import nearest

if TYPE_CHECKING:
    from statechart.chart import Chart

FindChart: TypeAlias = "Callable[[str], type[Chart]]"

SUFFIXES = (".md", ".markdown", ".rst")
"""The suffixes of pages."""

_SKIPPED = frozenset(("_build", "build", "dist", "node_modules", "site-packages", "__pycache__"))
_BEFORE = {"md": r"[ \t>]*", "rst": r"[ \t]*"}
"""What may stand before a marker in its line."""

_BEGIN = {
    "md": re.compile(rf"({_BEFORE['md']})<!--\s*statechart:(.*?)-->\s*"),
    "rst": re.compile(rf"({_BEFORE['rst']})\.\.\s+statechart:(.*)"),
}
_END = {
    "md": re.compile(rf"({_BEFORE['md']})<!--\s*/statechart\s*-->\s*"),
    "rst": re.compile(rf"({_BEFORE['rst']})\.\.\s+/statechart\s*"),
}
_ANYWHERE = re.compile(r"<!--\s*/?statechart(?::|\s*-->)|(?:^|\s)\.\.\s+(?:statechart:|/statechart\s*$)")
_WRITTEN = {"md": "<!-- statechart: module:Chart mermaid -->", "rst": ".. statechart: module:Chart rst"}
_INLINE_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
_CODE = frozenset(
    (
        *(
            "code",
            "code-block",
            "code-cell",
            "sourcecode",
            "literalinclude",
            "parsed-literal",
            "raw",
            "math",
        ),
        *("prompt", "highlight", "doctest", "testcode", "testoutput", "eval-rst"),
        *("mermaid", "graphviz", "graph", "digraph"),
    )
)
"""Directives whose content is text, of Sphinx and of MyST; others hold a part of a page."""
_DIRECTIVES = {
    "mermaid": "mermaid",
    "dot": "graphviz",
    "json": "code-block:: json",
    "text": "code-block:: text",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its present text and its text with fresh diagrams.

    Attributes:
        regions: The number of diagrams.
    """

    path: Path
    now: str
    fresh: str
    regions: int

    @property
    def is_fresh(self) -> bool:
        """Whether the present text is up to date."""
        return self.now == self.fresh

    def diff(self) -> str:
        """Return the missing changes as a unified diff."""
        now, fresh = (_lines(text) for text in (self.now, self.fresh))
        return "".join(unified_diff(now, fresh, f"{self.path}", f"{self.path} (fresh)"))


@dataclass(frozen=True, slots=True)
class _Region:
    """The lines of a diagram: the marker at `begin` and its end at `end`, counted from 0.

    Attributes:
        before: The text before the marker in its line.
        fence: The fence for code: one that does not end a directive around the diagram.
    """

    begin: int
    end: int
    before: str
    marker: str
    fence: str


def default_places() -> list[Path]:
    """Return the usual places of a project's pages that exist: its README and `docs`."""
    usual = [Path("README.md"), Path("README.rst"), Path("docs")]
    return [place for place in usual if place.exists()]


def pages(places: Iterable[Path]) -> list[Path]:
    """Return all pages in files and directories, sorted, without hidden and built directories.

    Raises:
        PageError: There is no such file.
    """
    found: set[Path] = set()
    for place in places:
        if place.is_dir():
            found.update(path for path in place.rglob("*") if _is_page(path.relative_to(place), path))
        elif place.exists():
            found.add(place)
        else:
            raise PageError(place, None, "there is no such file")
    return sorted(found)


def _is_page(relative: Path, path: Path) -> bool:
    hidden = any(part.startswith(".") or part in _SKIPPED for part in relative.parts)
    return path.suffix in SUFFIXES and not hidden and path.is_file()


def refresh(places: Iterable[Path], find: FindChart = find_chart) -> list[Page]:
    """Return the pages that have diagrams, with fresh text; write nothing.

    Raises:
        PageErrors: Pages can't be read, or have invalid markers. The error names all of them.
    """
    done: list[Page] = []
    errors: list[PageError] = []
    for path_ in pages(places):
        page, wrong = _refreshed(path_, find)
        errors += wrong
        if page is not None and page.regions:
            done.append(page)
    if errors:
        raise PageErrors(errors)
    return done


def write(page: Page) -> None:
    """Write the fresh text of a page: the whole file, or nothing.

    Raises:
        PageError: The file is read-only, or can't be written.
    """
    try:
        mode = page.path.stat().st_mode
        # A rename would replace the file without asking for write permission.
        if not mode & 0o222:
            raise PageError(page.path, None, f"it is read-only: chmod u+w {page.path}")
        # The link's target is replaced, so that a symbolic link stays a link.
        replace_file(page.path.resolve(), page.fresh.encode(), mode=mode & 0o7777)
    except OSError as error:
        raise PageError(page.path, None, f"it can't be written: {error.strerror}") from error


def _refreshed(path_: Path, find: FindChart) -> tuple[Page | None, list[PageError]]:
    """Return a page, or its errors."""
    try:
        text = path_.read_bytes().decode()
    except OSError as error:
        return None, [PageError(path_, None, f"it can't be read: {error.strerror}")]
    except UnicodeDecodeError as error:
        return None, [PageError(path_, None, f"it is not UTF-8: {error.reason}")]
    kind = "rst" if path_.suffix == ".rst" else "md"
    lines = _lines(text)
    regions, errors = _regions(path_, lines, kind)
    fresh = list(lines)
    # From the end, as each replacement moves the lines below it.
    for region in reversed(regions):
        try:
            drawn = _drawn(region, kind, find)
        except (StatechartError, ValueError) as error:
            errors.append(PageError(path_, region.begin + 1, str(error)))
            continue
        begin = lines[region.begin]
        ending = begin[len(begin.rstrip("\r\n")) :]
        fresh[region.begin + 1 : region.end] = [
            f"{region.before}{line}".rstrip() + ending for line in drawn
        ]
    if errors:
        return None, sorted(errors, key=lambda error: error.line or 0)
    return Page(path_, text, "".join(fresh), len(regions)), []


def _lines(text: str) -> list[str]:
    return list(StringIO(text, newline=""))  # keeps the ends of lines, and splits at nothing else


def _regions(path_: Path, lines: Sequence[str], kind: str) -> tuple[list[_Region], list[PageError]]:
    """Return the regions of a page, and the errors of its markers."""
    regions: list[_Region] = []
    errors: list[PageError] = []
    open_: _Region | None = None

    def refuse(number: int, what: str) -> None:
        errors.append(PageError(path_, number + 1, what))

    for number, line, fence in _outside_code(lines, kind):
        begin, end = _BEGIN[kind].fullmatch(line), _END[kind].fullmatch(line)
        if begin is not None:
            if open_ is not None:
                refuse(open_.begin, _no_end(kind))
            open_ = _Region(number, number, begin[1], " ".join(begin[2].split()), fence)
        elif end is not None and open_ is None:
            refuse(number, "an end without a marker: remove it")
        elif end is not None and open_ is not None:
            if end[1] != open_.before:
                refuse(number, f"indent the end like its marker in line {open_.begin + 1}")
            regions.append(replace(open_, end=number))
            open_ = None
        elif open_ is None and _has_marker(line, lines[number - 1] if number else ""):
            refuse(number, f"a marker is alone on its line, and is written {_WRITTEN[kind]} in this page")
    if open_ is not None:
        refuse(open_.begin, _no_end(kind))
    return regions, errors


def _has_marker(line: str, before: str) -> bool:
    """Return whether a line has a marker somewhere, or one of which the line before has the beginning."""
    if before.rstrip().endswith("<!--"):
        line = f"<!-- {line.strip()}"
    return "statechart" in line and _ANYWHERE.search(_INLINE_CODE.sub("", line)) is not None


def _no_end(kind: str) -> str:
    end = ".. /statechart" if kind == "rst" else "<!-- /statechart -->"
    return f"the marker has no end: add a line {end} after it"


def _outside_code(lines: Sequence[str], kind: str) -> Iterator[tuple[int, str, str]]:
    """Yield the lines that are no code, with their numbers from 0, and with a fence for code there."""
    plain = [line.rstrip("\r\n") for line in lines]
    plain[:1] = [line.removeprefix("\ufeff") for line in plain[:1]]  # a byte order mark
    return _outside_fences(plain) if kind == "md" else _outside_literals(plain)


def _outside_fences(lines: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    code: str | None = None
    directives: list[str] = []  # those that are open, by their fences
    for number, line in enumerate(lines):
        match = _FENCE.match(line)
        fence, info = (match[1], match[2].strip()) if match is not None else ("", "")
        directive = re.match(r"\{([\w:.-]+)\}", info)
        if code is not None:
            if fence.startswith(code) and not info:
                code = None
        elif not fence:
            yield number, line, "~~~" if directives and directives[-1][0] == "`" else "```"
        elif directive is not None and directive[1] not in _CODE:
            directives.append(fence)
        elif directives and fence.startswith(directives[-1]) and not info:
            directives.pop()
        else:
            code = fence


_FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]+)*(```+|~~~+)(.*)")


def _outside_literals(lines: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Yield the lines outside of literal blocks and of directives whose content is text."""
    within: int | None = None
    for number, line in enumerate(lines):
        if not line.strip() or (within is not None and len(line) - len(line.lstrip()) > within):
            continue
        bullets = _BULLETS.match(line)
        start = bullets.end() if bullets is not None else 0
        directive = re.match(r"\.\.\s+([\w:.-]+)::(?:\s|$)", line[start:])
        literal = directive[1] in _CODE if directive else line.rstrip().endswith("::")
        within = start if literal else None
        yield number, line, ""


_BULLETS = re.compile(r"\s*(?:(?:[-*+]|\(?(?:\d+|[A-Za-z#])[.)])\s+)*")


def _drawn(region: _Region, kind: str, find: FindChart) -> list[str]:
    """Return the lines that belong after a marker."""
    words = region.marker.split()
    if len(words) < 2:
        raise ValueError("a marker names a chart and a format: statechart: module:Chart mermaid")
    reference, format, *options = words
    allowed = [name for name in FORMATS if name not in ("svg", "png", "md" if kind == "rst" else "rst")]
    if format not in allowed:
        near = nearest(format, allowed)
        hint = f"did you mean {near}?" if near else f"use one of {', '.join(allowed)}"
        if format in ("svg", "png"):
            hint = f"use mermaid, or a file of its own: diagram --format {format} --output FILE"
        raise ValueError(f"{format!r} can't be used in this page: {hint}")
    chart = find(reference)
    text = render(chart, cast("Format", format), marks=_marks(chart, options))  # checked above
    return _framed(text, format, region.fence)


def _marks(chart: type[Chart], options: Sequence[str]) -> Marks:
    parts = (option.partition("=") for option in options)
    given: dict[str, str] = {key: value for key, _, value in parts}
    for key in given.keys() - {"state", "path"}:
        raise ValueError(f"a marker has no option {key!r}: use state=NAME or path=EVENT,EVENT")
    return chosen(chart, given.get("state"), given.get("path"))


def _framed(text: str, format: str, fence: str) -> list[str]:
    lines = text.removesuffix("\n").split("\n")
    if format in ("md", "rst"):
        return ["", *lines, ""]
    if fence:
        return [f"{fence}{format}", *lines, fence]
    directive = _DIRECTIVES[format]
    head = directive if "::" in directive else f"{directive}::"
    return ["", f".. {head}", "", *(f"   {line}".rstrip() for line in lines), ""]
