"""Compare the source of an application with the installed release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.model.states import EnvironmentState
from environments.ports import CopiesSource, provider_of

if TYPE_CHECKING:
    from pathlib import Path

    from environments.model.environment import AnyEnvironment
    from environments.ports import Provider

# The states in which an installed release is served, or is served next.
_RELEASED = {EnvironmentState.RELEASED, EnvironmentState.RUNNING, EnvironmentState.RUN_FAILED}


def unreleased(
    environment: AnyEnvironment, directory: Path, provider: Provider | None = None
) -> str | None:
    """Return a sentence if the application differs from the installed release, else None.

    A command that starts a service starts the installed release, whatever has changed in the source.

    Args:
        environment: The environment.
        directory: The directory with the environment's files.
        provider: Asked instead of the provider in the environment's spec.
    """
    release = environment.outputs.release
    known = provider or provider_of(environment)
    if environment.state.name not in _RELEASED or release is None or not isinstance(known, CopiesSource):
        return None
    source = known.source(directory)
    if source is None or source.release == release:
        return None
    return f"release {release} is not what is in {source.directory} now: release first"
