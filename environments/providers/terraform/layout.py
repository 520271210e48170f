"""The files that the terraform provider keeps for an environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from environments.system.files import (
    OwnPath,
    make_directories,
    require_directory,
    require_file,
    require_unlinked,
)

if TYPE_CHECKING:
    from environments.model.steps import StepContext

UNSAVED_STATE = "errored.tfstate"
"""The file for a state that Terraform could not save; it is empty if there was no room for it either."""

_TERRAFORMS_FILES = (
    "terraform.tfstate",
    "terraform.tfstate.backup",
    UNSAVED_STATE,
    ".terraform.tfstate.lock.info",
    ".terraform.lock.hcl",
    ".terraform/terraform.tfstate",
    ".terraform/modules/modules.json",
)
# Below it, a directory for each host, namespace, name and version; Terraform itself links these to its
# cache of providers.
_PROVIDER_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one environment, below its directory.

        build/terraform/            the rendered module, and Terraform's state
        build/module.json           the names of the module's files, and whether they were applied
        build/release.json          the files of the last uploaded release
        build/ssh/known_hosts       the pinned host keys
        build/ansible/              the inventory and Ansible's own files
        build/carried.json          the version in the record that the directory goes with
        build/carried.tfstate       the last state of the directory that is in the record as well
        look/                       another such directory, to look from a machine that has an older build

    Attributes:
        directory: The environment's own directory.
    """

    directory: Path

    @classmethod
    def at(cls, context: StepContext) -> Layout:
        """Return the layout for a step."""
        return cls(context.directory)

    @property
    def build(self) -> OwnPath:
        """The directory that holds everything else, never reached through a symbolic link."""
        return OwnPath(self.directory.parent, (self.directory.name, "build"))

    @property
    def module(self) -> OwnPath:
        """The rendered module: Terraform's working directory."""
        return self.build / "terraform"

    @property
    def manifest(self) -> OwnPath:
        """The names of the files of the rendered module."""
        return self.build / "module.json"

    @property
    def release_manifest(self) -> OwnPath:
        """The files of the release that was uploaded last."""
        return self.build / "release.json"

    @property
    def teardown_plan(self) -> OwnPath:
        """The plan of a teardown, while it is looked at."""
        return self.build / "teardown.tfplan"

    @property
    def provision_plan(self) -> OwnPath:
        """The plan of a change in place, while it is looked at and applied."""
        return self.build / "provision.tfplan"

    @property
    def state(self) -> OwnPath:
        """Terraform's state: the only list of the resources that destroy has to remove."""
        return self.module / "terraform.tfstate"

    @property
    def state_backup(self) -> OwnPath:
        """The version of the state before the last change, which Terraform keeps."""
        return self.module / f"{self.state.name}.backup"

    @property
    def lock(self) -> OwnPath:
        """The file in which Terraform notes who holds the lock of the state; it may be out of date."""
        return self.module / f".{self.state.name}.lock.info"

    @property
    def unsaved_state(self) -> OwnPath:
        """The file in which Terraform leaves a state that it could not save."""
        return self.module / UNSAVED_STATE

    @property
    def pushed_state(self) -> OwnPath:
        """A state without resources, on its way to the module's backend."""
        return self.build / "pushed.tfstate"

    @property
    def claim(self) -> OwnPath:
        """The kind of the backend whose state this machine has begun to claim, perhaps without a record."""
        return self.build / "claim"

    @property
    def completed(self) -> OwnPath:
        """The resources that an apply has reported complete, until a backend has its state."""
        return self.build / "completed.json"

    @property
    def backend(self) -> OwnPath:
        """The file in which init notes where a module's backend keeps the state."""
        return self.module / ".terraform" / "terraform.tfstate"

    @property
    def known_hosts(self) -> OwnPath:
        """The pinned host keys."""
        return self.build / "ssh" / "known_hosts"

    @property
    def note(self) -> OwnPath:
        """The note of the version of the state in the record that the directory goes with."""
        return self.build / "carried.json"

    @property
    def known_state(self) -> OwnPath:
        """A copy of the last state of the directory that is in the record as well."""
        return self.build / "carried.tfstate"

    @property
    def look(self) -> Path:
        """A directory in which to look at an environment that is not held, if `build` is older."""
        return self.directory / "look"

    @property
    def ansible(self) -> OwnPath:
        """The inventory and Ansible's own files."""
        return self.build / "ansible"

    def prepare(self, place: OwnPath) -> OwnPath:
        """Create one of the directories, for its owner only, and return the path."""
        make_directories(place)
        return place

    def require_unlinked(self) -> None:
        """Check the files that Terraform opens by their paths, so that no link leads it elsewhere.

        The module's provisioners may have made links of their own beside these files.

        Raises:
            NotOurs: One of them is a symbolic link or another kind of file.
        """
        terraform = self.module / ".terraform"
        for directory in (self.module, terraform, terraform / "modules"):
            require_directory(directory)
        for name in _TERRAFORMS_FILES:
            require_file(self.module / name)
        require_unlinked(terraform / "providers", _PROVIDER_DEPTH)
