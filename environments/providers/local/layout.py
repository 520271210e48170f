"""Layout: where the local provider keeps what belongs to an environment, and proof that it is its own."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from environments.errors import StepFailed
from environments.model.failure import FailureCause

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.steps import StepContext

MARKER = ".envchart.json"


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one environment, below its directory.

        local/.envchart.json    the marker: whose directory this is
        local/config/           what is configured
        local/releases/<id>/    what was released, each beside its manifest `<id>.json`
        local/current, previous links to the release that is, and was, served
        local/instance.json     the service as it was started last
        local/service.log       what it said

    Attributes:
        directory: The environment's own directory; the one above it is the data directory.
        lineage: The incarnation of the environment.
        name: The environment's name.
        instance_name: The name of its instance.
    """

    directory: Path
    lineage: str
    name: str
    instance_name: str = ""

    @classmethod
    def of(cls, environment: AnyEnvironment, directory: Path) -> Layout:
        """Return the layout of an environment whose own directory is known."""
        return cls(directory, environment.lineage, environment.name, environment.spec.instance_name)

    @classmethod
    def at(cls, context: StepContext) -> Layout:
        """Return the layout for a step."""
        return cls.of(context.environment, context.directory)

    @property
    def root(self) -> Path:
        """The directory that holds everything else."""
        return self.directory / "local"

    @property
    def config(self) -> Path:
        """What is configured."""
        return self.root / "config"

    @property
    def releases(self) -> Path:
        """What was released."""
        return self.root / "releases"

    @property
    def instance(self) -> Path:
        """The record of the service as it was started last."""
        return self.root / "instance.json"

    @property
    def log(self) -> Path:
        """What the service says; what it said before the last rotation is beside it."""
        return self.root / "service.log"

    @property
    def unclaimed(self) -> str:
        """Why the root can't be taken for this environment's, or an empty string."""
        if self.root.is_symlink() or (self.root.exists() and not self.root.is_dir()):
            return "it is not a directory"
        try:
            marker = json.loads((self.root / MARKER).read_text())
            owner = (marker["lineage"], marker["name"])
        except FileNotFoundError:
            return f"it has no {MARKER}"
        except (ValueError, KeyError, TypeError):
            return f"its {MARKER} can't be read"
        if owner != (self.lineage, self.name):
            return f"it belongs to environment {owner[1]!r} (lineage {owner[0]})"
        return ""

    @property
    def exists(self) -> bool:
        """Whether anything is at the root, this environment's or not."""
        return os.path.lexists(self.root)

    def require(self) -> None:
        """Make sure that the root is this environment's.

        Raises:
            StepFailed: It is somebody else's, or it is not there; nothing was touched.
        """
        if not self.exists:
            summary = f"{self.root} is gone: destroy the environment, then create it again"
            raise StepFailed(FailureCause.FILE_SYSTEM, summary)
        if reason := self.unclaimed:
            summary = f"{self.root} is not ours: {reason}; move it away, then try again"
            raise StepFailed(FailureCause.FILE_SYSTEM, summary)
