"""`show`: the state of an environment, and the next commands."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from environments.cli import loading
from environments.cli.group import subcommand
from environments.cli.parameters import name_argument
from environments.cli.settings import Settings
from environments.presentation import answers
from environments.presentation.documents import environment_document
from environments.presentation.text import environment_text
from environments.storage.settled import settled_environment
from statechart.formats.columns import columns_of
from statechart.terminal.colours import styled
from statechart.terminal.output import emit

if TYPE_CHECKING:
    from environments.presentation.view import Shown, View


@subcommand("show")
@name_argument
def show(settings: Settings, name: str) -> None:
    """Show an environment: state, problems and next commands.

    Examples:
        envchart show web
        envchart show web --json | jq -r .state
    """
    print_environment(settings, name)


def print_environment(settings: Settings, name: str) -> None:
    """Print an environment.

    Raises:
        StorageError: The environment can't be read.
    """
    layout = loading.fast_layout(settings)
    settled = None if layout is None else settled_environment(layout, name)
    view: View[Shown] = (
        answers.look_closely(loading.storage(settings), name)
        if settled is None
        else loading.view(settings, settled)
    )
    directory = loading.directory(settings, name)
    emit(
        settings,
        environment_document(view, settings.spell, directory),
        environment_text(view, settings.spell, styled, directory, columns_of(sys.stdout)),
    )
