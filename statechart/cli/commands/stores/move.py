"""`move`: bring values to another store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from statechart.answers.errors import report
from statechart.cli import loading
from statechart.cli.parameters import StoreType, subcommand
from statechart.cli.settings import Settings
from statechart.errors import AlreadyExists, Diverged, NotFound, StatechartError, StorageError
from statechart.terminal.output import emit, fitting, note
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.settings import shell_word
from statechart.terminal.streams import prints_aside
from statechart.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statechart.storage.moving.move import Moved
    from statechart.stored.moving.values import ValuesMove
    from statechart.terminal.report import Report


@subcommand("move", waiting=True)
@click.argument("names", metavar="[NAME]...", nargs=-1, help="The names of the values.")
@click.option("--all", "all_", is_flag=True, help="All values, and those of moves that were cut off.")
@click.option(
    "--to",
    metavar="DIR|URL",
    type=StoreType(),
    required=True,
    help="The other store: a directory, or the URL of a database.",
)
@click.option("--dry-run", is_flag=True, help="Only check, and tell what would be moved.")
@click.option("--skip", is_flag=True, help="Leave those where they are that can't be moved.")
@click.option("--remove", is_flag=True, help="Delete the histories here, which are kept aside otherwise.")
def move(
    settings: Settings,
    names: tuple[str, ...],
    to: Path | str,
    *,
    all_: bool,
    dry_run: bool,
    skip: bool,
    remove: bool,
) -> None:
    """Bring values to another store, and back.

    The whole history comes along, byte for byte, and is verified there. All values are checked before the
    first is moved. A move that was cut off is finished by the same command.

    Examples:
        python -m statechart move shop:OrderChart A-1 --store orders --to sqlite:///shop.db
        python -m statechart move shop:orders --all --to postgresql://shop@db/shop --dry-run
        python -m statechart move shop:OrderChart --all --store sqlite:///shop.db --to orders
    """
    if all_ == bool(names):
        raise click.UsageError("give either names or --all")
    with prints_aside():
        repository = loading.repository(settings)
        moving = repository.moving(to)
    _require_other(settings, moving, to)
    chosen = sorted({*repository.names(), *moving.unfinished()}) if all_ else list(dict.fromkeys(names))
    ready, problems = _checked(settings, moving, chosen, gone=all_)
    if problems and not (skip or dry_run):
        _refuse(settings, problems, len(ready), to)
    for name, problem in problems.items():
        note(f"{name} stays: {problem.message}")
    if dry_run:
        _tell_plan(settings, moving, ready, problems)
        return
    _carry_out(settings, moving, list(ready), keep=not remove)


def _require_other(settings: Settings, moving: ValuesMove, to: Path | str) -> None:
    try:
        moving.require_other()
    except StorageError as error:
        raise UsageRefused(f"{_shown(to)}: {error}", (settings.spell("move --help"),)) from error


def _checked(
    settings: Settings, moving: ValuesMove, names: Sequence[str], *, gone: bool
) -> tuple[dict[str, bool], dict[str, Report]]:
    """Return which names can be moved, with whether an earlier move is finished, and why others can't."""
    ready: dict[str, bool] = {}
    problems: dict[str, Report] = {}
    for name in names:
        try:
            ready[name] = moving.check(name)
        except StatechartError as error:
            if gone and isinstance(error, NotFound):
                continue  # deleted or moved since the names were read
            found = report(error, settings)
            if found is None:
                raise
            problems[name] = _led_there(settings, moving, error, found)
    return ready, problems


def _led_there(settings: Settings, moving: ValuesMove, error: StatechartError, found: Report) -> Report:
    """Return a report whose commands lead to the store that has the other value."""
    if not isinstance(error, AlreadyExists | Diverged):
        return found
    there = loading.spelling_at(settings, moving.where)
    step = f"look there: {there.spell('show NAME', error.name)}" if there else f"look into {moving.where}"
    return found._replace(next=(step,))


def _refused(problem: Report) -> UsageRefused:
    return UsageRefused(problem.message, problem.next, code=problem.code, exit_code=problem.exit_code)


def _refuse(settings: Settings, problems: dict[str, Report], ready: int, to: Path | str) -> None:
    """Raise the error of values that can't be moved."""
    if len(problems) == 1 and not ready:
        (problem,) = problems.values()
        raise _refused(problem)
    for name, problem in problems.items():
        note(f"{name}: {problem.message}")
    others = (
        (f"to move the others: {settings.spell(f'move --all --skip --to {_shown(to)}')}",) if ready else ()
    )
    raise UsageRefused(
        f"{counted(len(problems), 'value')} of {len(problems) + ready} can't be moved, so none was",
        others or tuple(dict.fromkeys(step for problem in problems.values() for step in problem.next[:1])),
    )


def _tell_plan(
    settings: Settings, moving: ValuesMove, ready: dict[str, bool], problems: dict[str, Report]
) -> None:
    lines = [
        f"{name}: an earlier move would be finished" if finishes else f"{name} would be moved"
        for name, finishes in ready.items()
    ]
    document = {
        "to": moving.where,
        "values": [{"name": name, "finishes": finishes} for name, finishes in ready.items()],
        "staying": [{"name": name, "error": each.code} for name, each in problems.items()],
    }
    emit(settings, document, "\n".join(lines) or "no value would be moved")


def _carry_out(settings: Settings, moving: ValuesMove, names: Sequence[str], *, keep: bool) -> None:
    """Move values one after the other, and end with the first that fails."""
    moved: list[Moved] = []
    for name in names:
        try:
            moved.append(moving.carry_out(name, keep=keep))
        except StatechartError as error:
            failed = report(error, settings)
            if failed is None:
                raise
            if moved:
                note(f"{counted(len(moved), 'value')} of {len(names)} moved")
            raise _refused(_led_there(settings, moving, error, failed)) from error
        if not settings.json:
            emit(settings, None, fitting(_text(moved[-1], moving.where)))
    document = {
        "to": moving.where,
        "values": [
            {"name": each.name, "outcome": each.outcome, "records": each.records, "bytes": each.bytes}
            for each in moved
        ],
    }
    if settings.json or not moved:
        emit(settings, document, "no value was moved")


def _text(moved: Moved, where: str) -> str:
    verb = "is moved" if moved.outcome == "moved" else "has arrived"
    return f"{moved.name} {verb}: {counted(moved.records, 'record')} in {where}, verified"


def _shown(to: Path | str) -> str:
    return shell_word(str(to))
