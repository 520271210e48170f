"""Screen: progress and messages on stderr, as plain lines or with a spinner on a terminal."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

import click

from environments.system.control_codes import strip_control_codes

if TYPE_CHECKING:
    pass


class Screen(Protocol):
    """Shows progress and messages."""

    def note(self, text: str) -> None:
        """Show a message."""
        ...

    def begin(self, text: str) -> None:
        """Show a step that is under way."""
        ...

    def end(self, text: str, *, outcome: str, good: bool) -> None:
        """Show the outcome of the step."""
        ...

    def close(self) -> None:
        """Complete the output."""
        ...


class PlainScreen:
    """Plain lines; the line of a step stays open until its outcome is known."""

    def __init__(self) -> None:
        self._open: str | None = None

    def note(self, text: str) -> None:
        """Print a message on a line of its own."""
        self.close()
        _write(strip_control_codes(text) + "\n")

    def begin(self, text: str) -> None:
        """Open a line."""
        self.close()
        self._open = text
        _write(f"{strip_control_codes(text)} … ")

    def end(self, text: str, *, outcome: str, good: bool) -> None:
        """Complete the open line, or print a whole line if a message has closed it."""
        del good  # only colours show it
        _write(
            f"{strip_control_codes(outcome)}\n"
            if self._open == text
            else f"{strip_control_codes(text)} … {strip_control_codes(outcome)}\n"
        )
        self._open = None

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


def open_screen() -> Screen:
    """Open the screen that fits stderr."""
    if sys.stderr.isatty():
        # Only a terminal shows the spinner, and rich takes long to load.
        from environments.cli.terminal.spinner import TerminalScreen

        return TerminalScreen()
    return PlainScreen()


def current_screen() -> Screen:
    """Return the open screen of the running command, or plain lines."""
    context = click.get_current_context(silent=True)
    screen = context.obj.screen if context is not None else None
    return screen or PlainScreen()
