"""Drawing: a chart in a format, on stdout or in a file."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from statechart.diagram import FORMATS, Format, draw
from statechart.formats.columns import USUAL, columns_of, is_ascii
from statechart.terminal.output import emit, note
from statechart.terminal.refusal import UsageRefused
from statechart.wording import nearest

if TYPE_CHECKING:
    from statechart.chart import Chart
    from statechart.picture import Marks
    from statechart.terminal.settings import ProgramSettings


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing that was asked for.

    Attributes:
        format: The format as typed, or None.
        output: The file to write, or None for stdout.
        again: The command, for advice.
    """

    format: str | None
    output: Path | None
    again: str

    def chosen(self, settings: ProgramSettings, *, on_terminal: Format = "mermaid") -> Format:
        """Return the format.

        Args:
            settings: How to print.
            on_terminal: The format on a terminal where none was typed.

        Raises:
            UsageRefused: There is no such format.
        """
        if self.format is None:
            is_shown = self.output is None and not settings.json and sys.stdout.isatty()
            return on_terminal if is_shown else "mermaid"
        if self.format not in FORMATS:
            near = nearest(self.format, FORMATS) or FORMATS[0]
            raise UsageRefused(
                f"there is no format {self.format!r}: use {', '.join(FORMATS)}",
                (f"{self.again} --format {near}",),
            )
        return cast("Format", self.format)  # it was checked

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
            raise UsageRefused(
                "png is not text: write it to a file", (f"{self.again} --format png --output FILE",)
            )

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
        )
        if self.output is not None:
            self._save(self.output, drawn)
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
            output.write_bytes(drawn if drawn.endswith(b"\n") or output.suffix == ".png" else drawn + b"\n")
        except OSError as error:
            if is_new:  # a full disk leaves an empty file
                output.unlink(missing_ok=True)
            raise UsageRefused(
                f"{output} can't be written: {error.strerror}", (f"{self.again} --output FILE",)
            ) from error
