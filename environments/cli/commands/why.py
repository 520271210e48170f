"""`why`: the story of an environment, with its certain facts and its open questions."""

from __future__ import annotations

from dataclasses import replace

from environments.cli import loading
from environments.cli.group import subcommand
from environments.cli.parameters import name_argument
from environments.cli.settings import Settings
from environments.execution.unreleased import unreleased
from environments.ports import readable_of
from environments.presentation.documents import environment_document
from environments.presentation.log_files import last_words
from environments.presentation.story import tell
from environments.presentation.view import look
from environments.system.processes import Program
from environments.system.survivors import survivors
from statechart.terminal.colours import styled
from statechart.terminal.output import emit
from statechart.terminal.story import story_document, story_text


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
    view = look(storage, name)
    directory = storage.directory(name)
    view = replace(view, unreleased=unreleased(view.environment, directory))
    operation = view.environment.operation
    alive = survivors(operation) if operation is not None and view.interrupted else []
    entries, gap = readable_of(storage, name)
    story = tell(
        view,
        entries,
        [Program.of(each).describe() for each in alive],
        last_words(view.environment, directory),
        earlier=None if gap is None else str(gap),
    )
    document = environment_document(view, settings.spell, directory)
    emit(settings, {**document, "story": story_document(story)}, story_text(story, settings, name, styled))
