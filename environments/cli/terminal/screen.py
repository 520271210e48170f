"""Screen: stderr, as lines in a pipe, with a spinner and colours on a terminal."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

_CONTROL = r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[^\[]|[\x00-\x08\x0b-\x1f\x7f-\x9f]"


def clean(text: str) -> str:
    """Return a text without control codes, which could do things to a terminal."""
    return text if text.isprintable() else re.sub(_CONTROL, "", text)


def is_colourful(stream: TextIO) -> bool:
    """Return whether a stream shows colours: a terminal that nobody told not to."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class Screen(Protocol):
    """Where progress and notes go."""

    def note(self, text: str) -> None:
        """Show a line."""
        ...

    def begin(self, text: str) -> None:
        """Show what is under way."""
        ...

    def end(self, text: str, *, outcome: str, good: bool) -> None:
        """Say how what was under way ended."""
        ...

    def close(self) -> None:
        """Leave nothing half shown."""
        ...


class PlainScreen:
    """Lines. What is under way is an open line, which its outcome ends."""

    def __init__(self) -> None:
        self._open: str | None = None

    def note(self, text: str) -> None:
        """Show a line, on a line of its own."""
        self.close()
        _write(clean(text) + "\n")

    def begin(self, text: str) -> None:
        """Open a line."""
        self.close()
        self._open = text
        _write(f"{clean(text)} … ")

    def end(self, text: str, *, outcome: str, good: bool) -> None:
        """End the open line, or write a whole one when something came in between."""
        del good
        _write(f"{clean(outcome)}\n" if self._open == text else f"{clean(text)} … {clean(outcome)}\n")
        self._open = None

    def close(self) -> None:
        """End the open line."""
        if self._open is not None:
            _write("\n")
        self._open = None


class TerminalScreen:
    """A spinner while something is under way, and a line with a mark when it ended."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console: Console = Console(stderr=True, highlight=False)
        self._status: Status | None = None

    def note(self, text: str) -> None:
        """Show a line above the spinner."""
        self._print(clean(text))

    def begin(self, text: str) -> None:
        """Start the spinner."""
        from rich.text import Text

        self.close()
        self._status = self._console.status(Text(f"{clean(text)} …"))
        with suppress(OSError):
            self._status.start()

    def end(self, text: str, *, outcome: str, good: bool) -> None:
        """Replace the spinner by a line."""
        self.close()
        self._print(f"{clean(text)} … ", f"{clean(outcome)}", "green" if good else "red")

    def close(self) -> None:
        """Stop the spinner."""
        if self._status is not None:
            with suppress(OSError):
                self._status.stop()
        self._status = None

    def _print(self, text: str, marked: str = "", style: str = "") -> None:
        from rich.text import Text

        with suppress(OSError):
            self._console.print(Text(text) + Text(marked, style=style), soft_wrap=True)


def _write(text: str) -> None:
    with suppress(OSError):  # the terminal is gone: the command goes on to its end all the same
        sys.stderr.write(text)
        sys.stderr.flush()


_screens: list[Screen] = []


def open_screen() -> Screen:
    """Open the screen that fits what stderr is; it is the current one until it is closed."""
    screen: Screen = TerminalScreen() if sys.stderr.isatty() else PlainScreen()
    _screens.append(screen)
    return screen


def close_screen(screen: Screen) -> None:
    """Close a screen."""
    screen.close()
    _screens.remove(screen)


def current_screen() -> Screen:
    """Return the open screen, or plain lines."""
    return _screens[-1] if _screens else PlainScreen()
