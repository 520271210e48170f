"""`why`: how a value came to its state, in words."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from statechart.answers.way import Ahead, way_document, way_to
from statechart.answers.why import story_of, why_document
from statechart.cli import loading
from statechart.cli.parameters import name_argument, subcommand
from statechart.cli.saving import html_option, save_page
from statechart.cli.settings import Settings
from statechart.cli.values import look, section
from statechart.dashboard.serving.options import load_web
from statechart.formats.columns import columns_of
from statechart.terminal.colours import styled
from statechart.terminal.output import emit
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.story import story_text
from statechart.terminal.streams import prints_aside


@subcommand("why")
@name_argument
@click.option("--to", "target", metavar="STATE", help="Also tell the fewest events that lead to a state.")
@html_option
def why(settings: Settings, name: str, target: str | None, file: Path | None) -> None:
    """Explain how a value came to its state, and which events may follow.

    With --to, guards are not asked: they may refuse an event on the way.

    Examples:
        python -m statechart why shop:OrderChart A-1 --store orders
        python -m statechart why shop:OrderChart A-1 --to shipped --store orders
        python -m statechart why shop:OrderChart A-1 --html a-1.html --store orders
    """
    repository = loading.repository(settings)
    if file is not None and target is not None:
        again = settings.spell(f"why NAME --to {target}", name)
        raise UsageRefused("--to and --html exclude each other", (again,))
    if file is not None:
        web = load_web("statechart.dashboard.charts.incident", "the incident file")
        spelling = loading.lasting_spelling(settings, repository)
        with prints_aside():
            page = web.incident(repository, name, spelling)
        save_page(settings, name, page, file)
        return
    shown = look(repository, name)
    story = story_of(repository, shown)
    document = why_document(shown, story, settings)
    text = story_text(story, settings, name, styled, columns_of(sys.stdout))
    if target is not None:
        way = way_to(repository.chart, shown.configuration or shown.summary.state, target)
        document |= way_document(target, way)
        text += "\n\n" + "\n".join(_way_lines(target, way))
    emit(settings, document, text)


def _way_lines(target: str, way: tuple[Ahead, ...] | None) -> list[str]:
    if not way:
        return [f"No events lead to {target}" if way is None else f"It is {target} already"]
    steps = [(each.event, str(each)) for each in way]
    return section(f"The way to {target}, if the guards agree", steps, columns_of(sys.stdout))
