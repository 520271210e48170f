"""The subcommands that run one command of the lifecycle, or resume it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from environments.cli import loading
from environments.cli.group import subcommand
from environments.cli.many.choice import Choice, has_failed, names_arguments
from environments.cli.many.running import run_each
from environments.cli.parameters import app_option, name_argument
from environments.cli.refusal import UsageRefused
from environments.cli.running import run_command
from environments.cli.settings import Settings
from environments.presentation import guidance


@subcommand("provision", waiting=True)
@names_arguments
def provision(settings: Settings, choice: Choice) -> None:
    """Create the environment's resources."""
    run_each(settings, choice.where_allowed(), lambda workspace, name: workspace.provision(name))


@subcommand("register", waiting=True)
@name_argument
@click.option("--address", metavar="HOST", help="The address of the host; by default from its file.")
def register(settings: Settings, name: str, address: str | None) -> None:
    """Adopt an existing host instead of creating one.

    destroy leaves an adopted host alone.
    """
    run_command(settings, lambda workspace: workspace.register(name, address=address))


@subcommand("configure", waiting=True)
@names_arguments
def configure(settings: Settings, choice: Choice) -> None:
    """Configure the resources for the application."""
    run_each(settings, choice.where_allowed(), lambda workspace, name: workspace.configure(name))


@subcommand("release", waiting=True)
@names_arguments
@app_option
@click.option("--previous", is_flag=True, help="Install the release before the current one again.")
def release(settings: Settings, choice: Choice, app: Path | None, previous: bool) -> None:
    """Install a release; the running service is not restarted."""
    if previous and app is not None:
        raise UsageRefused(
            "--app can't be combined with --previous", (settings.spell("release NAME", choice.single),)
        )
    if previous and choice.single is not None:
        _require_previous(settings, choice.single)
    # Unlike Path.expanduser, this leaves a user alone who does not exist.
    where = None if app is None else Path.cwd() / os.path.expanduser(app)  # noqa: PTH111
    run_each(
        settings,
        choice.where_allowed(),
        lambda workspace, name: workspace.release(name, app=where, previous=previous),
    )


def _require_previous(settings: Settings, name: str) -> None:
    environment = loading.storage(settings).load(name)
    if "release" in guidance.EVENTS[environment.state.name] and environment.outputs.previous is None:
        raise UsageRefused(
            f"{name!r} has no previous release",
            (settings.spell("release NAME", name), settings.spell("history NAME", name)),
            code="invalid_configuration",
        )


@subcommand("run", waiting=True)
@names_arguments
def run(settings: Settings, choice: Choice) -> None:
    """Start the installed release and wait until it is healthy."""
    # A glob or a label means those whose service does not run yet: `restart` is for the others.
    idle = choice.for_use(lambda summary: summary.state.name in ("released", "run_failed"))
    run_each(settings, idle, lambda workspace, name: workspace.run(name))


@subcommand("retry", waiting=True)
@names_arguments
@click.option("--from-start", is_flag=True, help="Repeat the steps that are already done.")
def retry(settings: Settings, choice: Choice, from_start: bool) -> None:
    """Resume the failed command at its first unfinished step."""
    run_each(
        settings,
        choice.for_use(has_failed),
        lambda workspace, name: workspace.retry(name, from_start=from_start),
    )
