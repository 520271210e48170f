"""The subcommands that only look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.cli import loading
from environments.cli.arguments import NameArgument
from environments.cli.settings import Settings
from environments.cli.terminal.output import emit

if TYPE_CHECKING:
    pass


def show(settings: Settings, name: NameArgument) -> None:
    """Show an environment: its state, what is wrong, and what can be done next."""
    from environments.presentation.documents import environment_document
    from environments.presentation.text import environment_text
    from environments.presentation.view import look

    storage = loading.storage(settings)
    view = look(storage, name)
    directory = storage.directory(name)
    emit(
        settings,
        environment_document(view, settings, directory),
        environment_text(view, settings, directory),
    )
