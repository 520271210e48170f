"""Error reports: the end of a run that did not succeed."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import click

from statechart.answers.errors import report
from statechart.storage.sql.urls import without_passwords
from statechart.terminal.program.exits import ended_with, unexpected, usage
from statechart.terminal.report import Report

if TYPE_CHECKING:
    from statechart.cli.settings import Settings


def conclude(error: BaseException, settings: Settings) -> int:
    """Report an error and return its exit code."""
    return ended_with(explained(error, settings), settings)


def explained(error: BaseException, settings: Settings) -> Report:
    """Return the report of any error."""
    if isinstance(error, KeyboardInterrupt):
        return Report(128 + signal.SIGINT, "cancelled", "ended by SIGINT; nothing was left half done")
    if isinstance(error, click.ClickException):
        return usage(error, settings)
    return report(error, settings) or unexpected(
        error,
        settings,
        prefix="statechart-",
        words=[without_passwords(word) for word in sys.argv],
        redact=without_passwords,
        then=settings.spell("verify"),
        found="see where it was raised, perhaps by a guard or hook of the chart, in",
    )
