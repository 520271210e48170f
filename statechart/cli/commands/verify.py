"""`verify`: check histories for damage, and against today's chart."""

from __future__ import annotations

from typing import Any

import click

from statechart.answers.errors import report
from statechart.answers.values import verified_document
from statechart.cli import loading
from statechart.cli.parameters import subcommand
from statechart.cli.settings import Settings
from statechart.errors import StorageError, UnknownState
from statechart.stored.repository import ChartRepository
from statechart.stored.verifying import Report
from statechart.terminal.colours import styled
from statechart.terminal.output import emit, note
from statechart.terminal.report import ExitCode
from statechart.terminal.streams import prints_aside
from statechart.wording import counted


@subcommand("verify")
@click.argument("name", required=False, help="The name of the value; by default all.")
@click.option(
    "--chart", "replay", is_flag=True, help="Ask today's guards about each transition, with its payload."
)
def verify(settings: Settings, name: str | None, *, replay: bool) -> None:
    """Check histories for damage, and against today's chart.

    The exit code is 8 if a check fails.

    Examples:
        python -m statechart verify shop:OrderChart --store orders
        python -m statechart verify shop:OrderChart A-1 --chart --store orders
    """
    repository = loading.repository(settings)
    with prints_aside():
        reports = repository.verify(name, chart=replay)
    intact = all(each.intact for each in reports)
    document = verified_document(reports)
    emit(settings, document, "\n".join(map(_text, reports)) or "no values")
    for each in reports:
        if not each.intact:
            note(f"next, for {each.name}: {_advice(settings, repository, each.name)}")
    if not intact:
        raise click.exceptions.Exit(ExitCode.DIFFERENCE)


def _advice(settings: Settings, repository: ChartRepository[Any], name: str) -> str:
    """Return the next step for a value with a problem."""
    try:
        repository.history(name)
        repository.summary(name)  # of a state that the chart does not have
    except (StorageError, UnknownState) as error:
        found = report(error, settings)
        this = settings.spell("verify NAME", name)
        steps = [step for step in found.next if step != this] if found is not None else []
        if steps:
            return steps[0]
    spelled = settings.spell("history NAME", name)
    return f"{spelled}; a chart that has changed needs a migration (statechart.stored.migrations)"


def _text(report: Report) -> str:
    if report.intact:
        checked = f"{counted(report.records, 'record')}, {counted(report.transitions, 'transition')}"
        lines = [f"{report.name}: {checked}, all intact"]
    else:
        lines = [styled(f"{report.name}: {problem}", "red") for problem in report.problems]
    return "\n".join([*lines, *(styled(f"{report.name}: note: {note}", "plain") for note in report.notes)])
