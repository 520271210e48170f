"""`destroy` and `purge`: remove the resources of an environment, then its record."""

from __future__ import annotations

from typing import Annotated

import typer

from environments.cli import loading
from environments.cli.arguments import NameArgument, YesOption
from environments.cli.running import run_command
from environments.cli.settings import Settings
from environments.cli.terminal.output import emit, tell_next
from environments.cli.terminal.prompt import ask
from environments.presentation.view import look


def destroy(
    settings: Settings,
    name: NameArgument,
    yes: YesOption = False,
    keep_going: Annotated[
        bool,
        typer.Option(
            "--keep-going-unrecorded",
            metavar="",
            help="In an emergency: go on when it can't be recorded (a full disk).",
        ),
    ] = False,
) -> None:
    """Take the environment's resources away, and see them gone; its record stays.

    It asks first, unless --yes is given.
    """
    if not yes:
        view = look(loading.storage(settings), name)
        if view.environment.state.name != "destroyed":
            what = f"{name} is {view.condition}. Destroy its resources?"
            ask(what, settings.spell("destroy NAME --yes", name))
    run_command(settings, lambda workspace: workspace.destroy(name, keep_going_unrecorded=keep_going))


def purge(settings: Settings, name: NameArgument, yes: YesOption = False) -> None:
    """Remove a destroyed environment and its history for good, and free its name.

    It asks first, unless --yes is given.
    """
    import asyncio

    workspace = loading.workspace(settings)
    environment = workspace.load(name)
    if environment.state.name == "destroyed" and not yes:
        ask(f"Remove {name} and its history for good?", settings.spell("purge NAME --yes", name))
    asyncio.run(workspace.purge(environment))
    emit(settings, {"name": name, "purged": True}, f"{name} is purged: its name is free")
    tell_next(settings, ("create NAME --app DIR",), name)
