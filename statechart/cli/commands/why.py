"""`why`: how a value came to its state, in words."""

from __future__ import annotations

from statechart.answers.why import story_of, why_document
from statechart.cli import loading
from statechart.cli.parameters import name_argument, subcommand
from statechart.cli.settings import Settings
from statechart.cli.values import look
from statechart.terminal.colours import styled
from statechart.terminal.output import emit
from statechart.terminal.story import story_text


@subcommand("why")
@name_argument
def why(settings: Settings, name: str) -> None:
    """Explain how a value came to its state, and which events may follow.

    Examples:
        python -m statechart why shop:OrderChart A-1 --store orders
    """
    repository = loading.repository(settings)
    shown = look(repository, name)
    story = story_of(repository, shown)
    emit(settings, why_document(shown, story, settings), story_text(story, settings, name, styled))
