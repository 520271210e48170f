"""`fleet drain`, `fleet migrate` and `fleet prune`."""

from __future__ import annotations

from datetime import timedelta

import click

from environments.cli.commands.fleet.opening import fleet_of
from environments.cli.group import subcommand
from environments.cli.settings import Settings
from environments.fleet.schedules import RETENTION
from statechart.terminal.output import emit
from statechart.terminal.refusal import UsageRefused


@subcommand("drain")
@click.argument("names", metavar="[WORKER]...", nargs=-1, help="Names or ids of workers.")
@click.option("--all", "all_", is_flag=True, help="All workers.")
@click.option(
    "--within",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=300,
    show_default=True,
    help="How long they may work on; then the rest stops after its step, and goes on with others.",
)
def drain(settings: Settings, names: tuple[str, ...], *, all_: bool, within: float) -> None:
    """Have workers take no more work, and end.

    Examples:
        envchart fleet drain lab1
        envchart fleet drain --all --within 60
    """
    if bool(names) is all_:
        steps = (settings.spell("fleet workers"), settings.spell("fleet drain --all"))
        raise UsageRefused("give WORKER or --all" if not names else "give WORKER or --all, not both", steps)
    found = fleet_of(settings).drain(names, within=timedelta(seconds=within))
    names_told = ", ".join(each.name for each in found)
    text = f"{names_told}: takes no more work" if found else "no workers, so there is nothing to drain"
    emit(settings, {"workers": [each.document() for each in found]}, text)


@subcommand("migrate")
def migrate(settings: Settings) -> None:
    """Make or migrate the tables of a fleet, and those of environments, in the database.

    Needs the role that owns them, or may create tables and a schema. Run it once before the first
    worker, and after an upgrade; workers change no tables.

    Examples:
        envchart fleet migrate
        envchart fleet migrate --store postgresql://admin@db/app
    """
    fleet = fleet_of(settings)
    fleet.migrate()
    emit(settings, {"store": fleet.where}, f"{fleet.where} is ready for a fleet")


@subcommand("prune")
@click.option(
    "--older-than",
    metavar="DAYS",
    type=click.FloatRange(min=0),
    default=RETENTION.days,
    show_default=True,
    help="How many days wishes are kept after their end.",
)
def prune(settings: Settings, *, older_than: float) -> None:
    """Delete wishes that ended long ago.

    Unfinished wishes stay, and so does the last wish for each environment that exists: status tells it.
    The records of environments are not touched. fleet schedule prune does the same at times.

    Examples:
        envchart fleet prune
        envchart fleet prune --older-than 7
    """
    count = fleet_of(settings).prune(older_than=timedelta(days=older_than))
    emit(settings, {"deleted": count}, f"{count} rows of the queue are deleted")
