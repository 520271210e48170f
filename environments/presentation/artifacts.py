"""The copies of files that are recorded with an environment, in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

from statechart.terminal.text import ago

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment, Artifact
    from environments.model.stored import StoredArtifact
    from environments.presentation.view import Shown

NOUNS: Final = {"directory": "module", "playbook": "playbook", "app": "application"}
"""What the files of a field are called."""


def copied_lines(before: AnyEnvironment, after: AnyEnvironment) -> list[str]:
    """Return a line for each copy that was made anew."""
    return [
        f"{NOUNS.get(field, field)}: copied anew ({_size(artifact.size)}, {artifact.digest[:12]})"
        for field, artifact in after.artifacts.items()
        if before.artifacts.get(field) != artifact
    ]


def artifact_lines(environment: Shown, now: datetime) -> Iterator[tuple[str, str]]:
    """Yield a line for each recorded copy: what commands use on every machine."""
    artifacts: dict[str, Artifact] | dict[str, StoredArtifact] = environment.artifacts or {}
    for field, artifact in artifacts.items():
        copied = f"copied on {artifact.machine} {ago(artifact.packed_at, now)}"
        yield NOUNS.get(field, field), f"{artifact.digest[:12]}, {copied} ({_size(artifact.size)})"


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
