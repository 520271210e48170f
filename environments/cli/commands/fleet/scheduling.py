"""`fleet schedule`."""

from __future__ import annotations

import click

from environments.cli.commands.fleet.opening import fleet_of
from environments.cli.completion.values import one_of
from environments.cli.group import subcommand
from environments.cli.settings import Settings
from environments.fleet.schedules import KINDS
from statechart.terminal.output import emit
from statechart.terminal.refusal import UsageRefused


@subcommand("schedule")
@click.argument(
    "kind",
    metavar="[drift|expires|prune]",
    required=False,
    shell_complete=one_of(KINDS),
    help="What is to be done.",
)
@click.argument(
    "cron", metavar="[WHEN]", required=False, help="Minute, hour, day, month and weekday, in UTC."
)
@click.option("--remove", is_flag=True, help="Remove the schedule.")
def schedule(settings: Settings, kind: str | None, cron: str | None, *, remove: bool) -> None:
    """Have drift found, or old things removed, at times.

    drift compares each environment with the world; expires destroys the environments whose time has
    passed; prune deletes wishes that ended 30 days ago. Without arguments, the schedules are listed.

    Examples:
        envchart fleet schedule drift '*/15 * * * *'
        envchart fleet schedule expires '0 * * * *'
        envchart fleet schedule prune '0 3 * * *'
        envchart fleet schedule
        envchart fleet schedule drift --remove
    """
    fleet = fleet_of(settings)
    if kind is not None and remove is (cron is None):
        if remove:
            fleet.unschedule(kind)
        else:
            fleet.schedule(kind, str(cron))
    elif kind is not None or remove:
        steps = (settings.spell("fleet schedule drift '*/15 * * * *'"), settings.spell("fleet schedule"))
        raise UsageRefused("give a kind with either WHEN or --remove", steps)
    found = fleet.schedules()
    lines = [f"{each.kind}  {each.cron}  {_fired(each.fired_at)}" for each in found]
    emit(settings, {"schedules": [each.document() for each in found]}, "\n".join(lines) or "no schedules")


def _fired(at: object) -> str:
    return f"last at {at:%Y-%m-%d %H:%MZ}" if at is not None else "not yet"
