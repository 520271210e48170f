"""`diagram`: draw the lifecycle or the path of an environment."""

from __future__ import annotations

import click

from environments.cli import loading
from environments.cli.completion.values import complete_name, complete_state, one_of
from environments.cli.group import subcommand
from environments.cli.settings import Settings
from environments.lifecycle import Lifecycle
from environments.presentation.answers.chart import chart_document, chart_marks
from environments.presentation.guidance import events
from statechart.cli.drawing import Drawing, drawing_options
from statechart.picture import chosen


@subcommand("diagram")
@drawing_options(lambda settings: settings.spell("diagram"), one_of)
@click.option(
    "--of",
    metavar="NAME",
    shell_complete=complete_name,
    help="Mark the path of an environment and its current state.",
)
@click.option("--state", metavar="STATE", shell_complete=complete_state, help="Mark a state.")
@click.option(
    "--path", metavar="EVENT,...", shell_complete=one_of(events()), help="Mark the path of these events."
)
def diagram(
    settings: Settings, drawing: Drawing, of: str | None, state: str | None, path: str | None
) -> None:
    """Draw the chart of all states and events.

    Examples:
        envchart diagram --of web
        envchart diagram --output chart.svg
        envchart diagram --of web --output web.png
    """
    chosen_format = drawing.chosen(settings, on_terminal="mermaid" if of is None else "text")
    drawing.require_one_mark(of, state, path)
    drawing.require_place(settings, chosen_format)
    marks = chart_marks(loading.storage(settings), of) if of is not None else chosen(Lifecycle, state, path)
    document = chart_document(marks, of, chosen_format)
    drawing.print(settings, Lifecycle, chosen_format, marks, document)
