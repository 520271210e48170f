"""`diagram`: draw a chart, or the path of a value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from statechart.cli import loading
from statechart.cli.drawing import Drawing
from statechart.cli.parameters import subcommand
from statechart.cli.settings import Settings
from statechart.picture import Marks, Visit, chosen
from statechart.stored.repository import ChartRepository
from statechart.terminal.program.parameters import output_option
from statechart.terminal.text import when


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
    marks = _marks_of(loading.repository(settings), of) if of is not None else chosen(chart, state, path)
    document = {"format": chosen_format, "of": of, "current": marks.current}
    drawing.print(settings, chart, chosen_format, marks, document)


def _marks_of(repository: ChartRepository[Any], name: str) -> Marks:
    records = repository.history(name)
    taken = [
        Visit(str(record.data.get("from_state")), record.event, record.to_state, f"at {when(record.at)}")
        for record in records
        if record.event is not None and record.to_state is not None
    ]
    summary = repository.summary(name)
    return Marks(current=summary.state, visits=taken, remark=f"{name}, here since {when(summary.since)}")
