"""`diagram`: draw a chart, or the path of a value."""

from __future__ import annotations

import click

from statechart.answers.way import diagram_document, marks_of
from statechart.cli import loading
from statechart.cli.drawing import Drawing, drawing_options
from statechart.cli.parameters import subcommand
from statechart.cli.settings import Settings
from statechart.picture import chosen


@subcommand("diagram")
@drawing_options(lambda settings: settings.spell("diagram"))
@click.option("--of", metavar="NAME", help="Mark the path of a value and its current state.")
@click.option("--state", metavar="STATE", help="Mark a state.")
@click.option("--path", metavar="EVENT,...", help="Mark the path of these events.")
def diagram(
    settings: Settings, drawing: Drawing, of: str | None, state: str | None, path: str | None
) -> None:
    """Draw a chart.

    Examples:
        python -m statechart diagram shop:OrderChart
        python -m statechart diagram shop:OrderChart --output chart.svg
        python -m statechart diagram shop:OrderChart --of A-1 --store orders
    """
    chart = loading.chart(settings)
    chosen_format = drawing.chosen(settings, on_terminal="mermaid" if of is None else "text")
    drawing.require_one_mark(of, state, path)
    drawing.require_place(settings, chosen_format)
    marks = marks_of(loading.repository(settings), of) if of is not None else chosen(chart, state, path)
    drawing.print(settings, chart, chosen_format, marks, diagram_document(marks, of, chosen_format))
