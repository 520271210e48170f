"""Compare the source of an application with the installed release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.model.states import EnvironmentState
from environments.ports import CopiesSource

if TYPE_CHECKING:
    from pathlib import Path

    from environments.model.environment import AnyEnvironment
    from environments.ports import Provider

# The states in which an installed release is served, or is served next.
_RELEASED = {EnvironmentState.RELEASED, EnvironmentState.RUNNING, EnvironmentState.RUN_FAILED}


def unreleased(provider: Provider, environment: AnyEnvironment, directory: Path) -> str | None:
    """Return a sentence if the application differs from the installed release, else None.

    A command that starts a service starts the installed release, whatever has changed in the source.

    Args:
        provider: The environment's provider.
        environment: The environment.
        directory: The directory with the environment's files.
    """
    release = environment.outputs.release
    if environment.state.name not in _RELEASED or release is None or not isinstance(provider, CopiesSource):
        return None
    source = provider.source(directory)
    if source is None or source.release == release:
        return None
    return f"release {release} is not what is in {source.directory} now: release first"
