"""Spinner: the screen of a terminal, drawn by rich."""

from __future__ import annotations

from contextlib import suppress

from rich.console import Console
from rich.status import Status
from rich.text import Text

from environments.system.control_codes import strip_control_codes


class TerminalScreen:
    """A spinner while a step is under way, and a line with a coloured outcome afterwards."""

    def __init__(self) -> None:
        self._console: Console = Console(stderr=True, highlight=False)
        self._status: Status | None = None

    def note(self, text: str) -> None:
        """Print a message above the spinner."""
        self._print(strip_control_codes(text))

    def begin(self, text: str) -> None:
        """Start the spinner."""
        self.close()
        self._status = self._console.status(Text(f"{strip_control_codes(text)} …"))
        with suppress(OSError):
            self._status.start()

    def end(self, text: str, *, outcome: str, good: bool) -> None:
        """Replace the spinner with the outcome."""
        self.close()
        self._print(
            f"{strip_control_codes(text)} … ", f"{strip_control_codes(outcome)}", "green" if good else "red"
        )

    def close(self) -> None:
        """Stop the spinner."""
        if self._status is not None:
            # A terminal that is gone must not stop the command.
            with suppress(OSError):
                self._status.stop()
        self._status = None

    def _print(self, text: str, marked: str = "", style: str = "") -> None:
        with suppress(OSError):
            self._console.print(Text(text) + Text(marked, style=style), soft_wrap=True)
