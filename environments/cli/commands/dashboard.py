"""`dashboard`: look at all environments in a browser, live."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from environments.cli import loading
from environments.cli.group import subcommand
from environments.cli.settings import Settings
from statechart.dashboard.serving.options import Wanted, dashboard_options, load_web
from statechart.terminal.refusal import UsageRefused

if TYPE_CHECKING:
    from environments.fleet.fleet import Fleet
    from environments.workspace import Workspace


@subcommand("dashboard")
@dashboard_options
@click.option(
    "--allow-actions", is_flag=True, help="Offer the next commands as buttons; they run as processes."
)
def dashboard(settings: Settings, allow_actions: bool, **options: Any) -> None:  # Any: of `Wanted`
    """Look at all environments in a browser, live.

    The dashboard reads the records, takes no lock and changes nothing, unless --allow-actions is given.

    Examples:
        envchart dashboard --open
        envchart dashboard --port 0 --json | jq -r .url
    """
    wanted = Wanted(**options).checked(settings)
    if allow_actions and not wanted.needs_token:
        raise UsageRefused(
            "--no-token with --allow-actions would let every user of this machine act as you",
            (settings.spell("dashboard --allow-actions"), settings.spell("dashboard --no-token")),
        )
    web = load_web("environments.dashboard.app")
    launch = load_web("statechart.dashboard.serving.launch")
    workspace = loading.workspace(settings)
    workspace.names()  # an unusable data directory is an error of the command, and not of each page
    launch.launch(
        settings,
        wanted,
        f"dashboard of {settings.where}",
        lambda access: web.site_of(
            workspace, access=access, allow_actions=allow_actions, fleet=_fleet(settings, workspace)
        ),
    )


def _fleet(settings: Settings, workspace: Workspace) -> Fleet | None:
    """Return the fleet of the store, or None if the store can't carry one."""
    if settings.store is None:
        return None
    fleet = import_module("environments.fleet.fleet")
    try:
        found: Fleet = fleet.Fleet(settings.store, workspace=workspace)
    except fleet.FleetUnavailable:
        return None
    return found
