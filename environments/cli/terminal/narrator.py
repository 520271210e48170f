"""Narrator: the progress of commands on stderr, step by step."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

from environments.execution.progress import (
    CommandDue,
    CommandEnded,
    CommandStarted,
    Noticed,
    Progress,
    StepAttemptFailed,
    StepFinished,
    StepReported,
    StepStarted,
)
from statechart.terminal.screen import Screen, plain_screen

if TYPE_CHECKING:
    from types import TracebackType

    from environments.cli.settings import Settings


def seconds(duration: timedelta) -> str:
    """Return a duration in seconds, as printed."""
    return f"{duration.total_seconds():.2f}s"


def open_screen() -> Screen:
    """Open the screen that fits stderr."""
    if sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", None):
        # Only a terminal shows the live picture, and rich takes long to load.
        from environments.cli.terminal.spinner import TerminalScreen

        return TerminalScreen()
    return plain_screen()


class Narrator:
    """An observer that prints the progress of commands, and knows the environment under change."""

    def __init__(self, settings: Settings) -> None:
        self.at_work: str | None = None
        self._due: CommandDue | None = None
        self._waiting = ""
        self._settings = settings
        # Messages from elsewhere go to the same screen until the command has ended.
        settings.screen = self._screen = open_screen()

    def __enter__(self) -> Narrator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._screen.close()
        self._settings.screen = None

    def note(self, text: str) -> None:
        """Print a message."""
        self._screen.note(text)

    def wait_for(self, text: str, limit: timedelta | None) -> None:
        """Show what is waited for, and how long at most, until it is reached or the screen is closed."""
        self._waiting = text
        self._screen.begin(text, allowed=limit)

    def reached(self, after: timedelta) -> None:
        """Show that the wait has ended."""
        self._screen.end(self._waiting, outcome=f"reached after {seconds(after)}", good=True)

    def __call__(self, progress: Progress) -> None:
        """Print one event."""
        match progress:
            case Noticed(message=message):
                self._screen.note(f"note: {message}")
            case CommandDue():
                self._due = progress
            case CommandStarted(name=name):
                self.at_work = name
                due, self._due = self._due, None
                self._screen.command(_begun(progress, due), due.reasons if due is not None else ())
            case StepStarted(attempt=attempt, timeout=allowed, elapsed=elapsed):
                again = f" (attempt {attempt})" if attempt > 1 else ""
                self._screen.begin(f"{_title(progress)}{again}", allowed=allowed, elapsed=elapsed)
            case StepReported(passing=True, message=message):
                self._screen.reason(message)
            case StepReported():
                pass  # the step's outcome repeats the last report
            case StepFinished():
                self._screen.end(
                    _title(progress), outcome=_outcome(progress), good=True, detail=_detail(progress)
                )
            case StepAttemptFailed(retry_in=retry_in, summary=summary):
                again = f"; again in {seconds(retry_in)}" if retry_in is not None else ""
                self._screen.end(_title(progress), outcome=f"failed: {summary}{again}", good=False)
            case CommandEnded(command=command, duration=duration, failure=failure):
                ending = "done" if failure is None else "failed"
                self._screen.finish(
                    str(command), outcome=f"{ending} in {seconds(duration)}", good=failure is None
                )


def _begun(started: CommandStarted, due: CommandDue | None) -> str:
    kept = started.kept
    again = f", continuing after {kept} {'step' if kept == 1 else 'steps'}" if kept else ""
    place = f" (command {due.number} of {due.of})" if due is not None and due.of > 1 else ""
    return f"{started.command} {started.name}{place}{again}"


def _title(progress: StepStarted | StepFinished | StepAttemptFailed) -> str:
    return f"  [{progress.number}/{progress.of}] {progress.step}"


def _outcome(progress: StepFinished) -> str:
    if progress.kept and not progress.duration:
        return "kept from the last attempt"
    found = "found done" if progress.kept else "done"
    return f"{found} {seconds(progress.duration)}"


def _detail(progress: StepFinished) -> str:
    return "" if progress.kept and not progress.duration else progress.note or ""
