"""Layout: where the terraform provider keeps what belongs to an environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from environments.system.files import write_private

if TYPE_CHECKING:
    from environments.model.steps import StepContext


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one environment, below its directory.

        build/terraform/            the rendered module, and Terraform's state
        build/ssh/known_hosts       the keys that hosts have to show
        build/ansible/              the inventory and what Ansible keeps

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
    def state(self) -> Path:
        """Terraform's state: what it made, and so the only way to take it away again."""
        return self.module / "terraform.tfstate"

    @property
    def unsaved_state(self) -> Path:
        """Where Terraform leaves what it could not save in its state."""
        return self.module / "errored.tfstate"

    @property
    def known_hosts(self) -> Path:
        """The keys that hosts have to show."""
        return self.build / "ssh" / "known_hosts"

    @property
    def ansible(self) -> Path:
        """The inventory and what Ansible keeps."""
        return self.build / "ansible"

    def prepare(self, place: Path) -> Path:
        """Make one of the directories, private, and return it."""
        for each in (self.build, place):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        return place

    def begin_state(self) -> None:
        """Make sure that there is a state file: one that is missing later was lost.

        Terraform takes an empty file for a state in which there is nothing.
        """
        if not self.state.exists():
            write_private(self.state, "")
