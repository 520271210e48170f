"""`up`: make an environment what is declared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from environments.checks.drift import Drift
from environments.cli import loading
from environments.cli.completion.values import complete_state
from environments.cli.declared_spec import SpecChange, declared_amendment, declared_spec
from environments.cli.error_reports import report
from environments.cli.group import subcommand
from environments.cli.parameters import (
    app_option,
    env_option,
    file_option,
    optional_name_argument,
)
from environments.cli.refusal import UsageRefused
from environments.cli.report import ExitCode
from environments.cli.running import carry_out, tell_changed, tell_missing_secrets
from environments.cli.settings import Settings
from environments.cli.signals import Interruption
from environments.cli.terminal.narrator import Narrator
from environments.cli.terminal.output import emit, note
from environments.configuration.spec_file import load_spec
from environments.convergence.plan import make_plan
from environments.errors import EnvironmentsError
from environments.execution.plan import plan as forward_plan
from environments.execution.spec_changes import usable
from environments.model.command_name import CommandName
from environments.model.environment import Environment
from environments.model.states import EnvironmentState
from environments.presentation.guidance import states
from environments.presentation.plans import PlanView
from environments.presentation.spec_changes import change_lines, spec_changes
from environments.system.clock import SystemClock
from statechart.errors import NotFound, UnknownState
from statechart.wording import nearest

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.spec import EnvironmentSpec
    from environments.workspace import Workspace


@dataclass(frozen=True, slots=True)
class _Up:
    """The options of `up`."""

    target: EnvironmentState
    look: bool
    deep: bool
    recreate: bool
    allow_replace: bool


@subcommand("up", waiting=True)
@optional_name_argument
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
@app_option
@env_option
@click.option("--no-look", is_flag=True, help="Compare only the declaration with the record.")
@click.option("--deep", is_flag=True, help="Look with the provider's tools too, such as Terraform's plan.")
@click.option(
    "--recreate", is_flag=True, help="If the resources are gone, destroy the rest and start again."
)
@click.option("--allow-replace", is_flag=True, help="Let provision replace or remove the host.")
def up(
    settings: Settings,
    name: str | None,
    *,
    to: str,
    plan: bool,
    file: Path | None,
    app: Path | None,
    env: tuple[str, ...],
    no_look: bool,
    deep: bool,
    recreate: bool,
    allow_replace: bool,
) -> None:
    """Make the environment what is declared, by the commands that are needed.

    Compares the declaration with the record, and the record with the infrastructure. --file, --app
    and --env change the declaration first; with --file or --app, a missing environment is created.

    Examples:
        envchart up web
        envchart up web --app ./app  # a new one as well
        envchart up web --plan  # only tell
        envchart up web --env LEVEL=debug
        envchart up web --to provisioned
    """
    if no_look and deep:
        raise UsageRefused(
            "--no-look can't be combined with --deep", (settings.spell("up NAME --deep", name),)
        )
    options = _Up(_state(to), not no_look, deep, recreate, allow_replace)
    declared = load_spec(file, name=name) if file is not None else None
    wanted = declared.name if declared is not None else name
    if wanted is None:
        raise UsageRefused(
            "the name of an environment is missing", (settings.spell("list"), settings.spell("up NAME"))
        )
    amendment = declared_amendment(app=app, env=env)
    if not loading.workspace(settings).exists(wanted):
        if declared is None and app is not None:
            declared = declared_spec(wanted, None, app, env=env)
        elif declared is not None and amendment is not None:
            declared = amendment(declared)
        _create(settings, wanted, declared, options, plan=plan)
        if not plan:
            _converge(settings, wanted, SpecChange(None, None), options)
    elif plan:
        _preview(settings, wanted, SpecChange(declared, amendment), options)
    else:
        _converge(settings, wanted, SpecChange(declared, amendment), options)


def _create(
    settings: Settings, name: str, spec: EnvironmentSpec | None, options: _Up, *, plan: bool
) -> None:
    """Create a missing environment, or print its plan."""
    workspace = loading.workspace(settings)
    if spec is None:
        try:
            workspace.load(name)
        except NotFound as error:
            raise _missing(settings, error) from None
        return  # it was created meanwhile
    if plan:
        created = Environment.new(usable(spec), SystemClock().now())
        planned = make_plan(Drift(created), options.target)
        _tell_plan(settings, PlanView.of(planned, missing=True))
        return
    settings.changing = name
    workspace.create(spec)
    note(f"created {name}")


def _missing(settings: Settings, error: NotFound) -> UsageRefused:
    """Return the error for an environment that does not exist and was not declared either."""
    steps = (
        f"to create it: {settings.spell('up NAME --app DIR', error.name)}",
        f"from a file: {settings.spell('up NAME --file FILE', error.name)}",
        settings.spell("list"),
    )
    try:
        near = nearest(error.name, [name for name in settings.names() if name != error.name])
    except OSError:  # there is no data directory yet
        near = None
    hint = f"; did you mean {near!r}?" if near is not None else ""
    return UsageRefused(f"{error}{hint}", steps, code="not_found", exit_code=ExitCode.NOT_FOUND)


def _preview(settings: Settings, name: str, change: SpecChange, options: _Up) -> None:
    """Print the plan of an environment, and change nothing."""
    with Narrator(settings) as narrator:
        interruption = Interruption(narrator.note, about=name)
        workspace = loading.workspace(settings, (narrator,), interruption.stop)
        looking = workspace.preview(
            name,
            to=options.target,
            change=change if change else None,
            look=options.look,
            deep=options.deep,
        )
        plan = interruption.run(looking)
    _tell_changes(change, plan.environment)
    _tell_plan(settings, PlanView.of(plan, recreate=options.recreate))


def _tell_plan(settings: Settings, view: PlanView) -> None:
    emit(settings, view.document(), view.text())
    for line in view.plan.unseen:
        note(f"note: not inspected: {line}")
    if not view.obstacles:
        return
    try:
        view.plan.require_feasible()
    except EnvironmentsError as error:
        told = report(error, settings)
        if told is None:
            raise
        for number, step in enumerate(told.next):
            note(f"{'  or:' if number else 'next:'} {step}")
        raise click.exceptions.Exit(told.exit_code) from None


def _converge(settings: Settings, name: str, change: SpecChange, options: _Up) -> None:
    """Make an environment what is declared, and print it."""
    before = loading.workspace(settings).load(name)
    if before.operation is None or not before.operation.is_active:
        forward_plan(before, options.target)  # a refusal comes before the declaration is changed
    if before.state.name != options.target.name:
        tell_missing_secrets(before.spec)
    workspace, environment = carry_out(settings, lambda opened: _bring(opened, before, change, options))
    changes = spec_changes(change.before or environment.spec, environment.spec)
    tell_changed(settings, workspace, environment, extra={"changes": changes})


async def _bring(
    workspace: Workspace, before: AnyEnvironment, change: SpecChange, options: _Up
) -> AnyEnvironment:
    handle: AnyEnvironment | str = before.name
    revision, provisioned = before.revision, before.applied.get(CommandName.PROVISION)
    if change:
        handle = await workspace.amend(before.name, change)
        revision = handle.revision
        _tell_changes(change, handle)
    environment = await workspace.converge(
        handle,
        to=options.target,
        look=options.look,
        deep=options.deep,
        recreate=options.recreate,
        allow_replace=options.allow_replace,
    )
    if environment.revision == revision and environment.lineage == before.lineage:
        note(f"{before.name} is already {options.target}: nothing to do")
    if options.allow_replace and environment.applied.get(CommandName.PROVISION) == provisioned:
        note("note: --allow-replace was not needed: nothing was provisioned")
    return environment


def _tell_changes(change: SpecChange, environment: AnyEnvironment) -> None:
    """Print the changes of the declaration."""
    if change.before is not None:
        for line in change_lines(spec_changes(change.before, environment.spec)):
            note(f"  {line}")


def _state(to: str) -> EnvironmentState:
    try:
        return EnvironmentState(to)
    except ValueError:
        raise UnknownState("Lifecycle", to, states()) from None
