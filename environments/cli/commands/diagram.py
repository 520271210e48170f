"""`diagram`: draw the lifecycle or the path of an environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from environments.cli import loading
from environments.cli.completion.values import complete_name, complete_state, one_of
from environments.cli.group import subcommand
from environments.cli.settings import Settings
from environments.lifecycle import Lifecycle
from environments.model.records import TransitionRecord
from environments.presentation.guidance import events
from environments.presentation.view import View, look
from statechart.cli.drawing import Drawing
from statechart.diagram import FORMATS
from statechart.picture import Marks, Visit, chosen
from statechart.terminal.program.parameters import output_option

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.records import HistoryEntry


@subcommand("diagram")
@click.option(
    "--format",
    metavar="FORMAT",
    shell_complete=one_of(FORMATS),
    help="One of mermaid, dot, svg, png, md, rst, json, text. By default text for --of on a terminal, "
    "otherwise mermaid.",
)
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
@output_option
def diagram(
    settings: Settings,
    format: str | None,
    of: str | None,
    state: str | None,
    path: str | None,
    output: Path | None,
) -> None:
    """Draw the chart of all states and events.

    Examples:
        envchart diagram --of web
        envchart diagram --format svg --output chart.svg
    """
    drawing = Drawing(format, output, "envchart diagram")
    chosen_format = drawing.chosen(settings, on_terminal="mermaid" if of is None else "text")
    drawing.require_one_mark(of, state, path)
    drawing.require_place(settings, chosen_format)
    marks = _marks_of(settings, of) if of is not None else chosen(Lifecycle, state, path)
    failed = marks.current if marks.failed else None
    document = {"format": chosen_format, "of": of, "current": marks.current, "failed": failed}
    drawing.print(settings, Lifecycle, chosen_format, marks, document)


def _marks_of(settings: Settings, name: str) -> Marks:
    storage = loading.storage(settings)
    entries = storage.history(name)
    view = look(storage, name)
    environment = view.environment
    return Marks(
        current=environment.state.name.value,
        failed=environment.failure is not None,
        visits=_visits(entries),
        remark=_remark(view),
    )


def _visits(entries: list[HistoryEntry]) -> list[Visit]:
    taken = [(entry.at, entry.record) for entry in entries if isinstance(entry.record, TransitionRecord)]
    days = {at.date() for at, _ in taken}
    shown = "%H:%M:%S" if len(days) < 2 else "%m-%d %H:%M:%S"
    return [
        Visit(record.from_state, record.event, record.to_state, f"{number} at {at:{shown}}Z")
        for number, (at, record) in enumerate(taken, 1)
    ]


def _remark(view: View[AnyEnvironment]) -> str:
    environment = view.environment
    since = f"{environment.name}, here since {environment.since:%Y-%m-%d %H:%M:%S}Z"
    operation, failure = environment.operation, environment.failure
    if failure is not None:
        return f"{since}, {failure.command} failed at step {failure.step}"
    if operation is None:
        return since
    doing = "under way" if operation.is_active and not view.interrupted else "interrupted"
    return (
        f"{since}, {operation.command} {doing}{f' at step {operation.step.name}' if operation.step else ''}"
    )
