"""`fleet status`, `fleet list` and `fleet workers`."""

from __future__ import annotations

import click

from environments.cli.commands.fleet.opening import fleet_of
from environments.cli.commands.fleet.wording import wish_lines, worker_lines
from environments.cli.completion.values import complete_name
from environments.cli.group import subcommand
from environments.cli.settings import Settings
from environments.fleet.wishes import LATEST
from statechart.terminal.output import emit, note


@subcommand("status")
@click.argument(
    "names",
    metavar="[NAME]...",
    nargs=-1,
    shell_complete=complete_name,
    help="Environments; by default all.",
)
def status(settings: Settings, names: tuple[str, ...]) -> None:
    """Show the last wish of environments.

    Examples:
        envchart fleet status
        envchart fleet status web --json
    """
    found = fleet_of(settings).status(names)
    emit(
        settings,
        {"wishes": [each.document() for each in found]},
        wish_lines(found) if found else "no wishes",
    )


@subcommand("list")
@click.option("--unfinished", is_flag=True, help="Only wishes that have not ended.")
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(min=1),
    default=LATEST,
    show_default=True,
    help="At most so many.",
)
def list_(settings: Settings, *, unfinished: bool, limit: int) -> None:
    """List the wishes, the newest first.

    Examples:
        envchart fleet list
        envchart fleet list --unfinished --json
    """
    found = fleet_of(settings).list(unfinished=unfinished, limit=limit)
    emit(
        settings,
        {"wishes": [each.document() for each in found]},
        wish_lines(found) if found else "no wishes",
    )


@subcommand("workers")
def workers(settings: Settings) -> None:
    """List the workers, and their work.

    Examples:
        envchart fleet workers
        envchart fleet workers --json | jq -r .workers[].name
    """
    found = fleet_of(settings).workers()
    text = worker_lines(found) if found else "no workers"
    emit(settings, {"workers": [each.document() for each in found]}, text)
    if not found:
        note(f"next: {settings.spell('fleet worker')}")
