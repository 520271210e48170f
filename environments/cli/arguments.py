"""Arguments: the parameters that several subcommands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from environments.cli.settings import Settings

if TYPE_CHECKING:
    from environments.model.spec import EnvironmentSpec


def complete_name(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the environments that a name begun on the shell may be, without loading anything."""
    from environments.cli import loading

    settings = Settings()
    at: typer.Context | None = ctx
    while at is not None and settings.chosen_data_dir is None:
        settings.chosen_data_dir = at.params.get("data_dir")
        at = at.parent  # type: ignore[assignment]  # a parent is a context too
    try:
        return [name for name in loading.names(settings) if name.startswith(incomplete)]
    except OSError:
        return []


def complete_state(incomplete: str) -> list[str]:
    """Return the states that one begun on the shell may be."""
    from environments.presentation.guidance import states

    return [state for state in states() if state.startswith(incomplete)]


NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="The environment.", autocompletion=complete_name, show_default=False
    ),
]
NewNameArgument = Annotated[
    str | None, typer.Argument(metavar="NAME", help="The environment's name.", show_default=False)
]
FileOption = Annotated[
    Path | None,
    typer.Option(
        "--file",
        "-f",
        metavar="FILE",
        help="A YAML file that declares the environment.",
        show_default=False,
    ),
]
AppOption = Annotated[
    Path | None,
    typer.Option("--app", metavar="DIR", help="The application's directory.", show_default=False),
]
PortOption = Annotated[
    int | None,
    typer.Option(
        "--port", metavar="N", help="The loopback port; by default a free one.", show_default=False
    ),
]
EnvOption = Annotated[
    list[str] | None,
    typer.Option(
        "--env",
        metavar="K=V",
        help="A variable of the application; repeatable. A secret is named by its place: "
        "K=@env:VARIABLE or K=@file:PATH.",
        show_default=False,
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", metavar="", help="Do not ask.")]
FromStartOption = Annotated[
    bool, typer.Option("--from-start", metavar="", help="Repeat the steps that were done already.")
]


def declared_spec(
    name: str | None,
    file: Path | None,
    app: Path | None,
    *,
    port: int | None = None,
    env: list[str] | None = None,
) -> EnvironmentSpec | None:
    """Return the spec that was asked for, by a file or by options; None if neither was given.

    Raises:
        Refusal: The options contradict each other, or the name is missing.
        InvalidConfiguration: The spec is not valid.
    """
    from environments.cli.refusal import UsageRefused

    if file is not None:
        if app is not None or port is not None or env:
            raise UsageRefused(
                "--file says it all: --app, --port and --env are not taken beside it",
                ("write them into the file; envchart create --template shows how",),
            )
        from environments.configuration.spec_file import load_spec

        return load_spec(file, name=name)
    if app is None:
        if port is not None or env:
            raise UsageRefused("--port and --env need --app", ("envchart create NAME --app DIR",))
        return None
    if name is None:
        raise UsageRefused("--app needs a name", ("envchart create NAME --app DIR",))
    return _local_spec(name, app, port, env or [])


def _local_spec(name: str, app: Path, port: int | None, env: list[str]) -> EnvironmentSpec:
    from pydantic import ValidationError

    from environments.configuration.messages import describe_faults
    from environments.errors import InvalidConfiguration
    from environments.model.names import check_name
    from environments.model.spec import EnvironmentSpec

    provider: dict[str, object] = {"kind": "local", "app": str(app), "port": port, "env": _variables(env)}
    content = {"name": check_name(name), "provider": provider}
    try:
        spec = EnvironmentSpec.model_validate(content)
    except ValidationError as error:
        faults = [fault.replace("provider.", "--", 1) for fault in describe_faults(error, content)]
        raise InvalidConfiguration("the command line", faults) from error
    return spec.model_copy(update={"provider": spec.provider.relative_to(Path.cwd())})


def _variables(given: list[str]) -> dict[str, str | dict[str, str]]:
    from environments.cli.refusal import UsageRefused

    variables: dict[str, str | dict[str, str]] = {}
    for item in given:
        key, equals, value = item.partition("=")
        if not equals or not key or key in variables:
            what = "is there twice" if key in variables else "is not of the form K=V"
            raise UsageRefused(
                f"--env {key!r} {what}", ("envchart create NAME --app DIR --env GREETING=Hello",)
            )
        kind, _, place = value.partition(":")
        variables[key] = {kind[1:]: place} if kind in ("@env", "@file") and place else value
    return variables
