"""`list`: a line for each environment."""

from __future__ import annotations

import sys

import click

from environments.cli.commands.listing.gathering import gather
from environments.cli.commands.listing.rendering import Wanted, check, counted, rendered
from environments.cli.completion.values import complete_label, complete_label_key, complete_name, one_of
from environments.cli.group import subcommand
from environments.cli.settings import Settings
from environments.presentation.listing import (
    COLUMNS,
    DEFAULT_COLUMNS,
    LABEL,
    ordered,
)
from environments.selection import STATES, Selection
from statechart.formats.columns import columns_of
from statechart.terminal.output import emit, note
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.report import ExitCode
from statechart.wording import listed, nearest


@subcommand("list")
@click.argument(
    "pattern", metavar="[PATTERN]...", nargs=-1, shell_complete=complete_name,
    help="Names, or globs in quotes, as 'pr-*'.",
)  # fmt: skip
@click.option(
    "--state", "states", metavar="STATE", multiple=True, shell_complete=one_of(STATES),
    help="Only environments in this state; also failed, interrupted or under-way. Repeatable.",
)  # fmt: skip
@click.option("--failed", is_flag=True, help="Only environments that need attention.")
@click.option(
    "-l", "--label", "labels", metavar="K=V", multiple=True, shell_complete=complete_label,
    help="Only environments with this label; also K!=V, K or !K. Repeatable.",
)  # fmt: skip
@click.option("--expired", is_flag=True, help="Only environments whose time has passed.")
@click.option("-a", "--all", "every", is_flag=True, help="All environments, whatever .envchart.toml says.")
@click.option(
    "--sort", metavar="COLUMN", shell_complete=one_of(COLUMNS),
    help="Sort by a column; backwards with a '-' before its name.",
)  # fmt: skip
@click.option(
    "--columns", metavar="NAMES", shell_complete=one_of(COLUMNS),
    help=f"The columns to print: {', '.join(COLUMNS)}, or {LABEL}KEY.",
)  # fmt: skip
@click.option(
    "--group-by", metavar="LABEL", shell_complete=complete_label_key, help="Group by the value of a label."
)
@click.option("-w", "--watch", is_flag=True, help="Keep the list up to date until Ctrl-C.")
def list_(
    settings: Settings,
    pattern: tuple[str, ...],
    states: tuple[str, ...],
    failed: bool,
    labels: tuple[str, ...],
    expired: bool,
    every: bool,
    sort: str | None,
    columns: str | None,
    group_by: str | None,
    watch: bool,
) -> None:
    """List environments: all, or those that are selected.

    Conditions of different kinds all have to hold.
    An unreadable environment is listed with its error, and the exit code is 7.

    Examples:
        envchart list --failed
        envchart list 'pr-*' -l team=web --sort=-age
        envchart list --group-by team --watch
        envchart list --json | jq -r '.environments[].name'
    """
    usual = settings.workspace.list
    typed = _typed_labels(labels, columns, sort, group_by)
    if not (every or pattern):
        if not (states or failed):  # both are about the state
            states, failed = usual.state, usual.failed
        labels, expired = labels or usual.label, expired or usual.expired
    wanted = Wanted(
        Selection.read(pattern, labels=labels, states=states, failed=failed, expired=expired),
        _columns(columns, usual.columns, settings) or DEFAULT_COLUMNS,
        sort or usual.sort or "name",
        group_by or usual.group_by,
        typed,
    )
    _check_column(wanted.sort.removeprefix("-"), "--sort" if sort else f"sort in {settings.workspace.path}")
    if watch:
        _watch(settings, wanted)
        return
    print_list(settings, wanted)


def _typed_labels(
    labels: tuple[str, ...], columns: str | None, sort: str | None, group_by: str | None
) -> tuple[str, ...]:
    """Return the keys of the labels that the options name."""
    names = [name.strip().removeprefix("-") for name in (*(columns or "").split(","), sort or "")]
    return (
        *(term.key for term in Selection.read(labels=labels).labels),
        *(name.removeprefix(LABEL) for name in names if name.startswith(LABEL)),
        *([] if group_by is None else [group_by]),
    )


def _columns(typed: str | None, usual: tuple[str, ...], settings: Settings) -> tuple[str, ...]:
    names = usual if typed is None else tuple(name.strip() for name in typed.split(","))
    for name in names:
        _check_column(name, f"columns in {settings.workspace.path}" if typed is None else "--columns")
    return names


def _check_column(name: str, where: str) -> None:
    if name in COLUMNS or (name.startswith(LABEL) and name != LABEL):
        return
    near = nearest(name, COLUMNS)
    hint = f"did you mean {near!r}?" if near else f"there are {listed(COLUMNS)} and {LABEL}KEY"
    raise UsageRefused(f"{where}: there is no column {name!r}; {hint}", ("envchart list --help",))


def print_list(settings: Settings, wanted: Wanted) -> None:
    """Print a line for each selected environment.

    Raises:
        NothingMatches: A pattern matches no name.
        UnknownLabel: No environment has a label that was typed.
        StorageError: The data directory can't be read.
        click.exceptions.Exit: An environment can't be read; the others were printed.
    """
    found = gather(settings, wanted.selection)
    check(found, wanted)
    if not found.total:
        _tell_empty(settings)
        return
    documents = ordered(found.documents, wanted.sort, wanted.group_by)
    if settings.json:
        unreadable = [{"name": name, **report.document()} for name, report in found.unreadable]
        emit(settings, {"environments": documents, "unreadable": unreadable}, "")
    elif documents or found.unreadable:
        lines = rendered(found, wanted, columns_of(sys.stdout))
        emit(settings, None, "\n".join(lines))
    if not settings.json and (found.total > 1 or not documents):
        note("\n".join(counted(found, columns_of(sys.stderr))))
        if not documents and settings.workspace.list.chooses:
            note(f"next: {settings.spell('list --all')}")
    for name, report in found.unreadable:
        note(f"next, for {name}: {report.next[0] if report.next else settings.spell('list')}")
    if found.unreadable:
        raise click.exceptions.Exit(ExitCode.STORAGE)


def _tell_empty(settings: Settings) -> None:
    """Print an empty list, and how to create an environment."""
    if settings.json:
        emit(settings, {"environments": [], "unreadable": []}, "")
        return
    missing = settings.store is None and not settings.data_dir.is_dir()
    note(f"no environments in {settings.where}{', which does not exist' if missing else ''}")
    note(f"next: {settings.spell('create NAME --app DIR')}")


def _watch(settings: Settings, wanted: Wanted) -> None:
    if settings.json:
        raise UsageRefused("--watch has no end, and --json needs one", (settings.spell("list --watch"),))
    # Watching needs an event loop, which takes longer to load than a list takes.
    from environments.cli.commands.listing.watching import watch

    watch(settings, wanted)
