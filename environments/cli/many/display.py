"""Display: the progress of several environments, as rows of a terminal or as plain lines with the name."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from environments.cli.terminal.narrator import seconds
from environments.execution.progress import (
    CommandDue,
    CommandEnded,
    CommandStarted,
    Noticed,
    Progress,
    StepAttemptFailed,
    StepReported,
    StepStarted,
)
from statechart.terminal.screen import plain_screen

if TYPE_CHECKING:
    from types import TracebackType

    from environments.cli.settings import Settings
    from environments.cli.terminal.rows import LiveRows


class _Lines(Protocol):
    """Prints messages."""

    def note(self, text: str) -> None:
        """Print a message."""
        ...

    def close(self) -> None:
        """Complete the output."""
        ...


class Display:
    """An observer that shows how several environments come on, and knows which commands have begun.

    Args:
        settings: The settings.
        states: The states of the environments before the work, by name.
        redraws: Whether a terminal may be drawn over again and again; not while questions are asked.
    """

    def __init__(self, settings: Settings, states: Mapping[str, str], *, redraws: bool = True) -> None:
        self._rows = _live_rows(states) if redraws else None
        self._lines: _Lines = self._rows or plain_screen()
        self._begun: dict[str, None] = {}
        self._settings = settings
        # Messages from elsewhere are printed above the rows until all have ended.
        settings.screen = self._lines

    def __enter__(self) -> Display:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()
        self._settings.screen = None

    @property
    def at_work(self) -> str | None:
        """An environment whose command has begun and not ended, or None."""
        return next(iter(self._begun), None)

    def note(self, text: str) -> None:
        """Print a message."""
        self._lines.note(text)

    def began(self, name: str) -> None:
        """Show an environment that is worked on from now on."""
        if self._rows is not None:
            self._rows.row(name)

    @contextmanager
    def ended(self, name: str) -> Iterator[None]:
        """Remove an environment whose work has ended; its outcome is printed inside of the context."""
        self._begun.pop(name, None)
        if self._rows is None:
            yield
            return
        self._rows.remove(name)
        with self._rows.hidden():
            yield

    def __call__(self, progress: Progress) -> None:
        """Show an event."""
        if isinstance(progress, CommandStarted):
            self._begun[progress.name] = None
        if self._rows is not None:
            self._show_row(self._rows, progress)
        self._print_line(progress)

    def _show_row(self, rows: LiveRows, progress: Progress) -> None:
        row = rows.row(progress.name)
        match progress:
            case CommandDue(command=command, number=number, of=of):
                row.due, row.doing = f"{number} of {of}: " if of > 1 else "", str(command)
            case StepStarted() | StepReported(passing=True):
                row.doing = f"{progress.command} [{progress.number}/{progress.of}] {progress.step}"
                row.reason = progress.message if isinstance(progress, StepReported) else ""
            case CommandEnded(environment=environment):
                row.state, row.due, row.doing, row.reason = environment.state.name, "", "", ""
            case _ if progress.command is not None:
                row.doing, row.reason = str(progress.command), ""

    def _print_line(self, progress: Progress) -> None:
        name = progress.name
        match progress:
            case Noticed(message=message):
                named = message if message.startswith(f"{name} ") else f"{name}: {message}"
                self._lines.note(f"note: {named}")
            case StepAttemptFailed(step=step, retry_in=pause, summary=summary) if pause is not None:
                self._lines.note(f"{name}: {step} failed: {summary}; again in {seconds(pause)}")
            case CommandEnded(command=command, duration=duration, failure=None) if self._rows is None:
                self._lines.note(f"{name}: {command} done in {seconds(duration)}")
            case _:
                pass  # the outcome tells a failure, and rows tell the rest


def _live_rows(states: Mapping[str, str]) -> LiveRows | None:
    """Return rows where stderr is a terminal that can redraw, or None."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return None
    # Only a terminal shows rows, and rich takes long to load.
    from environments.cli.terminal.rows import LiveRows

    return LiveRows(states)
