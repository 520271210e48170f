"""The files that the terraform provider keeps for an environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from environments.model.steps import StepContext


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one environment, below its directory.

        build/terraform/            the rendered module, and Terraform's state
        build/module.json           the names of the module's files, and whether they were applied
        build/ssh/known_hosts       the pinned host keys
        build/ansible/              the inventory and Ansible's own files

    Attributes:
        directory: The environment's own directory.
    """

    directory: Path

    @classmethod
    def at(cls, context: StepContext) -> Layout:
        """Return the layout for a step."""
        return cls(context.directory)

    @property
    def build(self) -> Path:
        """The directory that holds everything else."""
        return self.directory / "build"

    @property
    def module(self) -> Path:
        """The rendered module: Terraform's working directory."""
        return self.build / "terraform"

    @property
    def manifest(self) -> Path:
        """The names of the files of the rendered module."""
        return self.build / "module.json"

    @property
    def teardown_plan(self) -> Path:
        """The plan of a teardown, while it is looked at."""
        return self.build / "teardown.tfplan"

    @property
    def state(self) -> Path:
        """Terraform's state: the only list of the resources that destroy has to remove."""
        return self.module / "terraform.tfstate"

    @property
    def unsaved_state(self) -> Path:
        """The file in which Terraform leaves a state that it could not save."""
        return self.module / "errored.tfstate"

    @property
    def backend(self) -> Path:
        """The file in which init notes where a module's backend keeps the state."""
        return self.module / ".terraform" / "terraform.tfstate"

    @property
    def known_hosts(self) -> Path:
        """The pinned host keys."""
        return self.build / "ssh" / "known_hosts"

    @property
    def ansible(self) -> Path:
        """The inventory and Ansible's own files."""
        return self.build / "ansible"

    def prepare(self, place: Path) -> Path:
        """Create one of the directories, for its owner only, and return the path."""
        for each in (self.build, place):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        return place
