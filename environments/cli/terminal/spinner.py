"""Spinner: the screen of a terminal, on which a command is a live picture, drawn by rich."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from statechart.formats.columns import columns_of, hanging, is_ascii, shortened, text_width
from statechart.terminal.control_codes import strip_control_codes
from statechart.terminal.lines import fitted, step_outcome


@dataclass(slots=True)
class _Step:
    """A step under way: its line, its beginning by the monotonic clock, and why it waits."""

    text: str
    begun: float
    allowed: timedelta | None
    reason: str = ""

    def line(self, width: int, ellipsis: str) -> str:
        """Return the line with the elapsed time, as much as fits."""
        passed = time.monotonic() - self.begun
        limit = f" of {_spoken(self.allowed.total_seconds())}" if self.allowed is not None else ""
        said = [f"{_spoken(passed)}{limit}"] if passed >= 1 else []
        said += [self.reason] if self.reason else []
        head = f"{self.text} {ellipsis} "
        return head + shortened(", ".join(said), width - text_width(head), ellipsis)


class TerminalScreen:
    """A command with its steps while it is under way, which becomes one line when it is done.

    After a failure the steps stay.
    """

    def __init__(self) -> None:
        self._console: Console = Console(stderr=True, highlight=False)
        plain = is_ascii(sys.stderr)
        self._ellipsis, self._good, self._bad = ("...", "ok", "!!") if plain else ("…", "✓", "✗")
        self._spinner: Spinner = Spinner("line" if plain else "dots")
        self._title = ""
        self._reasons: tuple[str, ...] = ()
        self._done: list[Text] = []
        self._step: _Step | None = None
        self._live: Live | None = None

    @property
    def _width(self) -> int:
        return columns_of(sys.stderr) or self._console.width

    def note(self, text: str) -> None:
        """Print a message above the picture."""
        self._print(Text(fitted(strip_control_codes(text), self._width)))

    def command(self, text: str, reasons: Sequence[str] = ()) -> None:
        """Begin a picture, with the reasons at its top."""
        self.close()
        self._title, self._reasons = strip_control_codes(text), tuple(map(strip_control_codes, reasons))
        lines = (hanging("  because ", reason.split(" "), self._width) for reason in self._reasons)
        self._done = [Text(line) for each in lines for line in each]
        self._start()

    def begin(
        self, text: str, *, allowed: timedelta | None = None, elapsed: timedelta = timedelta()
    ) -> None:
        """Add a step with a spinner."""
        begun = time.monotonic() - elapsed.total_seconds()
        self._step = _Step(strip_control_codes(text).strip(), begun, allowed)
        self._start()

    def reason(self, text: str) -> None:
        """Show the reason behind the elapsed time."""
        if self._step is not None:
            self._step.reason = strip_control_codes(text)

    def end(self, text: str, *, outcome: str, good: bool, detail: str = "") -> None:
        """Replace the spinner with the outcome."""
        head = strip_control_codes(f"{text} {self._ellipsis} ")
        said = step_outcome(head, outcome, detail, self._width, self._ellipsis)
        line = Text(head) + Text(said.removeprefix(head), style="green" if good else "red")
        self._step = None
        if self._title:
            self._done = [*self._done, line]
        else:
            self._stop()
            self._print(line)

    def finish(self, command: str, *, outcome: str, good: bool) -> None:
        """Replace the picture with one line; after a failure, the line follows the steps."""
        self._cut_off()
        title, done, self._title, self._done = self._title or command, self._done, "", []
        self._stop()
        if not good:
            for line in (Text(title), *done):
                self._print(line)
            title = command
        why = ", ".join(self._reasons) if good else ""
        ended = step_outcome(f"{title}: ", outcome, why, self._width - 3, self._ellipsis)
        sign, style = (self._good, "green") if good else (self._bad, "red")
        self._print(Text(f"{sign} ", style=style) + Text(ended))

    def close(self) -> None:
        """Stop, and leave what is known of a command that has not ended."""
        self._cut_off()
        self._stop()
        for line in (*([Text(self._title)] if self._title else []), *self._done):
            self._print(line)
        self._title, self._done = "", []

    def _cut_off(self) -> None:
        """Leave a line of a step that has no outcome, such as one that was ended by a signal."""
        if self._title and self._step is not None:
            self._done = [*self._done, Text(f"  {self._step.text} {self._ellipsis} not finished")]
        self._step = None

    def _start(self) -> None:
        if self._live is None:
            # Neither stream is redirected: the result may go to a file.
            self._live = Live(
                get_renderable=self._picture,
                console=self._console,
                transient=True,
                refresh_per_second=8,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            with suppress(OSError):
                self._live.start()

    def _stop(self) -> None:
        if self._live is not None:
            # A terminal that is gone must not stop the command.
            with suppress(OSError):
                self._live.stop()
        self._live = None

    def _picture(self) -> Group:
        width = self._width
        lines = [Text(shortened(self._title, width, self._ellipsis)), *self._done] if self._title else []
        if (step := self._step) is not None:
            frame = self._spinner.render(time.monotonic())
            lines.append(Text.assemble(frame, " ", step.line(width - 3, self._ellipsis)))  # type: ignore[arg-type]
        room = max(self._console.height - 1, 1)
        return Group(*lines[-room:])

    def _print(self, text: Text) -> None:
        with suppress(OSError):
            self._console.print(text, soft_wrap=True)


def _spoken(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"
