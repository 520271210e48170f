"""Exits: the report and the exit code of a run that did not succeed."""

from __future__ import annotations

import os
import tempfile
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from statechart.terminal.output import note, tell_error
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.report import ExitCode, Report

if TYPE_CHECKING:
    from statechart.terminal.settings import ProgramSettings


def ended_with(told: Report, settings: ProgramSettings) -> int:
    """Print a report and return its exit code."""
    try:
        tell_error(settings, told)
    except UsageRefused as unwritten:  # stdout is full, so both errors go to stderr
        note(f"error: {told.message}\nerror: {unwritten}")
    except click.exceptions.Exit as unread:
        return unread.exit_code
    return int(told.exit_code)


def usage(error: click.ClickException, settings: ProgramSettings) -> Report:
    """Return the report of an error that click found in the typed words."""
    context = getattr(error, "ctx", None)
    message = error.format_message()
    path = context.command_path if context is not None else settings.program
    return Report(ExitCode.USAGE, "usage", message, (f"{path} --help",))


def unexpected(
    error: BaseException,
    settings: ProgramSettings,
    *,
    prefix: str,
    words: Sequence[str],
    then: str,
    found: str = "report it with",
    redact: Callable[[str], str] = str,
) -> Report:
    """Write the traceback of a bug to a file, and return a report of one line that names the file.

    Args:
        error: The bug.
        settings: How to print.
        prefix: The beginning of the file's name.
        words: The typed words.
        then: A further step, besides that with the file.
        found: The step with the file, without its path.
        redact: Removes secrets: the file is meant to be sent to others.
    """
    text = redact("".join(traceback.format_exception(error)))
    if settings.verbosity:
        note(text.rstrip())
    said = redact(f"{type(error).__name__}: {error}").splitlines()[0]
    try:
        descriptor, path = tempfile.mkstemp(prefix=prefix, suffix=".traceback.txt")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{words!r}\n{text}")
    except OSError:
        return Report(ExitCode.UNEXPECTED, "unexpected", f"unexpected {said}", ("run it again with -v",))
    return Report(ExitCode.UNEXPECTED, "unexpected", f"unexpected {said}", (f"{found} {path}", then))
