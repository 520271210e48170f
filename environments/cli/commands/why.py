"""`why`: the story of an environment, with its certain facts and its open questions."""

from __future__ import annotations

import sys
from pathlib import Path

from environments.cli import loading
from environments.cli.group import subcommand
from environments.cli.parameters import name_argument
from environments.cli.settings import Settings
from environments.presentation.answers.now import story, why_document
from statechart.cli.saving import html_option, save_page
from statechart.dashboard.serving.options import load_web
from statechart.formats.columns import columns_of
from statechart.terminal.colours import styled
from statechart.terminal.output import emit
from statechart.terminal.story import story_text


@subcommand("why")
@name_argument
@html_option
def why(settings: Settings, name: str, file: Path | None) -> None:
    """Explain what happened, what is known, and what to do next.

    Examples:
        envchart why web
        envchart why web --html web.html
    """
    if file is not None:
        _write_incident(settings, name, file)
    else:
        print_story(settings, name)


def print_story(settings: Settings, name: str) -> None:
    """Print the story of an environment.

    Raises:
        StorageError: The environment can't be read.
    """
    storage = loading.storage(settings)
    view, told = story(storage, name)
    emit(
        settings,
        why_document(view, told, settings.spell, storage.directory(name)),
        story_text(told, settings, name, styled, columns_of(sys.stdout)),
    )


def _write_incident(settings: Settings, name: str, file: Path) -> None:
    """Write the incident file of an environment.

    Raises:
        UsageRefused: The extra is not installed, or the file can't be written.
        StorageError: The environment can't be read.
    """
    web = load_web("environments.dashboard.incident", "the incident file")
    save_page(settings, name, web.incident(loading.workspace(settings), name), file)
