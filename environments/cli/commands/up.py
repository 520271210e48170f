"""`up`: run every command needed to bring an environment up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from environments.cli import loading
from environments.cli.completion.values import complete_state
from environments.cli.declared_spec import declared_spec
from environments.cli.group import subcommand
from environments.cli.parameters import (
    app_option,
    file_option,
    optional_name_argument,
)
from environments.cli.refusal import UsageRefused
from environments.cli.report import ExitCode
from environments.cli.running import run_command, tell_missing_secrets
from environments.cli.settings import Settings
from environments.cli.terminal.output import emit, note
from environments.execution.plan import plan as commands_to
from environments.execution.unreleased import unreleased
from environments.model.environment import Environment
from environments.model.states import EnvironmentState
from environments.presentation.guidance import states
from environments.system.clock import SystemClock
from statechart.errors import NotFound, UnknownState
from statechart.wording import nearest

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.spec import EnvironmentSpec
    from environments.workspace import Workspace


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
@click.option("--plan", is_flag=True, help="Only print the commands that would run.")
@file_option
@app_option
def up(
    settings: Settings, name: str | None, to: str, plan: bool, file: Path | None, app: Path | None
) -> None:
    """Run every command needed to bring the environment up.

    With --file or --app, a missing environment is created first.

    Examples:
        envchart up web
        envchart up web --app ./app  # a new one as well
        envchart up web --plan  # only tell
        envchart up web --to provisioned
    """
    target = _state(to)
    spec = declared_spec(name, file, app)
    wanted = spec.name if spec is not None else name
    if wanted is None:
        raise UsageRefused(
            "the name of an environment is missing", (settings.spell("list"), settings.spell("up NAME"))
        )
    workspace = loading.workspace(settings)
    exists = workspace.exists(wanted)
    if exists and spec is not None:
        _refuse_another_spec(settings, workspace, spec)
    if plan:
        _print_plan(settings, workspace, wanted, None if exists else spec, target)
        return
    if not exists and spec is not None:
        settings.changing = wanted
        workspace.create(spec)
        note(f"created {wanted}")
    try:
        before = workspace.load(wanted)
    except NotFound as error:
        raise _missing(settings, error) from None
    if before.state.name != target.name:
        tell_missing_secrets(before.spec)
    run_command(settings, lambda opened: _bring(opened, wanted, target, before.revision))


def _missing(settings: Settings, error: NotFound) -> UsageRefused:
    """Return the error for an environment that does not exist and was not declared either."""
    steps = (
        f"to create it: {settings.spell('up NAME --app DIR', error.name)}",
        f"from a file: {settings.spell('up NAME --file FILE', error.name)}",
        settings.spell("list"),
    )
    near = nearest(error.name, [name for name in settings.names() if name != error.name])
    hint = f"; did you mean {near!r}?" if near is not None else ""
    return UsageRefused(f"{error}{hint}", steps, code="not_found", exit_code=ExitCode.NOT_FOUND)


async def _bring(workspace: Workspace, name: str, target: EnvironmentState, before: int) -> AnyEnvironment:
    environment = await workspace.bring(name, to=target)
    if environment.revision == before:
        note(f"{name} is already {target}: nothing was done")
        if changed := unreleased(environment, workspace.directory(name)):
            note(f"note: {changed}")
    return environment


def _state(to: str) -> EnvironmentState:
    try:
        return EnvironmentState(to)
    except ValueError:
        raise UnknownState("Lifecycle", to, states()) from None


def _refuse_another_spec(settings: Settings, workspace: Workspace, spec: EnvironmentSpec) -> None:
    if workspace.load(spec.name).spec != spec:
        raise UsageRefused(
            f"{spec.name!r} exists with another spec",
            (
                settings.spell("update NAME --file FILE", spec.name),
                settings.spell("up NAME", spec.name),
                settings.spell("show NAME --json", spec.name),
            ),
            code="already_exists",
            exit_code=5,
        )


def _print_plan(
    settings: Settings,
    workspace: Workspace,
    name: str,
    missing: EnvironmentSpec | None,
    target: EnvironmentState,
) -> None:
    if missing is None:
        commands = [str(command) for command in workspace.plan(name, to=target)]
    else:
        created = Environment.new(missing, SystemClock().now())
        commands = ["create", *map(str, commands_to(created, target))]
    steps = [
        f"{number}. {settings.spell(f'{command} NAME', name)}" for number, command in enumerate(commands, 1)
    ]
    emit(
        settings,
        {"name": name, "target": target.value, "plan": commands},
        "\n".join(steps) if steps else f"{name} is already {target}: nothing to do",
    )
