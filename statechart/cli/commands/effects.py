"""`effects`: what transitions still have to do, and running it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

import click

from statechart.answers.values import due_document
from statechart.cli import loading
from statechart.cli.parameters import subcommand
from statechart.cli.settings import Settings
from statechart.errors import StatechartError
from statechart.formats.columns import columns_of
from statechart.stored.damage import Damaged
from statechart.stored.effects import DueEffect, EffectOutcome
from statechart.terminal.colours import styled
from statechart.terminal.output import emit, note
from statechart.terminal.report import ExitCode
from statechart.terminal.streams import prints_aside
from statechart.terminal.table import Table, cleaned
from statechart.terminal.text import ago, when

_DUE = ("name", "effect", "event", "since", "tries", "next", "error")
_RUN = ("state", "name", "effect", "tries", "error")
_SHORT = {"effect": 20}
_TABLE = Table(usual=_DUE, flexible=("error",), dropped=("since", "event"), short=_SHORT)
_OUTCOMES = Table(flexible=("error",), short=_SHORT)
_COLOURS = {"done": "green", "failed": "red", "skipped": "bold"}
_PATIENCE = 10  # seconds for the lock of a value, when an outcome is recorded


@subcommand("effects", waiting=True)
@click.argument("name", required=False, help="The name of the value; by default all.")
@click.option("--run", "runs", is_flag=True, help="Run them, and record what is done.")
@click.option("--force", is_flag=True, help="With --run: also those that wait after a failed attempt.")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="NUMBER", help="With --run: at most so many effects."
)
def effects(settings: Settings, name: str | None, *, runs: bool, force: bool, limit: int | None) -> None:
    """List the effects that are due, or run them.

    An effect that fails stays due, and is run again after a wait.
    With --run, the exit code is 8 if some failed or were skipped. It is 7 if a value can't be read.

    Examples:
        python -m statechart effects shop:OrderChart --store orders
        python -m statechart effects shop:OrderChart --store orders --run
        python -m statechart effects shop:OrderChart A-1 --store orders --run --force
    """
    if (force or limit is not None) and not runs:
        raise click.UsageError(f"{'--force' if force else '--limit'} is for --run")
    repository = loading.repository(settings)
    if runs:
        patience = settings.lock_timeout or _PATIENCE
        with prints_aside():
            outcomes = repository.run_effects(name, limit=limit, force=force, timeout=patience)
        _tell_outcomes(settings, outcomes)
    else:
        damaged: dict[str, StatechartError] = {}
        _tell_due(settings, repository.due_effects(name, on_damage=damaged.__setitem__), name, damaged)


def _tell_due(
    settings: Settings, found: list[DueEffect], name: str | None, damaged: Mapping[str, StatechartError]
) -> None:
    if found or settings.json:
        rows = [_due_row(each) for each in found]
        lines = _TABLE.lines(_DUE, rows, ["plain"] * len(rows), styled, columns_of(sys.stdout))
        unreadable = [Damaged(each, error) for each, error in damaged.items()]
        emit(settings, due_document(found, unreadable, settings), "\n".join(lines))
    if found:
        note(f"{len(found)} due")
        note(f"next: {settings.spell('effects --run' if name is None else 'effects NAME --run', name)}")
    elif not damaged:
        note("no effect is due" if name is None else f"no effect of {name} is due")
    for unread, error in damaged.items():
        note(f"{unread} can't be read: {error}")
        note(f"next, for {unread}: {settings.spell('verify NAME', unread)}")
    if damaged:
        raise click.exceptions.Exit(ExitCode.STORAGE)


def _due_row(each: DueEffect) -> tuple[str, ...]:
    waits = each.not_before is not None and each.not_before > datetime.now(UTC)
    next_ = when(each.not_before) if each.not_before is not None and waits else "now"
    since = ago(each.at, datetime.now(UTC))
    return (
        *(cleaned(each.name), each.effect, each.event, since, str(each.attempts), next_),
        cleaned(each.error or ""),
    )


def _tell_outcomes(settings: Settings, outcomes: list[EffectOutcome]) -> None:
    counts = Counter[str](each.status for each in outcomes)
    if outcomes or settings.json:
        rows = [
            (each.status, cleaned(each.name), each.effect, str(each.attempts), cleaned(each.error or ""))
            for each in outcomes
        ]
        colours = [_COLOURS[each.status] for each in outcomes]
        lines = _OUTCOMES.lines(_RUN, rows, colours, styled, columns_of(sys.stdout))
        document = {"effects": [each.model_dump(mode="json") for each in outcomes], "counts": counts}
        emit(settings, document, "\n".join(lines))
    note(", ".join(f"{counts[each]} {each}" for each in _COLOURS if counts[each]) or "no effect is due")
    left = [each for each in outcomes if not (each.status == "done" and each.recorded)]
    if any(not each.effect for each in left):
        note(f"next: {settings.spell('verify')}")
        raise click.exceptions.Exit(ExitCode.STORAGE)
    if left:
        note(f"next: {settings.spell('effects')}")
        raise click.exceptions.Exit(ExitCode.DIFFERENCE)
