"""`up`: run every command needed to bring an environment up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from environments.cli import loading
from environments.cli.arguments import AppOption, FileOption, NewNameArgument, complete_state, declared_spec
from environments.cli.refusal import UsageRefused
from environments.cli.running import run_command
from environments.cli.settings import Settings
from environments.cli.terminal.output import emit, note

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.spec import EnvironmentSpec
    from environments.model.states import EnvironmentState
    from environments.workspace import Workspace


def up(
    settings: Settings,
    name: NewNameArgument = None,
    *,
    to: Annotated[
        str, typer.Option("--to", metavar="STATE", help="How far.", autocompletion=complete_state)
    ] = "running",
    plan: Annotated[
        bool, typer.Option("--plan", metavar="", help="Only tell which commands would be run.")
    ] = False,
    file: FileOption = None,
    app: AppOption = None,
) -> None:
    """Bring the environment up, by all the commands that it takes.

    With --file or --app it is created first, if it is not there.
    """
    target = _state(to)
    spec = declared_spec(name, file, app)
    wanted = spec.name if spec is not None else name
    if wanted is None:
        raise UsageRefused("say which environment", (settings.spell("list"), settings.spell("up NAME")))
    workspace = loading.workspace(settings)
    exists = workspace.exists(wanted)
    if exists and spec is not None:
        _refuse_another_spec(settings, workspace, spec)
    if plan:
        _print_plan(settings, workspace, wanted, None if exists else spec, target)
        return
    if not exists and spec is not None:
        workspace.create(spec)
        note(f"created {wanted}")
    before = workspace.load(wanted).revision
    run_command(settings, lambda opened: _bring(opened, wanted, target, before))


async def _bring(workspace: Workspace, name: str, target: EnvironmentState, before: int) -> AnyEnvironment:
    environment = await workspace.bring(name, to=target)
    if environment.revision == before:
        note(f"{name} is {target} already: nothing was done")
    return environment


def _state(to: str) -> EnvironmentState:
    from environments.model.states import EnvironmentState
    from environments.presentation.guidance import states
    from statechart.errors import UnknownState

    try:
        return EnvironmentState(to)
    except ValueError:
        raise UnknownState("Lifecycle", to, states()) from None


def _refuse_another_spec(settings: Settings, workspace: Workspace, spec: EnvironmentSpec) -> None:
    if workspace.load(spec.name).spec != spec:
        raise UsageRefused(
            f"{spec.name!r} exists, and what was asked for differs from its spec",
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
        from environments.execution.plan import plan
        from environments.model.environment import Environment
        from environments.system.clock import SystemClock

        created = Environment.new(missing, SystemClock().now())
        commands = ["create", *map(str, plan(created, target))]
    steps = [
        f"{number}. {settings.spell(f'{command} NAME', name)}" for number, command in enumerate(commands, 1)
    ]
    emit(
        settings,
        {"name": name, "target": target.value, "plan": commands},
        "\n".join(steps) if steps else f"{name} is {target} already: nothing to do",
    )
