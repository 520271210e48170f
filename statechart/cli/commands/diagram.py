"""`diagram`: draw a chart, or the path of a value."""

from __future__ import annotations

from pathlib import Path

import click

from statechart.answers.way import marks_of
from statechart.cli import loading
from statechart.cli.drawing import Drawing
from statechart.cli.parameters import subcommand
from statechart.cli.settings import Settings
from statechart.picture import chosen
from statechart.terminal.program.parameters import output_option


@subcommand("diagram")
@click.option(
    "--format",
    metavar="FORMAT",
    help="One of mermaid, dot, svg, png, md, rst, json, text. By default text for --of on a terminal, "
    "otherwise mermaid.",
)
@click.option("--of", metavar="NAME", help="Mark the path of a value and its current state.")
@click.option("--state", metavar="STATE", help="Mark a state.")
@click.option("--path", metavar="EVENT,...", help="Mark the path of these events.")
@output_option
def diagram(
    settings: Settings,
    format: str | None,
    of: str | None,
    state: str | None,
    path: str | None,
    output: Path | None,
) -> None:
    """Draw a chart.

    Examples:
        python -m statechart diagram shop:OrderChart
        python -m statechart diagram shop:OrderChart --format svg --output chart.svg
        python -m statechart diagram shop:OrderChart --of A-1 --store orders
    """
    chart = loading.chart(settings)
    drawing = Drawing(format, output, settings.spell("diagram"))
    chosen_format = drawing.chosen(settings, on_terminal="mermaid" if of is None else "text")
    drawing.require_one_mark(of, state, path)
    drawing.require_place(settings, chosen_format)
    marks = marks_of(loading.repository(settings), of) if of is not None else chosen(chart, state, path)
    document = {"format": chosen_format, "of": of, "current": marks.current}
    drawing.print(settings, chart, chosen_format, marks, document)
