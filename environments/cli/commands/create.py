"""`create`: record a new environment."""

from __future__ import annotations

from typing import Annotated

import typer

from environments.cli import loading
from environments.cli.arguments import (
    AppOption,
    EnvOption,
    FileOption,
    NewNameArgument,
    PortOption,
    declared_spec,
)
from environments.cli.refusal import UsageRefused
from environments.cli.running import tell_changed
from environments.cli.settings import Settings
from environments.cli.terminal.output import emit

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
        raise UsageRefused(
            "--kind chooses a template; a file says it itself", (f"{_TEMPLATE_SHOWS} --kind {kind}",)
        )
    spec = declared_spec(name, file, app, port=port, env=env)
    if spec is None:
        raise UsageRefused(
            "say what to create: --app DIR, or --file FILE",
            (settings.spell("create NAME --app DIR", name), _TEMPLATE_SHOWS),
        )
    workspace = loading.workspace(settings)
    tell_changed(settings, workspace, workspace.create(spec))


def _print_template(settings: Settings, name: str | None, kind: str) -> None:
    from environments.configuration.templates import TEMPLATES, spec_template

    if kind not in TEMPLATES:
        known = f"there is a template for {' and for '.join(TEMPLATES)}, not for {kind!r}"
        raise UsageRefused(known, (_TEMPLATE_SHOWS, settings.spell("schema")))
    text = spec_template(name or "demo", kind)
    emit(settings, {"template": text}, text)
