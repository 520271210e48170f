"""`fleet`: the subcommands of a fleet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import click

from environments.cli.parameters import EVERYWHERE
from statechart.terminal.program.group import ProgramGroup, Subcommand
from statechart.terminal.program.registry import Entry

ASK = "Ask"
LOOK = "Look"
KEEP = "Keep it running"

SUBCOMMANDS: dict[str, Entry] = {
    "submit": Entry("asking", "submit", "Ask for a state of environments, or for a command.", ASK),
    "cancel": Entry("asking", "cancel", "Cancel wishes that have not ended.", ASK),
    "schedule": Entry("scheduling", "schedule", "Have drift found, or old things removed, at times.", ASK),
    "status": Entry("looking", "status", "Show the last wish of environments.", LOOK),
    "list": Entry("looking", "list_", "List the wishes, the newest first.", LOOK),
    "workers": Entry("looking", "workers", "List the workers, and their work.", LOOK),
    "worker": Entry("working", "worker", "Work for the fleet until drained.", KEEP),
    "drain": Entry("keeping", "drain", "Have workers take no more work, and end.", KEEP),
    "prune": Entry("keeping", "prune", "Delete wishes that ended long ago.", KEEP),
    "migrate": Entry(
        "keeping",
        "migrate",
        "Make or migrate the tables of a fleet, and those of environments, in the database.",
        KEEP,
    ),
}


class FleetGroup(ProgramGroup, Subcommand):
    """The group of the subcommands of `fleet`, itself a subcommand with examples."""

    package = "environments.cli.commands.fleet"
    registry: ClassVar[Mapping[str, Entry]] = SUBCOMMANDS
    taking: ClassVar[frozenset[str]] = frozenset({"cancel", "drain"})

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        Subcommand.format_epilog(self, ctx, formatter)


fleet: FleetGroup = FleetGroup(
    "fleet",
    help="Have workers on many machines bring environments up and down.\n\n"
    "A fleet needs a store in PostgreSQL: name it by --store, ENVCHART_STORE or the workspace file.",
    params=list(EVERYWHERE),
)
fleet.examples = (
    "envchart fleet migrate  # once",
    "envchart fleet worker --slots 8  # on each machine",
    "envchart fleet submit 'pr-*' --to running",
    "envchart fleet status",
    "envchart fleet drain --all",
)
