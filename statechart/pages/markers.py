"""Find the markers of diagrams in a page, outside of code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

from statechart.errors import PageError

_BEFORE = {"md": r"[ \t>]*", "rst": r"[ \t]*"}
"""The characters that may stand before a marker in its line."""

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


@dataclass(frozen=True, slots=True)
class Region:
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


def split_lines(text: str) -> list[str]:
    """Return the lines of a text with their ends."""
    return list(StringIO(text, newline=""))  # keeps the ends of lines, and splits at nothing else


def regions(path_: Path, lines: Sequence[str], kind: str) -> tuple[list[Region], list[PageError]]:
    """Return the regions of a page, and the errors of its markers."""
    found: list[Region] = []
    errors: list[PageError] = []
    open_: Region | None = None

    def refuse(number: int, what: str) -> None:
        errors.append(PageError(path_, number + 1, what))

    for number, line, fence in _outside_code(lines, kind):
        begin, end = _BEGIN[kind].fullmatch(line), _END[kind].fullmatch(line)
        if begin is not None:
            if open_ is not None:
                refuse(open_.begin, _no_end(kind))
            open_ = Region(number, number, begin[1], " ".join(begin[2].split()), fence)
        elif end is not None and open_ is None:
            refuse(number, "an end without a marker: remove it")
        elif end is not None and open_ is not None:
            if end[1] != open_.before:
                refuse(number, f"indent the end like its marker in line {open_.begin + 1}")
            found.append(replace(open_, end=number))
            open_ = None
        elif open_ is None and _has_marker(line, lines[number - 1] if number else ""):
            refuse(number, f"a marker is alone on its line, and is written {_WRITTEN[kind]} in this page")
    if open_ is not None:
        refuse(open_.begin, _no_end(kind))
    return found, errors


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
