"""Error reports of a run: those of all who read environments, with the settings of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.cli import loading
from environments.presentation import error_reports
from environments.presentation.error_reports import KINDS as KINDS, Surroundings, kind_of as kind_of

if TYPE_CHECKING:
    from environments.cli.settings import Settings
    from statechart.terminal.report import Report


def report(error: BaseException, settings: Settings) -> Report | None:
    """Return the report of an expected error, or None for an unexpected error."""
    return error_reports.report(error, _surroundings(settings))


def standing(settings: Settings, name: str) -> tuple[str, tuple[str, ...]]:
    """Return the recorded condition of an environment, and the commands that the state allows."""
    return error_reports.standing(_surroundings(settings), name)


def _surroundings(settings: Settings) -> Surroundings:
    return Surroundings(settings.spell, settings.names, lambda: loading.storage(settings))
