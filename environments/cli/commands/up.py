"""`up`: make an environment what is declared."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click

from environments.cli import loading
from environments.cli.completion.values import complete_state
from environments.cli.group import subcommand
from environments.cli.many.choice import Choice, optional_names_arguments
from environments.cli.parameters import TypedChanges, amending_options, file_option
from environments.cli.settings import Settings
from environments.cli.telling import tell_unchanged
from environments.convergence.settled import already_running
from environments.model.fields.state_name import EnvironmentState
from environments.presentation.guidance import states
from statechart.errors import UnknownState
from statechart.terminal.refusal import UsageRefused


@subcommand("up", waiting=True)
@optional_names_arguments
@click.option(
    "--to",
    metavar="STATE",
    default="running",
    show_default=True,
    shell_complete=complete_state,
    help="The state to reach.",
)
@click.option("--plan", is_flag=True, help="Only print the commands that would run, with their reasons.")
@file_option
@amending_options
@click.option("--no-look", is_flag=True, help="Compare only the declaration with the record.")
@click.option("--deep", is_flag=True, help="Look with the provider's tools too, such as Terraform's plan.")
@click.option(
    "--recreate", is_flag=True, help="If the resources are gone, destroy the rest and start again."
)
@click.option("--allow-replace", is_flag=True, help="Let provision replace or remove the host.")
@click.option("--fleet", is_flag=True, help="Have the workers of the fleet do it, and watch.")
def up(
    settings: Settings,
    *,
    choice: Choice,
    to: str,
    plan: bool,
    file: Path | None,
    typed: TypedChanges,
    no_look: bool,
    deep: bool,
    recreate: bool,
    allow_replace: bool,
    fleet: bool,
) -> None:
    """Make the environment what is declared, by the commands that are needed.

    Compares the declaration with the record, and the record with the infrastructure. --file, --app,
    --env, --set and --unset change the declaration first; with --file or --app, a missing environment
    is created.

    Examples:
        envchart up web
        envchart up web --app ./app  # a new one as well
        envchart up web --plan  # only tell
        envchart up web --env LEVEL=debug
        envchart up web --to provisioned
        envchart up 'preview-*' --parallel 8
        envchart up 'preview-*' --fleet
    """
    if no_look and deep:
        steps = (settings.spell("up NAME --deep", choice.single),)
        raise UsageRefused("--no-look can't be combined with --deep", steps)
    target, name = _state(to), choice.single
    asks_more = plan or file or typed or no_look or deep or recreate or allow_replace
    if fleet:
        _ask_fleet(settings, choice, target, asks_more=bool(asks_more))
        return
    if name and target is EnvironmentState.RUNNING and not asks_more and _has_told(settings, name):
        return
    # Most of the time of an `up` that finds nothing to do would be this import.
    from environments.cli.commands.converging import Declared, Up, bring_up

    options = Up(target, not no_look, deep, recreate, allow_replace)
    bring_up(settings, choice, Declared(file, typed), options, plan=plan)


def _ask_fleet(settings: Settings, choice: Choice, target: EnvironmentState, *, asks_more: bool) -> None:
    """Submit the environments to the fleet, and watch."""
    if asks_more:
        steps = (settings.spell("up NAME --fleet"), settings.spell("update --help"))
        raise UsageRefused("--fleet goes with names, labels and --to only", steps)
    asking = import_module("environments.cli.commands.fleet.asking")
    asking.ask(settings, choice, target.value, watched=True)


def _has_told(settings: Settings, name: str) -> bool:
    """Print an environment if it can be told at once that there is nothing to do."""
    layout = loading.fast_layout(settings)
    settled = None if layout is None else already_running(layout, name)
    if layout is None or settled is None:
        return False
    tell_unchanged(settings, layout, settled)
    return True


def _state(to: str) -> EnvironmentState:
    try:
        return EnvironmentState(to)
    except ValueError:
        raise UnknownState("Lifecycle", to, states()) from None
