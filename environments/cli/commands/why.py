"""`why`: the story of an environment, with its certain facts and its open questions."""

from __future__ import annotations

from dataclasses import replace

from environments.cli import loading
from environments.cli.group import subcommand
from environments.cli.parameters import name_argument
from environments.cli.settings import Settings
from environments.cli.terminal.colours import styled
from environments.cli.terminal.output import emit
from environments.execution.unreleased import unreleased
from environments.presentation.documents import environment_document
from environments.presentation.log_files import last_words
from environments.presentation.story import Story, tell
from environments.presentation.view import look
from environments.system.processes import Program
from environments.system.survivors import survivors


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
    story = tell(
        view,
        storage.entries(name),
        [Program.of(each).describe() for each in alive],
        last_words(view.environment, directory),
    )
    document = environment_document(view, settings.spell, directory)
    emit(settings, {**document, "story": _document(story)}, _text(story, settings, name))


def _document(story: Story) -> dict[str, object]:
    return {
        "headline": story.headline,
        "happened": list(story.happened),
        "known": list(story.known),
        "unknown": list(story.unknown),
        "words": {place: list(lines) for place, lines in story.words.items()},
    }


def _text(story: Story, settings: Settings, name: str) -> str:
    lines = [styled(story.headline, "bold")]
    for heading, told in (
        ("What happened", story.happened),
        ("Known", story.known),
        ("Not known", story.unknown),
    ):
        if told:
            lines += ["", heading, *(f"  {styled(line, 'plain')}" for line in told)]
    for place, words in story.words.items():
        lines += ["", f"The end of {place}", *(f"  | {styled(line, 'plain')}" for line in words)]
    lines += ["", "What you can do, the best first"]
    spelled = [(settings.spell(step, name), reason) for step, reason in story.following]
    width = max((len(command) for command, _ in spelled), default=0)
    lines += [f"  {command:{width}}  {reason}".rstrip() for command, reason in spelled]
    return "\n".join(lines)
