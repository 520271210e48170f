"""`update`: change the spec of an environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from environments.cli.group import subcommand
from environments.cli.parameters import file_option, name_argument
from environments.cli.refusal import UsageRefused
from environments.cli.running import run_command, tell_missing_secrets
from environments.cli.settings import Settings
from environments.cli.terminal.output import note
from environments.configuration.spec_file import load_spec

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.spec import EnvironmentSpec
    from environments.workspace import Workspace


@subcommand("update", waiting=True)
@name_argument
@file_option
def update(settings: Settings, name: str, file: Path | None) -> None:
    """Change the environment's declaration.

    The commands that apply the change are run separately. A change that only provision can apply
    is refused once the environment is provisioned. A change that only configure can apply is
    recorded, and told, once the environment is configured.
    """
    if file is None:
        raise UsageRefused("--file FILE is missing", (settings.spell("update NAME --file FILE", name),))
    spec = load_spec(file, name=name)
    tell_missing_secrets(spec)
    run_command(settings, lambda workspace: _update(workspace, name, spec))


async def _update(workspace: Workspace, name: str, spec: EnvironmentSpec) -> AnyEnvironment:
    # Saving an equal spec changes no revision.
    before = workspace.load(name).revision
    environment = await workspace.update(name, spec)
    if environment.revision == before:
        note(f"{name} is already declared like that: nothing was changed")
    return environment
