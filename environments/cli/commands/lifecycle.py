"""The subcommands that run one command of the lifecycle, or resume it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from environments.cli import loading
from environments.cli.group import subcommand
from environments.cli.parameters import app_option, name_argument
from environments.cli.refusal import UsageRefused
from environments.cli.running import run_command
from environments.cli.settings import Settings
from environments.presentation import guidance


@subcommand("provision", waiting=True)
@name_argument
def provision(settings: Settings, name: str) -> None:
    """Create the environment's resources."""
    run_command(settings, lambda workspace: workspace.provision(name))


@subcommand("register", waiting=True)
@name_argument
@click.option("--address", metavar="HOST", help="The address of the host; by default from its file.")
def register(settings: Settings, name: str, address: str | None) -> None:
    """Adopt an existing host instead of creating one.

    destroy leaves an adopted host alone.
    """
    run_command(settings, lambda workspace: workspace.register(name, address=address))


@subcommand("configure", waiting=True)
@name_argument
def configure(settings: Settings, name: str) -> None:
    """Configure the resources for the application."""
    run_command(settings, lambda workspace: workspace.configure(name))


@subcommand("release", waiting=True)
@name_argument
@app_option
@click.option("--previous", is_flag=True, help="Install the release before the current one again.")
def release(settings: Settings, name: str, app: Path | None, previous: bool) -> None:
    """Install a release; the running service is not restarted."""
    if previous and app is not None:
        raise UsageRefused(
            "--app can't be combined with --previous", (settings.spell("release NAME", name),)
        )
    if previous:
        _require_previous(settings, name)
    # Unlike Path.expanduser, this leaves a user alone who does not exist.
    where = None if app is None else Path.cwd() / os.path.expanduser(app)  # noqa: PTH111
    run_command(settings, lambda workspace: workspace.release(name, app=where, previous=previous))


def _require_previous(settings: Settings, name: str) -> None:
    environment = loading.storage(settings).load(name)
    if "release" in guidance.EVENTS[environment.state.name] and environment.outputs.previous is None:
        raise UsageRefused(
            f"{name!r} has no previous release",
            (settings.spell("release NAME", name), settings.spell("history NAME", name)),
            code="invalid_configuration",
        )


@subcommand("run", waiting=True)
@name_argument
def run(settings: Settings, name: str) -> None:
    """Start the installed release and wait until it is healthy."""
    run_command(settings, lambda workspace: workspace.run(name))


@subcommand("retry", waiting=True)
@name_argument
@click.option("--from-start", is_flag=True, help="Repeat the steps that are already done.")
def retry(settings: Settings, name: str, from_start: bool) -> None:
    """Resume the failed command at its first unfinished step."""
    run_command(settings, lambda workspace: workspace.retry(name, from_start=from_start))
