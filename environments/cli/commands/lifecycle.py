"""The subcommands that change an environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from environments.cli.arguments import (
    AppOption,
    FromStartOption,
    NameArgument,
)
from environments.cli.refusal import UsageRefused
from environments.cli.running import run_command
from environments.cli.settings import Settings

if TYPE_CHECKING:
    pass


def provision(settings: Settings, name: NameArgument) -> None:
    """Make the environment's resources."""
    run_command(settings, lambda workspace: workspace.provision(name))


def register(
    settings: Settings,
    name: NameArgument,
    address: Annotated[
        str | None,
        typer.Option(
            "--address",
            metavar="HOST",
            help="Where it is; by default what its file says.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Adopt a host that exists, instead of making one; destroy will leave it alone."""
    run_command(settings, lambda workspace: workspace.register(name, address=address))


def configure(settings: Settings, name: NameArgument) -> None:
    """Configure the environment's resources for its application."""
    run_command(settings, lambda workspace: workspace.configure(name))


def release(
    settings: Settings,
    name: NameArgument,
    app: AppOption = None,
    previous: Annotated[
        bool, typer.Option("--previous", metavar="", help="Put the release before this one in place again.")
    ] = False,
) -> None:
    """Put a release of the application in place; what runs goes on running."""
    if previous and app is not None:
        raise UsageRefused(
            "--app and --previous exclude each other", (settings.spell("release NAME", name),)
        )
    where = None if app is None else Path.cwd() / app.expanduser()
    run_command(settings, lambda workspace: workspace.release(name, app=where, previous=previous))


def run(settings: Settings, name: NameArgument) -> None:
    """Start the release in place, and see it healthy."""
    run_command(settings, lambda workspace: workspace.run(name))


def retry(settings: Settings, name: NameArgument, from_start: FromStartOption = False) -> None:
    """Take the command that failed up again, at the first step not known to be done."""
    run_command(settings, lambda workspace: workspace.retry(name, from_start=from_start))
