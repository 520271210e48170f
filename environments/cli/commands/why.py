"""`why`: the story of an environment, with its certain facts and its open questions."""

from __future__ import annotations

from environments.cli import loading
from environments.cli.group import subcommand
from environments.cli.parameters import name_argument
from environments.cli.settings import Settings
from environments.presentation.answers.story import story, why_of
from statechart.terminal.colours import styled
from statechart.terminal.output import emit
from statechart.terminal.story import story_text


@subcommand("why")
@name_argument
def why(settings: Settings, name: str) -> None:
    """Explain what happened, what is known, and what to do next.

    Examples:
        envchart why web
    """
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
        why_of(view, told, settings.spell, storage.directory(name)),
        story_text(told, settings, name, styled),
    )
