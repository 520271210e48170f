"""`why`: how a value came to its state, in words."""

from __future__ import annotations

from pathlib import Path

from statechart.answers.why import story_of, why_document
from statechart.cli import loading
from statechart.cli.parameters import name_argument, subcommand
from statechart.cli.saving import html_option, save_page
from statechart.cli.settings import Settings
from statechart.cli.values import look
from statechart.dashboard.serving.options import load_web
from statechart.terminal.colours import styled
from statechart.terminal.output import emit
from statechart.terminal.story import story_text
from statechart.terminal.streams import prints_aside


@subcommand("why")
@name_argument
@html_option
def why(settings: Settings, name: str, file: Path | None) -> None:
    """Explain how a value came to its state, and which events may follow.

    Examples:
        python -m statechart why shop:OrderChart A-1 --store orders
        python -m statechart why shop:OrderChart A-1 --html a-1.html --store orders
    """
    repository = loading.repository(settings)
    if file is not None:
        web = load_web("statechart.dashboard.charts.incident", "the incident file")
        spelling = loading.lasting_spelling(settings, repository)
        with prints_aside():
            page = web.incident(repository, name, spelling)
        save_page(settings, name, page, file)
        return
    shown = look(repository, name)
    story = story_of(repository, shown)
    emit(settings, why_document(shown, story, settings), story_text(story, settings, name, styled))
