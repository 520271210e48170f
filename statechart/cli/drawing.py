"""Drawing: a chart in a format, on stdout or in a file."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from statechart.diagram import FORMATS, LAYOUTS, THEMES, Format, Layout, Theme, draw
from statechart.formats.columns import USUAL, columns_of, is_ascii
from statechart.terminal.output import emit, note
from statechart.terminal.program.parameters import STDOUT, Decorator, PathType
from statechart.terminal.refusal import UsageRefused
from statechart.wording import listed, nearest

if TYPE_CHECKING:
    from statechart.chart import Chart
    from statechart.picture import Marks
    from statechart.terminal.settings import ProgramSettings

_BY_SUFFIX: Mapping[str, Format] = {
    ".svg": "svg",
    ".png": "png",
    ".md": "md",
    ".markdown": "md",
    ".rst": "rst",
    ".json": "json",
    ".dot": "dot",
    ".gv": "dot",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".txt": "text",
    ".scxml": "scxml",
}
"""The format of a file by its suffix."""

_OPTIONS = ("format", "output", "layout", "upright", "theme")

Handler = Callable[..., Any]  # Any: click calls it with the parameters
Complete = Callable[[click.Context, click.Parameter, str], list[str]]
Completion = Callable[[tuple[str, ...]], Complete | None]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing that was asked for.

    Attributes:
        format: The format as typed, or None.
        output: The file to write, or None for stdout.
        layout: The layout as typed, or None.
        upright: Whether the main path runs from top to bottom.
        theme: The theme as typed, or None.
        again: The command, for advice.
    """

    format: str | None
    output: Path | None
    layout: str | None = None
    upright: bool = False
    theme: str | None = None
    again: str = ""

    def chosen(self, settings: ProgramSettings, *, on_terminal: Format = "mermaid") -> Format:
        """Return the format.

        Args:
            settings: How to print.
            on_terminal: The format on a terminal where none was typed.

        Raises:
            UsageRefused: There is no such format, layout or theme, or they don't fit each other.
        """
        format = self._format(settings, on_terminal)
        self._require_known("layout", self.layout, LAYOUTS, "--format svg --layout")
        self._require_known("theme", self.theme, THEMES, "--format svg --theme")
        look = self._look()
        if look and format not in ("svg", "png"):
            options = listed(word for word in look if word.startswith("--"))
            raise UsageRefused(
                f"{options} can't be used with {format}, only with svg and png",
                (f"{self.again} --format svg {' '.join(look)}",),
            )
        if self.layout == "dot" and self.theme == "dark":
            raise UsageRefused(
                "--layout dot has light colours only: leave out --theme dark, or --layout dot",
                (f"{self.again} --format {format} --theme dark",),
            )
        return format

    def _format(self, settings: ProgramSettings, on_terminal: Format) -> Format:
        if self.format is not None:
            self._require_known("format", self.format, FORMATS, "--format")
            return cast("Format", self.format)  # it was checked
        if self.output is not None and self.output.suffix:
            return self._of_suffix(self.output)
        if self._look():
            return "svg"
        is_shown = self.output is None and not settings.json and sys.stdout.isatty()
        return on_terminal if is_shown else "mermaid"

    def _of_suffix(self, output: Path) -> Format:
        found = _BY_SUFFIX.get(output.suffix.lower())
        if found is None:
            raise UsageRefused(
                f"no format has the suffix {output.suffix}: use {', '.join(_BY_SUFFIX)}, or --format",
                (
                    f"{self.again} --output {shlex.quote(str(output.with_suffix('.svg')))}",
                    f"{self.again} --format svg --output {shlex.quote(str(output))}",
                ),
            )
        return found

    def _require_known(self, what: str, typed: str | None, known: tuple[str, ...], option: str) -> None:
        if typed is not None and typed not in known:
            near = nearest(typed, known) or known[0]
            raise UsageRefused(
                f"there is no {what} {typed!r}: use {', '.join(known)}", (f"{self.again} {option} {near}",)
            )

    def _look(self) -> list[str]:
        """Return the options of a picture, as typed."""
        return [
            *(["--layout", self.layout] if self.layout else []),
            *(["--upright"] if self.upright else []),
            *(["--theme", self.theme] if self.theme else []),
        ]

    def require_one_mark(self, *marks: str | None) -> None:
        """Check that at most one of `--of`, `--state` and `--path` was typed.

        Raises:
            UsageRefused: There are more.
        """
        if sum(mark is not None for mark in marks) > 1:
            raise UsageRefused(
                "--of, --state and --path each mark something: choose one", (f"{self.again} --of NAME",)
            )

    def require_place(self, settings: ProgramSettings, format: Format) -> None:
        """Check that a picture does not go to a terminal.

        Raises:
            UsageRefused: It would.
        """
        if format == "png" and self.output is None and (settings.json or sys.stdout.isatty()):
            raise UsageRefused("png is not text: write it to a file", (f"{self.again} --output FILE.png",))

    def print(
        self,
        settings: ProgramSettings,
        chart: type[Chart],
        format: Format,
        marks: Marks,
        document: Mapping[str, object],
    ) -> None:
        """Draw a chart, and print or save it."""
        drawn = draw(
            chart,
            format,
            marks=marks,
            width=(columns_of(sys.stdout) if self.output is None else None) or USUAL,
            ascii=self.output is None and not settings.json and is_ascii(sys.stdout),
            layout=cast("Layout", self.layout or "auto"),  # it was checked
            upright=self.upright,
            theme=cast("Theme", self.theme or "auto"),  # it was checked
        )
        if self.output is not None:
            is_whole = format == "png" or drawn.endswith(b"\n")
            self._save(self.output, drawn if is_whole else drawn + b"\n")
            if settings.json:
                emit(settings, {**document, "output": str(self.output)}, "")
            else:
                note(f"written to {self.output}")
        elif format == "png":
            sys.stdout.buffer.write(drawn)
        else:
            text = drawn.decode()
            emit(settings, {**document, "diagram": text}, text)

    def _save(self, output: Path, drawn: bytes) -> None:
        is_new = not output.exists()
        try:
            output.write_bytes(drawn)
        except OSError as error:
            if is_new:  # a full disk leaves an empty file
                output.unlink(missing_ok=True)
            raise UsageRefused(
                f"{output} can't be written: {error.strerror}", (f"{self.again} --output FILE",)
            ) from error


