"""Screen: progress and messages on stderr, as plain lines or as a live picture on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

import click

from statechart.formats.columns import columns_of, is_ascii
from statechart.terminal.control_codes import strip_control_codes
from statechart.terminal.lines import cut, fitted, step_outcome


class Screen(Protocol):
    """Shows progress and messages."""

    def note(self, text: str) -> None:
        """Show a message."""
        ...

    def command(self, text: str, reasons: Sequence[str] = ()) -> None:
        """Show a command that begins, with the reasons why it is run."""
        ...

    def begin(
        self, text: str, *, allowed: timedelta | None = None, elapsed: timedelta = timedelta()
    ) -> None:
        """Show a step that is under way, with its time limit and the time that it has taken already."""
        ...

    def reason(self, text: str) -> None:
        """Show how far the step has come, or why it waits."""
        ...

    def end(self, text: str, *, outcome: str, good: bool, detail: str = "") -> None:
        """Show the outcome of the step; only the detail may be shortened."""
        ...

    def finish(self, command: str, *, outcome: str, good: bool) -> None:
        """Show the outcome of the command."""
        ...

    def close(self) -> None:
        """Complete the output."""
        ...


class PlainScreen:
    """Plain lines; the line of a step stays open until its outcome is known.

    Args:
        width: The columns that lines have to fit, or None for whole lines.
        ellipsis: Stands for what is left out, and for an outcome that is not known yet.
    """

    def __init__(self, width: int | None = None, ellipsis: str = "…") -> None:
        self._width = width
        self._ellipsis = ellipsis
        self._open: str | None = None

    def note(self, text: str) -> None:
        """Print a message on a line of its own."""
        self.close()
        _write(fitted(strip_control_codes(text), self._width) + "\n")

    def command(self, text: str, reasons: Sequence[str] = ()) -> None:
        """Print a line, and a line for each reason."""
        self.note(text)
        for reason in reasons:
            self.note(f"  because {reason}")

    def begin(
        self, text: str, *, allowed: timedelta | None = None, elapsed: timedelta = timedelta()
    ) -> None:
        """Open a line."""
        del allowed, elapsed  # a line that is printed can't count
        self.close()
        self._open = text
        _write(f"{strip_control_codes(text)} {self._ellipsis} ")

    def reason(self, text: str) -> None:
        """Print the reason on a line of its own."""
        self.close()
        line = f"        {strip_control_codes(text)}"
        _write((line if self._width is None else cut(line, self._width, self._ellipsis)) + "\n")

    def end(self, text: str, *, outcome: str, good: bool, detail: str = "") -> None:
        """Complete the open line, or print a whole line if a message has closed it."""
        del good  # only a terminal shows it
        head = strip_control_codes(f"{text} {self._ellipsis} ")
        said = step_outcome(head, outcome, detail, self._width, self._ellipsis)
        _write(f"{said.removeprefix(head) if self._open == text else said}\n")
        self._open = None

    def finish(self, command: str, *, outcome: str, good: bool) -> None:
        """Print a line."""
        del good  # the outcome tells it
        self.note(f"{command} {outcome}")

    def close(self) -> None:
        """End the open line."""
        if self._open is not None:
            _write("\n")
        self._open = None


def _write(text: str) -> None:
    # A terminal that is gone must not stop the command: its end has to be recorded.
    with suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


def plain_screen() -> PlainScreen:
    """Return plain lines that fit stderr."""
    return PlainScreen(columns_of(sys.stderr), "..." if is_ascii(sys.stderr) else "…")


def current_screen() -> Screen:
    """Return the open screen of the running command, or plain lines."""
    context = click.get_current_context(silent=True)
    screen = context.obj.screen if context is not None else None
    return screen or plain_screen()
