"""`destroy` and `purge`: remove the resources of environments, then their records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from environments.cli import loading
from environments.cli.group import subcommand
from environments.cli.many.choice import Choice, optional_names_arguments
from environments.cli.many.outcomes import Telling
from environments.cli.many.running import run_each, run_many, run_one
from environments.cli.parameters import yes_option
from environments.cli.running import run_command
from environments.cli.settings import Settings
from environments.cli.signals import Interruption
from environments.model.errors import UnreadableSummary
from environments.presentation.view import look
from statechart.terminal.output import emit, note, tell_next
from statechart.terminal.program.help_page import ChoiceOption
from statechart.terminal.prompt import ask
from statechart.terminal.text import columns
from statechart.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from environments.model.summary import Summary
    from environments.workspace import Workspace

_DESTROYED = ("destroyed",)


@subcommand("destroy", waiting=True)
@optional_names_arguments
@click.option("--expired", cls=ChoiceOption, is_flag=True, help="Only environments whose time has passed.")
@click.option("--purge", "purging", is_flag=True, help="Delete the record as well, and free the name.")
@yes_option
@click.option(
    "--keep-going-unrecorded",
    "keep_going",
    is_flag=True,
    help="In an emergency: continue even if nothing can be recorded, as on a full disk.",
)
def destroy(
    settings: Settings, choice: Choice, expired: bool, purging: bool, yes: bool, keep_going: bool
) -> None:
    """Remove the resources; the record stays.

    Asks for confirmation, unless --yes is given, and checks that the resources are gone.

    Examples:
        envchart destroy web
        envchart destroy 'pr-*' --purge
        envchart destroy --expired --yes  # in cron
    """
    choice = choice.narrowed(expired=expired).required(settings)
    if choice.single is None:
        _destroy_many(settings, choice, purging=purging, yes=yes, keep_going=keep_going)
        return
    name = choice.single
    if not yes:
        view = look(loading.storage(settings), name)
        # A second destroy is refused anyway: no need to ask.
        if purging or view.environment.state.name != "destroyed":
            deleted = " and delete its history for good" if purging else ""
            question = f"{name} is {view.condition}. Destroy its resources{deleted}?"
            ask(question, settings.spell(f"destroy NAME{' --purge' * purging} --yes", name))
    if purging:
        run_one(settings, name, _remove(keep_going=keep_going), _PURGED)
    else:
        run_command(settings, lambda workspace: workspace.destroy(name, keep_going_unrecorded=keep_going))


def _destroy_many(
    settings: Settings, choice: Choice, *, purging: bool, yes: bool, keep_going: bool
) -> None:
    choice = choice.for_use(lambda summary: purging or summary.state.name not in _DESTROYED)
    chosen = choice.chosen(settings)
    deleted = " and delete their histories for good" if purging else ""
    if not yes:
        _ask_about(settings, chosen, f"Destroy the resources of {{}}{deleted}?")
    if purging:
        run_many(settings, choice, _remove(keep_going=keep_going), _PURGED, chosen=chosen)
    else:
        run_each(
            settings,
            choice,
            lambda workspace, name: workspace.destroy(name, keep_going_unrecorded=keep_going),
            chosen=chosen,
        )


def _remove(*, keep_going: bool) -> Callable[[Workspace, str], Coroutine[None, None, str]]:
    async def remove(workspace: Workspace, name: str) -> str:
        await workspace.remove(name, keep_going_unrecorded=keep_going)
        return name

    return remove


@subcommand("purge", waiting=True)
@optional_names_arguments
@click.option("--destroyed", cls=ChoiceOption, is_flag=True, help="All destroyed environments.")
@yes_option
def purge(settings: Settings, choice: Choice, destroyed: bool, yes: bool) -> None:
    """Delete the record of a destroyed environment and free its name.

    Its history is deleted for good. Asks for confirmation, unless --yes is given.

    Examples:
        envchart purge web
        envchart purge --destroyed --yes
    """
    if destroyed:
        choice = choice.narrowed(states=_DESTROYED)
    choice = choice.required(settings).for_use(lambda summary: summary.state.name in _DESTROYED)
    if choice.single is not None:
        _purge_one(settings, choice.single, yes=yes)
        return
    chosen = choice.chosen(settings)
    if not yes:
        _ask_about(settings, chosen, "Delete {} with their histories for good?")
    run_many(settings, choice, _purge, _PURGED, chosen=chosen)


def _purge_one(settings: Settings, name: str, *, yes: bool) -> None:
    workspace = loading.workspace(settings)
    environment = workspace.load(name)
    if environment.state.name in _DESTROYED and not yes:
        ask(f"Delete {name} and its history for good?", settings.spell("purge NAME --yes", name))
    Interruption(note, about=name).run(workspace.purge(environment))
    emit(settings, _PURGED.document(name), _PURGED.text(name))
    tell_next(settings, ("create NAME --app DIR",), name)


async def _purge(workspace: Workspace, name: str) -> str:
    await workspace.purge(name)
    return name


_PURGED: Telling[str] = Telling(
    text=lambda name: f"{name} is purged: its name is free",
    document=lambda name: {"name": name, "purged": True},
)


def _ask_about(settings: Settings, chosen: Sequence[Summary | UnreadableSummary], question: str) -> None:
    """Ask once about all environments, after a list of their names and conditions."""
    if not chosen:
        return
    rows = [
        (f"  {each.name}", "unreadable" if isinstance(each, UnreadableSummary) else each.condition)
        for each in chosen
    ]
    words = question.format(counted(len(chosen), "environment"))
    instead = f"repeat the command with --yes; to look first: {settings.spell('list')}"
    ask("\n".join((*columns(rows), words)), instead)
