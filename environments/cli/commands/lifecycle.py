"""The subcommands that run one command of the lifecycle, or resume it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from environments.cli import loading
from environments.cli.group import subcommand
from environments.cli.many.choice import Choice, has_failed, names_arguments
from environments.cli.many.running import run_each
from environments.cli.parameters import app_option, name_argument, previous_option
from environments.cli.running import run_command
from environments.cli.settings import Settings
from environments.presentation import guidance
from statechart.terminal.refusal import UsageRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from environments.model.environment import AnyEnvironment
    from environments.workspace import Workspace

    Install = Callable[[Workspace, str, Path | None], Awaitable[AnyEnvironment]]


@subcommand("provision", waiting=True)
@names_arguments
@click.option(
    "--allow-replace",
    is_flag=True,
    help="Apply a change that replaces or removes the host, with all that is on it.",
)
def provision(settings: Settings, choice: Choice, allow_replace: bool) -> None:
    """Create the environment's resources, or change them in place.

    A running service keeps running. A change that would replace the host is refused before anything
    is applied.

    Examples:
        envchart provision web
        envchart provision web --allow-replace
    """
    run_each(
        settings,
        choice.where_allowed(),
        lambda workspace, name: workspace.provision(name, allow_replace=allow_replace),
    )


@subcommand("register", waiting=True)
@name_argument
@click.option("--address", metavar="HOST", help="The address of the host; by default from its file.")
def register(settings: Settings, name: str, address: str | None) -> None:
    """Adopt an existing host instead of creating a host.

    destroy leaves an adopted host alone.

    Examples:
        envchart register web --address 192.0.2.7
    """
    run_command(settings, lambda workspace: workspace.register(name, address=address))


@subcommand("configure", waiting=True)
@names_arguments
def configure(settings: Settings, choice: Choice) -> None:
    """Configure the resources for the application; a running service keeps running.

    Examples:
        envchart configure web
    """
    run_each(settings, choice.where_allowed(), lambda workspace, name: workspace.configure(name))


@subcommand("release", waiting=True)
@names_arguments
@app_option
@previous_option
def release(settings: Settings, choice: Choice, app: Path | None, previous: bool) -> None:
    """Install a release; the running service is not restarted.

    Examples:
        envchart release web
        envchart release web --app ../v2
        envchart release web --previous
    """
    _install(
        settings,
        choice,
        lambda workspace, name, where: workspace.release(name, app=where, previous=previous),
        app,
        previous=previous,
    )


@subcommand("deploy", waiting=True)
@names_arguments
@app_option
@previous_option
def deploy(settings: Settings, choice: Choice, app: Path | None, previous: bool) -> None:
    """Release and run the application, and configure it first if needed.

    Examples:
        envchart deploy web  # a new version
        envchart deploy web --app ../v2  # from another place
        envchart deploy web --previous  # back to the old one
    """
    _install(
        settings,
        choice,
        lambda workspace, name, where: workspace.deploy(name, app=where, previous=previous),
        app,
        previous=previous,
    )


def _install(
    settings: Settings, choice: Choice, work: Install, app: Path | None, *, previous: bool
) -> None:
    """Install releases of the app at an absolute path, or previous releases.

    Raises:
        UsageRefused: Both options are given, or there is no previous release.
    """
    if previous and app is not None:
        raise UsageRefused(
            "--app can't be combined with --previous",
            (settings.spell(f"{choice.command} NAME", choice.single),),
        )
    # Unlike Path.expanduser, this leaves a user alone who does not exist.
    where = None if app is None else Path.cwd() / os.path.expanduser(app)  # noqa: PTH111

    async def install(workspace: Workspace, name: str) -> AnyEnvironment:
        if previous:
            _require_previous(settings, choice.command, name)
        return await work(workspace, name, where)

    run_each(settings, choice.where_allowed(), install)


def _require_previous(settings: Settings, command: str, name: str) -> None:
    environment = loading.storage(settings).load(name)
    if "release" in guidance.EVENTS[environment.state.name] and environment.outputs.rollback is None:
        raise UsageRefused(
            f"{name!r} has no previous release",
            (settings.spell(f"{command} NAME", name), settings.spell("history NAME", name)),
            code="invalid_configuration",
        )


@subcommand("run", waiting=True)
@names_arguments
def run(settings: Settings, choice: Choice) -> None:
    """Start the installed release and wait until it is healthy.

    A service that runs is restarted.

    Examples:
        envchart run web
        envchart run web --lock-timeout 60
    """
    run_each(settings, _idle(choice), lambda workspace, name: workspace.run(name))


def _idle(choice: Choice) -> Choice:
    # A glob or a label means those whose service does not run yet: `restart` is for the others.
    return choice.where_allowed("released", "run_failed")


@subcommand("start", waiting=True)
@names_arguments
def start(settings: Settings, choice: Choice) -> None:
    """Start the installed release, like run.

    Examples:
        envchart start web
    """
    run_each(settings, _idle(choice), lambda workspace, name: workspace.run(name))


@subcommand("restart", waiting=True)
@names_arguments
def restart(settings: Settings, choice: Choice) -> None:
    """Restart the service, or start it if it is stopped.

    Examples:
        envchart restart web
    """
    run_each(settings, choice.where_allowed(), lambda workspace, name: workspace.restart(name))


@subcommand("stop", waiting=True)
@names_arguments
def stop(settings: Settings, choice: Choice) -> None:
    """Stop the service; its resources and releases stay.

    Examples:
        envchart stop web
        envchart stop 'preview-*'
    """
    run_each(settings, choice.where_allowed(), lambda workspace, name: workspace.stop(name))


@subcommand("retry", waiting=True)
@names_arguments
@click.option("--from-start", is_flag=True, help="Repeat the steps that are already done.")
def retry(settings: Settings, choice: Choice, from_start: bool) -> None:
    """Resume the failed command at its first unfinished step.

    Examples:
        envchart retry web
        envchart retry web --from-start
    """
    run_each(
        settings,
        choice.for_use(has_failed),
        lambda workspace, name: workspace.retry(name, from_start=from_start),
    )
