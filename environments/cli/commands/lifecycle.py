"""The subcommands that change an environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from environments.cli import loading
from environments.cli.arguments import (
    AppOption,
    EnvOption,
    FileOption,
    FromStartOption,
    NameArgument,
    NewNameArgument,
    PortOption,
    YesOption,
    complete_state,
    declared_spec,
)
from environments.cli.refusal import Refusal
from environments.cli.running import run_command, tell_changed
from environments.cli.settings import Settings
from environments.cli.terminal.output import emit, note, tell_next
from environments.cli.terminal.prompt import ask
from environments.presentation.view import look

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.spec import EnvironmentSpec
    from environments.model.states import EnvironmentState
    from environments.workspace import Workspace

_TEMPLATE_SHOWS = "envchart create --template"


def create(
    settings: Settings,
    name: NewNameArgument = None,
    *,
    app: AppOption = None,
    port: PortOption = None,
    env: EnvOption = None,
    file: FileOption = None,
    template: Annotated[
        bool,
        typer.Option(
            "--template", metavar="", help="Print a commented file to start from, and create nothing."
        ),
    ] = False,
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind",
            metavar="KIND",
            help="The template's provider: local or terraform.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Put a new environment on record; nothing is made yet.

    NAME --app DIR uses the local provider; --file FILE any, and has the name in it.
    """
    if template:
        _print_template(settings, name, kind or "local")
        return
    if kind is not None:
        raise Refusal(
            "--kind chooses a template; a file says it itself", (f"{_TEMPLATE_SHOWS} --kind {kind}",)
        )
    spec = declared_spec(name, file, app, port=port, env=env)
    if spec is None:
        raise Refusal(
            "say what to create: --app DIR, or --file FILE",
            (settings.spell("create NAME --app DIR", name), _TEMPLATE_SHOWS),
        )
    workspace = loading.workspace(settings)
    tell_changed(settings, workspace, workspace.create(spec))


def _print_template(settings: Settings, name: str | None, kind: str) -> None:
    from environments.configuration.templates import TEMPLATES, spec_template

    if kind not in TEMPLATES:
        known = f"there is a template for {' and for '.join(TEMPLATES)}, not for {kind!r}"
        raise Refusal(known, (_TEMPLATE_SHOWS, settings.spell("schema")))
    text = spec_template(name or "demo", kind)
    emit(settings, {"template": text}, text)


def provision(settings: Settings, name: NameArgument) -> None:
    """Make the environment's resources."""
    run_command(settings, lambda workspace: workspace.provision(name))


def register(
    settings: Settings,
    name: NameArgument,
    address: Annotated[
        str | None,
        typer.Option(
            "--address",
            metavar="HOST",
            help="Where it is; by default what its file says.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Adopt a host that exists, instead of making one; destroy will leave it alone."""
    run_command(settings, lambda workspace: workspace.register(name, address=address))


def configure(settings: Settings, name: NameArgument) -> None:
    """Configure the environment's resources for its application."""
    run_command(settings, lambda workspace: workspace.configure(name))


def release(
    settings: Settings,
    name: NameArgument,
    app: AppOption = None,
    previous: Annotated[
        bool, typer.Option("--previous", metavar="", help="Put the release before this one in place again.")
    ] = False,
) -> None:
    """Put a release of the application in place; what runs goes on running."""
    if previous and app is not None:
        raise Refusal("--app and --previous exclude each other", (settings.spell("release NAME", name),))
    where = None if app is None else Path.cwd() / app.expanduser()
    run_command(settings, lambda workspace: workspace.release(name, app=where, previous=previous))


def run(settings: Settings, name: NameArgument) -> None:
    """Start the release in place, and see it healthy."""
    run_command(settings, lambda workspace: workspace.run(name))


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
        raise Refusal("say which environment", (settings.spell("list"), settings.spell("up NAME")))
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
        raise Refusal(
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


def retry(settings: Settings, name: NameArgument, from_start: FromStartOption = False) -> None:
    """Take the command that failed up again, at the first step not known to be done."""
    run_command(settings, lambda workspace: workspace.retry(name, from_start=from_start))


def update(settings: Settings, name: NameArgument, file: FileOption = None) -> None:
    """Change what the environment shall be; the commands that apply it are still to be run.

    What only provisioning can apply is refused once it is provisioned.
    """
    if file is None:
        raise Refusal(
            "say what it shall be: --file FILE", (settings.spell("update NAME --file FILE", name),)
        )
    from environments.configuration.spec_file import load_spec

    spec = load_spec(file, name=name)
    run_command(settings, lambda workspace: _update(workspace, name, spec))


async def _update(workspace: Workspace, name: str, spec: EnvironmentSpec) -> AnyEnvironment:
    before = workspace.load(name).revision
    environment = await workspace.update(name, spec)
    if environment.revision == before:
        note(f"{name} is declared so already: nothing was changed")
    return environment


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
