"""Exits: the report and the exit code of a run that did not succeed."""

from __future__ import annotations

import re
import signal
import sys
from typing import TYPE_CHECKING

import click

from environments.cli.error_reports import report, standing
from environments.cli.signals import Ended
from environments.errors import Unrecorded
from environments.secrets.redaction import HIDDEN, redact_known
from statechart.storage.sql.urls import without_passwords
from statechart.terminal.output import note
from statechart.terminal.program.exits import ended_with, unexpected, usage
from statechart.terminal.report import Report

if TYPE_CHECKING:
    from environments.cli.settings import Settings


def conclude(error: BaseException, settings: Settings) -> int:
    """Report an error and return its exit code."""
    told = explained(error, settings)
    tell_unsaved(error)
    return ended_with(told, settings)


def explained(error: BaseException, settings: Settings) -> Report:
    """Return the report of any error."""
    if isinstance(error, KeyboardInterrupt):
        return _ended(Ended(signal.SIGINT), settings)
    if isinstance(error, Ended):
        return _ended(error, settings)
    if isinstance(error, click.ClickException):
        return usage(error, settings)
    return report(error, settings) or unexpected(
        error,
        settings,
        prefix="envchart-",
        words=[without_passwords(word) for word in _without_values(sys.argv)],
        then=f"check your environments: {settings.spell('list')}",
        redact=lambda text: without_passwords(redact_known(text)),
    )


def tell_unsaved(error: BaseException | None) -> None:
    """Print the records that a destroy could not save."""
    if isinstance(error, Unrecorded):
        for record in error.records:
            note(record)


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
