"""`destroy` and `purge`: remove the resources of an environment, then its record."""

from __future__ import annotations

import click

from environments.cli import loading
from environments.cli.group import subcommand
from environments.cli.parameters import name_argument, yes_option
from environments.cli.running import run_command
from environments.cli.settings import Settings
from environments.cli.signals import Interruption
from environments.cli.terminal.output import emit, note, tell_next
from environments.cli.terminal.prompt import ask
from environments.presentation.view import look


@subcommand("destroy", waiting=True)
@name_argument
@yes_option
@click.option(
    "--keep-going-unrecorded",
    "keep_going",
    is_flag=True,
    help="In an emergency: continue even if nothing can be recorded, as on a full disk.",
)
def destroy(settings: Settings, name: str, yes: bool, keep_going: bool) -> None:
    """Remove the resources; the record stays.

    Asks for confirmation, unless --yes is given, and checks that the resources are gone.
    """
    if not yes:
        view = look(loading.storage(settings), name)
        # A second destroy is refused anyway: no need to ask.
        if view.environment.state.name != "destroyed":
            question = f"{name} is {view.condition}. Destroy its resources?"
            ask(question, settings.spell("destroy NAME --yes", name))
    run_command(settings, lambda workspace: workspace.destroy(name, keep_going_unrecorded=keep_going))


@subcommand("purge", waiting=True)
@name_argument
@yes_option
def purge(settings: Settings, name: str, yes: bool) -> None:
    """Delete the record of a destroyed environment and free its name.

    Its history is deleted for good. Asks for confirmation, unless --yes is given.
    """
    workspace = loading.workspace(settings)
    environment = workspace.load(name)
    if environment.state.name == "destroyed" and not yes:
        ask(f"Delete {name} and its history for good?", settings.spell("purge NAME --yes", name))
    Interruption(note, about=name).run(workspace.purge(environment))
    emit(settings, {"name": name, "purged": True}, f"{name} is purged: its name is free")
    tell_next(settings, ("create NAME --app DIR",), name)
