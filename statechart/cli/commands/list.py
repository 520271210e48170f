"""`list`: the values of a store, with their states."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

import click

from statechart.answers.configurations import is_failed
from statechart.answers.values import list_document
from statechart.cli import loading
from statechart.cli.parameters import subcommand
from statechart.cli.settings import Settings
from statechart.cli.values import place_of
from statechart.formats.columns import columns_of
from statechart.stored.damage import Damaged
from statechart.stored.reading.listing import Summary, selecting
from statechart.stored.repository import ChartRepository
from statechart.terminal.colours import styled
from statechart.terminal.output import emit, note
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.report import ExitCode
from statechart.terminal.table import Table, cleaned
from statechart.terminal.text import ago, when
from statechart.wording import state_text

_COLUMNS = ("state", "name", "since", "age", "revision")
_DAMAGED = (*_COLUMNS, "note")
_TABLE = Table(usual=_DAMAGED, dropped=("age", "since", "revision"), flexible=("note",))
_SORTS: dict[str, Callable[[Summary], Any]] = {  # Any: sort keys
    "name": lambda each: each.name,
    "state": lambda each: (each.state, each.name),
    "since": lambda each: each.since,
    "revision": lambda each: each.revision,
}


@subcommand("list")
@click.argument("pattern", metavar="[NAME]...", nargs=-1, help="Names or globs, as 'A-*'; by default all.")
@click.option(
    "--state", "states", metavar="STATE", multiple=True, help="Only values in a state. Repeatable."
)
@click.option(
    "--sort", metavar="COLUMN", default="name", help="name, state, since or revision; with - backwards."
)
def list_(settings: Settings, pattern: tuple[str, ...], states: tuple[str, ...], sort: str) -> None:
    """List values with their states: all, or those that are selected.

    A damaged value is listed with its error, and the exit code is 7.

    Examples:
        python -m statechart list shop:OrderChart --store orders
        python -m statechart list shop:OrderChart --store orders --state paid --sort=-since
        python -m statechart list shop:OrderChart 'A-*' --store orders --json
    """
    repository = loading.repository(settings)
    if sort.removeprefix("-") not in _SORTS:
        raise UsageRefused(
            f"there is no column {sort!r}: use {', '.join(_SORTS)}", (settings.spell("list --help"),)
        )
    wanted = selecting(repository.chart, states) if states else None
    found = list(repository.summaries())
    known = [each for each in found if isinstance(each, Summary)]
    damaged = [each for each in found if isinstance(each, Damaged) and _matches(each.name, pattern)]
    shown = [
        each for each in known if _matches(each.name, pattern) and (wanted is None or wanted(each.state))
    ]
    shown.sort(key=_SORTS[sort.removeprefix("-")], reverse=sort.startswith("-"))
    _print(settings, repository, shown, damaged, len(found))
    if damaged:
        raise click.exceptions.Exit(ExitCode.STORAGE)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _print(
    settings: Settings,
    repository: ChartRepository[Any],
    shown: list[Summary],
    damaged: list[Damaged],
    total: int,
) -> None:
    if settings.json:
        emit(settings, list_document(shown, damaged, settings), "")
        return
    if not total:
        note(f"no values in {place_of(repository)}")
        note(f"next: {settings.spell('create NAME KEY=VALUE')}")
        return
    if shown or damaged:
        emit(settings, None, "\n".join(_lines(repository, shown, damaged)))
    counts = Counter(each.state for each in shown)
    parts = [f"{number} {state}" for state, number in sorted(counts.items())]
    parts += [f"{len(damaged)} unreadable"] if damaged else []
    listed = len(shown) + len(damaged)
    of = f" of {total}" if listed != total else ""
    note(f"{listed}{of}: {', '.join(parts)}" if parts else f"none of {total} is selected")
    for each in damaged:
        note(f"next, for {each.name}: {settings.spell('verify NAME', each.name)}")


def _lines(repository: ChartRepository[Any], shown: list[Summary], damaged: list[Damaged]) -> list[str]:
    chart, now = repository.chart, datetime.now(UTC)
    finals = [state_text(state.value) for state in chart.states if state.final]
    rows = [
        [each.state, cleaned(each.name), when(each.since), ago(each.since, now), str(each.revision)]
        for each in shown
    ]
    columns: tuple[str, ...] = _COLUMNS
    if damaged:
        columns = _DAMAGED
        rows = [[*row, ""] for row in rows]
        rows += [
            ["? unreadable", cleaned(each.name), "?", "?", "?", cleaned(str(each.error))]
            for each in damaged
        ]
    colours = [
        "red" if is_failed(chart, each.state) else "dim" if each.state in finals else "bold"
        for each in shown
    ]
    return _TABLE.lines(columns, rows, [*colours, *["red"] * len(damaged)], styled, columns_of(sys.stdout))
