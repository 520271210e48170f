"""`history`: the records of a value, or a test that replays them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from statechart.answers.configurations import configuration_rows
from statechart.answers.records import (
    opening_document,
    past_document,
    readable,
    record_document,
    record_rows,
    value_at,
)
from statechart.cli import loading
from statechart.cli.parameters import name_argument, subcommand
from statechart.cli.scenarios.replaying import print_replay
from statechart.cli.settings import Settings
from statechart.cli.values import rows, value_rows
from statechart.formats.columns import columns_of
from statechart.stored.repository import ChartRepository
from statechart.terminal.colours import styled
from statechart.terminal.output import emit, json_lines, note, print_lines
from statechart.terminal.program.moments import read_moment, require_one
from statechart.terminal.program.parameters import as_test_option
from statechart.terminal.text import history_text


@subcommand("history")
@name_argument
@click.option(
    "--at",
    metavar="REVISION|TIME",
    help="Show the value as of a revision or a time (ISO 8601, UTC by default).",
)
@as_test_option
def history(settings: Settings, name: str, at: str | None, as_test: Path | None) -> None:
    """Show the records of a value, or write them as a test.

    With --as-test, the events are fired again in memory, to see which of them a test can repeat.

    Examples:
        python -m statechart history shop:OrderChart A-1 --store orders
        python -m statechart history shop:OrderChart A-1 --store orders --at 2030-01-31T18:00
        python -m statechart history shop:OrderChart A-1 --store orders --as-test test_a1.py
    """
    repository = loading.repository(settings)
    if as_test is not None:
        require_one(settings, name, at)
        print_replay(settings, repository, name, as_test)
        return
    if at is not None:
        _print_past(settings, repository, name, at.strip())
        return
    records, gap = readable(repository, name)
    if settings.json:
        print_lines(json_lines(opening_document(name, gap), map(record_document, records)))
    else:
        print_lines(history_text(record_rows(records), columns_of(sys.stdout)))
    if gap is not None:
        note(str(gap))


def _print_past(settings: Settings, repository: ChartRepository[Any], name: str, at: str) -> None:
    found = value_at(repository, name, read_moment(settings, name, at))
    document = past_document(name, at, found)
    told = [*configuration_rows(repository.chart, found.state), *value_rows(document["value"])]
    lines = [f"{name} was {styled(document['state'], 'bold')}", *rows(told, columns_of(sys.stdout))]
    emit(settings, document, "\n".join(lines))
