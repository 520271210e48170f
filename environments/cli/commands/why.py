"""The subcommands that tell what happened, and whether it is sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.cli import loading
from environments.cli.arguments import NameArgument
from environments.cli.settings import Settings
from environments.cli.terminal.output import emit

if TYPE_CHECKING:
    from environments.presentation.story import Story
    from environments.presentation.view import View


def why(settings: Settings, name: NameArgument) -> None:
    """Tell what happened to an environment, what is known and what is not, and what to do next."""
    from environments.presentation.documents import environment_document
    from environments.presentation.story import tell
    from environments.presentation.view import look
    from environments.system.processes import Program
    from environments.system.survivors import survivors

    storage = loading.storage(settings)
    view = look(storage, name)
    operation = view.environment.operation
    alive = survivors(operation) if operation is not None and view.interrupted else []
    story = tell(
        view,
        storage.history(name),
        [Program.of(each).describe() for each in alive],
        _words(settings, view),
    )
    document = environment_document(view, settings, storage.directory(name))
    emit(settings, {**document, "story": _document(story)}, _text(story, settings, name))


def _words(settings: Settings, view: View) -> dict[str, tuple[str, ...]]:
    """Return the lines that matter: the end of the last failure's trace, and of the service's log."""
    from environments.presentation.log_files import last_words

    return last_words(settings, view.environment)


def _document(story: Story) -> dict[str, object]:
    return {
        "headline": story.headline,
        "happened": list(story.happened),
        "known": list(story.known),
        "unknown": list(story.unknown),
        "words": {place: list(lines) for place, lines in story.words.items()},
    }


def _text(story: Story, settings: Settings, name: str) -> str:
    from environments.cli.terminal.output import styled

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
