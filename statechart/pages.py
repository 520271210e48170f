"""Keep the diagrams in documentation pages up to date, between two markers.

A marker is a comment in the page's own language. In Markdown:

    <!-- statechart: shop.orders:OrderChart mermaid -->
    <!-- /statechart -->

and in reStructuredText:

    .. statechart: shop.orders:OrderChart rst
    .. /statechart

`state=NAME` and `path=EVENT,EVENT` after the format mark a state, or a path from the initial state.
Markers inside a fenced block are text. All lines between two markers are replaced.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import unified_diff
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
_MARKERS = {
    "md": (
        re.compile(r"^\s*<!--\s*statechart:(.*?)-->\s*$"),
        re.compile(r"^\s*<!--\s*/statechart\s*-->\s*$"),
    ),
    "rst": (re.compile(r"^\.\.\s+statechart:(.*)$"), re.compile(r"^\.\.\s+/statechart\s*$")),
}
_DIRECTIVES = {"mermaid": "mermaid", "dot": "graphviz", "json": "code-block:: json"}


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
        now, fresh = (text.splitlines(keepends=True) for text in (self.now, self.fresh))
        return "".join(unified_diff(now, fresh, f"{self.path}", f"{self.path} (fresh)"))


@dataclass(frozen=True, slots=True)
class _Region:
    """The lines of a diagram: the marker at `begin` and its end at `end`, counted from 0."""

    begin: int
    end: int
    marker: str


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
    lines = text.splitlines(keepends=True)
    regions, errors = _regions(path_, lines, kind)
    fresh = list(lines)
    # From the end, as each replacement moves the lines below it.
    for region in reversed(regions):
        try:
            drawn = _drawn(region.marker, kind, find)
        except (StatechartError, ValueError) as error:
            errors.append(PageError(path_, region.begin + 1, str(error)))
            continue
        ending = "\r\n" if lines[region.begin].endswith("\r\n") else "\n"
        fresh[region.begin + 1 : region.end] = [f"{line}{ending}" for line in drawn]
    if errors:
        return None, sorted(errors, key=lambda error: error.line or 0)
    return Page(path_, text, "".join(fresh), len(regions)), []


def _regions(path_: Path, lines: Sequence[str], kind: str) -> tuple[list[_Region], list[PageError]]:
    """Return the regions of a page, and the errors of its markers."""
    begins, ends = _MARKERS[kind]
    regions: list[_Region] = []
    errors: list[PageError] = []
    open_: tuple[int, str] | None = None
    seen: dict[str, int] = {}
    for number, line in _outside_fences(lines, kind):
        begin = begins.match(line)
        if begin is not None:
            if open_ is not None:
                errors.append(PageError(path_, open_[0] + 1, f"the marker has no end: {_how_to_end(kind)}"))
            marker = " ".join(begin[1].split())
            open_ = number, marker
            if marker in seen:
                what = f"the same marker as in line {seen[marker] + 1}: keep one of them"
                errors.append(PageError(path_, number + 1, what))
            seen.setdefault(marker, number)
        elif ends.match(line):
            if open_ is None:
                errors.append(PageError(path_, number + 1, "an end without a marker: remove it"))
            else:
                regions.append(_Region(open_[0], number, open_[1]))
            open_ = None
    if open_ is not None:
        errors.append(PageError(path_, open_[0] + 1, f"the marker has no end: {_how_to_end(kind)}"))
    return regions, errors


def _how_to_end(kind: str) -> str:
    return f"add a line {'.. /statechart' if kind == 'rst' else '<!-- /statechart -->'} after it"


def _outside_fences(lines: Sequence[str], kind: str) -> Iterator[tuple[int, str]]:
    """Yield the lines outside of fenced blocks, numbered from 0."""
    fence: str | None = None
    for number, line in enumerate(lines):
        match = re.match(r"^\s*(```+|~~~+)(.*)$", line) if kind == "md" else None
        if match is not None:
            if fence is None:
                fence = match[1]
            elif match[1].startswith(fence) and not match[2].strip():
                fence = None
        elif fence is None:
            yield number, line.rstrip("\r\n")


def _drawn(marker: str, kind: str, find: FindChart) -> list[str]:
    """Return the lines that belong after a marker."""
    words = marker.split()
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
    return _framed(text, format, kind)


def _marks(chart: type[Chart], options: Sequence[str]) -> Marks:
    parts = (option.partition("=") for option in options)
    given: dict[str, str] = {key: value for key, _, value in parts}
    for key in given.keys() - {"state", "path"}:
        raise ValueError(f"a marker has no option {key!r}: use state=NAME or path=EVENT,EVENT")
    return chosen(chart, given.get("state"), given.get("path"))


def _framed(text: str, format: str, kind: str) -> list[str]:
    lines = text.splitlines()
    if format in ("md", "rst"):
        return ["", *lines, ""]
    if kind == "md":
        return [f"```{format}", *lines, "```"]
    directive = _DIRECTIVES[format]
    head = directive if "::" in directive else f"{directive}::"
    return ["", f".. {head}", "", *(f"   {line}".rstrip() for line in lines), ""]
