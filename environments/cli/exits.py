"""Exits: the report and the exit code of a run that did not succeed."""

from __future__ import annotations

import os
import re
import signal
import sys
import tempfile
import traceback
from typing import TYPE_CHECKING

import click

from environments.cli.error_reports import report, standing
from environments.cli.refusal import UsageRefused
from environments.cli.report import ExitCode, Report
from environments.cli.signals import Ended
from environments.cli.terminal.output import note, tell_error
from environments.errors import Unrecorded
from environments.secrets.redaction import HIDDEN, redact_known

if TYPE_CHECKING:
    from environments.cli.settings import Settings


def conclude(error: BaseException, settings: Settings) -> int:
    """Report an error and return its exit code."""
    told = explained(error, settings)
    tell_unsaved(error)
    try:
        tell_error(settings, told)
    except UsageRefused as unwritten:  # stdout is full, so both errors go to stderr
        note(f"error: {told.message}\nerror: {unwritten}")
    except click.exceptions.Exit as unread:
        return unread.exit_code
    return int(told.exit_code)


def explained(error: BaseException, settings: Settings) -> Report:
    """Return the report of any error."""
    if isinstance(error, KeyboardInterrupt):
        return _ended(Ended(signal.SIGINT), settings)
    if isinstance(error, Ended):
        return _ended(error, settings)
    if isinstance(error, click.ClickException):
        return _usage(error)
    return report(error, settings) or _unexpected(error, settings)


def tell_unsaved(error: BaseException | None) -> None:
    """Print the records that a destroy could not save."""
    if isinstance(error, Unrecorded):
        for record in error.records:
            note(record)


def _usage(error: click.ClickException) -> Report:
    """Return the error that click found in the typed words."""
    context = getattr(error, "ctx", None)
    message = error.format_message()
    path = context.command_path if context is not None else "envchart"
    return Report(ExitCode.USAGE, "usage", message, (f"{path} --help",))


def _ended(error: Ended, settings: Settings) -> Report:
    code = error.exit_code
    if error.failed is not None:
        told = report(error.failed, settings)
        assert told is not None
        return Report(code, "cancelled", told.message, told.next)
    if error.recorded:
        changed = ", ".join(standing(settings, name)[0] for name in error.recorded)
        return Report(code, "cancelled", f"{error}; recorded before: {changed}", (settings.spell("list"),))
    # `up` may have created an environment before its first command began.
    name = error.name or settings.changing
    if name is None:
        return Report(code, "cancelled", f"{error}; no environment was changed", (settings.spell("list"),))
    condition, steps = standing(settings, name)
    return Report(code, "cancelled", f"{error}: {condition}", steps)


def _without_values(arguments: list[str]) -> list[str]:
    """Return the arguments without the values of `--env` and `--set`, which may be secrets."""
    return [
        re.sub(r"(?s)^((--(env|set)=)?[^=]*=).*", rf"\1{HIDDEN}", word)
        if before in ("--env", "--set") or word.startswith(("--env=", "--set="))
        else word
        for before, word in zip(["", *arguments], arguments, strict=False)
    ]


def _unexpected(error: BaseException, settings: Settings) -> Report:
    """Write the traceback of a bug to a file, and return a report of one line that names the file."""
    # The file is meant to be sent to us, so it must hold no secret.
    text = redact_known("".join(traceback.format_exception(error)))
    if settings.verbosity:
        note(text.rstrip())
    said = redact_known(f"{type(error).__name__}: {error}").splitlines()[0]
    try:
        descriptor, path = tempfile.mkstemp(prefix="envchart-", suffix=".traceback.txt")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{_without_values(sys.argv)!r}\n{text}")
    except OSError:
        return Report(ExitCode.UNEXPECTED, "unexpected", f"unexpected {said}", ("run it again with -v",))
    advice = (f"report it with {path}", f"check your environments: {settings.spell('list')}")
    return Report(ExitCode.UNEXPECTED, "unexpected", f"unexpected {said}", advice)
