"""Tell at once that a running environment of the local provider is what is declared.

All other environments yield None, and are left to `converge`, which compares them in full.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from environments.checks.sight import differences
from environments.errors import StepFailed
from environments.model.command_name import PATH
from environments.model.fields.inputs import short_digest
from environments.model.fields.state_name import EnvironmentState
from environments.providers.common.app_files import source_of
from environments.providers.local.glimpse import glimpse
from environments.providers.local.inputs import StoredSettings, inputs_of
from environments.providers.local.layout import Layout as Files
from environments.storage.settled import settled_environment

if TYPE_CHECKING:
    from environments.model.observation import Observation
    from environments.model.stored import StoredEnvironment
    from statechart.storage.layout import Layout


def already_running(layout: Layout, name: str) -> StoredEnvironment | None:
    """Return a running environment for which there is nothing to do; None if that needs a closer look.

    Nothing is changed and no lock is taken.
    """
    environment = settled_environment(layout, name)
    if environment is None or not _is_applied(environment):
        return None
    if not _is_as_recorded(environment, layout.directory(name)):
        return None
    # Without the lock the record can change meanwhile; then it does not match what was seen.
    after = settled_environment(layout, name)
    return environment if after is not None and after.plain == environment.plain else None


def _is_applied(environment: StoredEnvironment) -> bool:
    """Return whether all commands have succeeded with the inputs of today."""
    if environment.state.name != EnvironmentState.RUNNING.value or environment.operation is not None:
        return False
    if environment.spec.provider.kind != "local":
        return False
    spec = StoredSettings(environment.spec.provider.plain)
    for command in PATH:
        applied = environment.applied.get(command.value)
        now = {key: short_digest(value) for key, value in inputs_of(command, spec, environment).items()}
        if applied is None or applied.inputs != now:
            return False
    return True


def _is_as_recorded(environment: StoredEnvironment, directory: Path) -> bool:
    """Return whether the application, the files and the service are as recorded."""
    spec, release = StoredSettings(environment.spec.provider.plain), environment.outputs.release
    files = Files(directory, environment.lineage, environment.name)
    try:
        found = asyncio.run(_seen(spec, files, release))
    except StepFailed:
        return False
    if found is None or found.unseen or any(differences(environment, found)):
        return False
    if spec.pinned_release is not None:
        return spec.pinned_release == release
    source = source_of(Path(spec.app), directory.parent)
    return source is not None and source.release == release


async def _seen(spec: StoredSettings, files: Files, release: str | None) -> Observation | None:
    return await glimpse(spec, files, release)
