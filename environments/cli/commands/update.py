"""`update`: change the spec of an environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.cli.arguments import FileOption, NameArgument
from environments.cli.refusal import UsageRefused
from environments.cli.running import run_command
from environments.cli.settings import Settings
from environments.cli.terminal.output import note

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.spec import EnvironmentSpec
    from environments.workspace import Workspace


def update(settings: Settings, name: NameArgument, file: FileOption = None) -> None:
    """Change what the environment shall be; the commands that apply it are still to be run.

    What only provisioning can apply is refused once it is provisioned.
    """
    if file is None:
        raise UsageRefused(
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