def _options(complete: Completion) -> list[Decorator]:
    return [
        click.option(
            "--format",
            metavar="FORMAT",
            shell_complete=complete(FORMATS),
            help=f"One of {', '.join(FORMATS)}. By default the format of the file's suffix; without a "
            "file, text for --of on a terminal, otherwise mermaid.",
        ),
        click.option(
            "-o",
            "--output",
            metavar="FILE",
            type=PathType(),
            help="Write to a file, in the format of its suffix; '-' is stdout.",
        ),
        click.option(
            "--layout",
            metavar="LAYOUT",
            shell_complete=complete(LAYOUTS),
            help="For svg and png: line, layered, the better of both (auto, the default), or dot, which "
            "needs Graphviz.",
        ),
        click.option(
            "--upright", is_flag=True, help="For svg and png: from top to bottom, for narrow pages."
        ),
        click.option(
            "--theme",
            metavar="THEME",
            shell_complete=complete(THEMES),
            help="For svg and png: light, dark, or auto, which follows the reader's system in svg, and is "
            "light in png.",
        ),
    ]


def drawing_options(
    again: Callable[[Any], str],  # Any: the settings of the program
    complete: Completion = lambda words: None,  # noqa: ARG005
) -> Callable[[Handler], Handler]:
    """Add the options of a drawing to a handler, which takes them as `drawing`.

    Args:
        again: Returns the command of some settings, for advice.
        complete: Returns the completion of an option that takes one of some words.
    """
    options = _options(complete)

    def add(handler: Handler) -> Handler:
        @wraps(handler)
        def bundled(settings: Any, **parameters: Any) -> Any:  # Any: click calls it with the parameters
            typed = {name: parameters.pop(name) for name in _OPTIONS}
            if typed["output"] == STDOUT:
                typed["output"] = None
            return handler(settings, drawing=Drawing(**typed, again=again(settings)), **parameters)

        for option in reversed(options):
            bundled = option(bundled)
        return bundled

    return add
