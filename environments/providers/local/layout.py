"""The local provider's files, with proof of the environment that owns them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from environments.errors import StepFailed
from environments.model.fields.failure_cause import FailureCause
from environments.system.files import OwnPath, read_own
from statechart.errors import NotOurs

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.steps import StepContext

MARKER = ".envchart.json"


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of an environment, below its directory.

        local/.envchart.json    the marker, which names the owner
        local/config/           the configuration files
        local/releases/<id>/    the releases, each beside its manifest `<id>.json`
        local/current, previous links to the present and the previous release
        local/instance.json     the last start of the service
        local/service.log       its output
        local/candidate.json    the start of a candidate in a preflight, while it lasts
        local/candidate.log     the output of the last candidate

    Attributes:
        directory: The environment's own directory, directly below the data directory.
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
        """Return the layout of an environment in its own directory."""
        return cls(directory, environment.lineage, environment.name, environment.spec.instance_name)

    @classmethod
    def at(cls, context: StepContext) -> Layout:
        """Return the layout of a step's environment."""
        return cls.of(context.environment, context.directory)

    @property
    def root(self) -> OwnPath:
        """The directory of all other files, which is never reached through a symbolic link."""
        return self.root_in(self.directory)

    @staticmethod
    def root_in(directory: Path) -> OwnPath:
        """Return the root below an environment's directory."""
        return OwnPath(directory.parent, (directory.name, "local"))

    @property
    def config(self) -> OwnPath:
        """The directory of the configuration files."""
        return self.root / "config"

    @property
    def releases(self) -> OwnPath:
        """The directory of the releases."""
        return self.root / "releases"

    @property
    def instance(self) -> OwnPath:
        """The record of the last start of the service."""
        return self.root / "instance.json"

    @property
    def candidate(self) -> OwnPath:
        """The record of a candidate's start, during a preflight."""
        return self.root / "candidate.json"

    @property
    def candidate_log(self) -> OwnPath:
        """The output of the last candidate."""
        return self.root / "candidate.log"

    @property
    def log(self) -> OwnPath:
        """The service's output since the last rotation; earlier output is in `service.log.1`."""
        return self.root / "service.log"

    @property
    def unclaimed(self) -> str:
        """The reason why the root does not belong to this environment, or an empty string."""
        # A link may lead to a directory that others use.
        if self.exists and not self.root.is_dir():
            return "it is not a directory"
        try:
            marker = json.loads(read_own(self.root / MARKER))
            owner = (marker["lineage"], marker["name"])
        except FileNotFoundError:
            return f"it has no {MARKER}"
        except (ValueError, KeyError, TypeError, NotOurs, RecursionError):
            return f"its {MARKER} can't be read"
        # The name too: a copy of the directory for another name has the same lineage.
        if owner != (self.lineage, self.name):
            return f"it belongs to environment {owner[1]!r} (lineage {owner[0]})"
        return ""

    @property
    def exists(self) -> bool:
        """Whether the root exists, with any owner."""
        return self.root.exists()

    def require(self) -> None:
        """Check that the root belongs to this environment.

        Raises:
            StepFailed: The root is missing, or belongs to another environment.
        """
        if not self.exists:
            summary = f"{self.root} is gone: destroy the environment, then create it again"
            raise StepFailed(FailureCause.FILE_SYSTEM, summary)
        if reason := self.unclaimed:
            summary = f"{self.root} is not ours: {reason}; move it away, then try again"
            raise StepFailed(FailureCause.FILE_SYSTEM, summary)
