"""`create`: record a new environment."""

from __future__ import annotations

from pathlib import Path

import click

from environments.cli import loading
from environments.cli.completion.values import one_of
from environments.cli.declared_spec import declared_spec, marked
from environments.cli.group import subcommand
from environments.cli.parameters import (
    app_option,
    env_option,
    expires_option,
    file_option,
    label_option,
    on_expiry_option,
    optional_name_argument,
)
from environments.cli.running import tell_missing_secrets, tell_readable_secrets
from environments.cli.settings import Settings
from environments.cli.telling import tell_changed
from environments.configuration.templates import TEMPLATES, spec_template
from statechart.terminal.output import emit
from statechart.terminal.refusal import UsageRefused

_TEMPLATE_SHOWS = "envchart create --template"


@subcommand("create")
@optional_name_argument
@app_option
@click.option("--port", metavar="N", type=int, help="The loopback port; by default a free port.")
@env_option
@file_option
@label_option
@expires_option
@on_expiry_option
@click.option("--template", is_flag=True, help="Print a commented environment file and create nothing.")
@click.option(
    "--kind",
    metavar="KIND",
    shell_complete=one_of(TEMPLATES),
    help="The provider of the template: local or terraform.",
)
def create(
    settings: Settings,
    name: str | None,
    app: Path | None,
    port: int | None,
    env: tuple[str, ...],
    file: Path | None,
    label: tuple[str, ...],
    expires: str | None,
    on_expiry: str | None,
    template: bool,
    kind: str | None,
) -> None:
    """Record a new environment; nothing is created yet.

    NAME --app DIR uses the provider local. --file FILE takes everything, the name included, from a file;
    --label and --expires are added to the file's.

    Examples:
        envchart create web --app ./app
        envchart create web --app ./app --env TOKEN=@env:TOKEN
        envchart create --template > env.yaml
        envchart create --file env.yaml
    """
    if template:
        _print_template(settings, name, kind or "local")
        return
    if kind is not None:
        raise UsageRefused(
            "--kind selects a template, so it needs --template; an environment file names its own kind",
            (f"{_TEMPLATE_SHOWS} --kind {kind}",),
        )
    spec = declared_spec(name, file, app, port=port, env=env)
    if spec is None:
        raise UsageRefused(
            "nothing to create: give --app DIR or --file FILE",
            (settings.spell("create NAME --app DIR", name), _TEMPLATE_SHOWS),
        )
    spec = marked(spec, label, expires, on_expiry)
    workspace = loading.workspace(settings)
    settings.changing = spec.name
    created = workspace.create(spec)
    tell_missing_secrets(created.spec)
    tell_readable_secrets(settings, created.spec)
    tell_changed(settings, workspace, created)


def _print_template(settings: Settings, name: str | None, kind: str) -> None:
    if kind not in TEMPLATES:
        message = f"there is no template for {kind!r}; templates exist for {' and '.join(TEMPLATES)}"
        raise UsageRefused(message, (_TEMPLATE_SHOWS, settings.spell("schema")))
    text = spec_template(name or "demo", kind)
    emit(settings, {"template": text}, text)
