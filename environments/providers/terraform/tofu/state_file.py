"""The file with Terraform's state: the only list of the resources that destroy has to remove."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pydantic import BaseModel, ValidationError

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.terraform.layout import Layout
from environments.system.files import AnyPath, read_own, write_private

if TYPE_CHECKING:
    from environments.model.steps import StepContext

PLANNED = "infrastructure_planned"
"""The detail of the outputs that is true while resources may exist."""

LINEAGE = "state_lineage"
"""The detail of the outputs with the identity of the state, which Terraform keeps in each version."""

SERIAL = "state_serial"
"""The detail of the outputs with the number of the state's version, which never falls."""


class _Instances(BaseModel, frozen=True):
    mode: str
    instances: tuple[Any, ...] = ()  # Any: JSON


class StateFile(BaseModel, frozen=True):
    """The state in its file, as far as envchart looks at it."""

    lineage: str = ""
    serial: int = 0
    resources: tuple[_Instances, ...] = ()

    @property
    def holds_resources(self) -> bool:
        """Whether a resource is listed. An encrypted state of OpenTofu lists none."""
        return any(each.mode == "managed" and each.instances for each in self.resources)

    @classmethod
    def read(cls, path: AnyPath) -> StateFile | None:
        """Read a state; an empty file holds none.

        Raises:
            StepFailed: The file can't be parsed.
        """
        content = read_own(path)
        if not content.strip():
            return None
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            summary = f"Terraform's state can't be read ({path} is damaged): put it back from a backup"
            raise StepFailed(FailureCause.FILE_SYSTEM, summary) from error


def begin_state(layout: Layout) -> str | None:
    """Create a state without resources if there is none, and return the lineage of the state.

    Recorded before anything is created, the lineage proves later that a state is this one. It is None
    if another process may hold the lock of the state, so that a plan will probably fail.

    Raises:
        StepFailed: There is a state of something else.
    """
    if layout.state.exists() and layout.lock.exists():
        return None
    found = StateFile.read(layout.state) if layout.state.exists() else None
    if found is not None and (found.serial or found.resources):
        summary = (
            f"{layout.state} lists resources, and this environment has created none: "
            "it belongs to something else, so move it away, then try again"
        )
        raise StepFailed(FailureCause.INFRASTRUCTURE, summary)
    if found is not None and found.lineage:
        return found.lineage
    lineage = str(uuid4())
    content = {"version": 4, "serial": 0, "lineage": lineage, "outputs": {}, "resources": []}
    write_private(layout.state, json.dumps(content) + "\n")
    return lineage


def serial_of(layout: Layout) -> int:
    """Return the number of the state's version."""
    found = StateFile.read(layout.state) if layout.state.exists() else None
    return found.serial if found is not None else 0


@dataclass(frozen=True, slots=True)
class RecordedState:
    """The state that an environment's record speaks of."""

    context: StepContext

    @property
    def layout(self) -> Layout:
        """The layout of the environment's files."""
        return Layout.at(self.context)

    def may_hold_resources(self) -> bool:
        """Return whether resources may exist.

        Raises:
            StepFailed: They may, and Terraform's state is lost, damaged or another.
        """
        details, path = self.context.environment.outputs.details, self.layout.state
        self._require_saved()
        if not path.exists():
            if details.get(PLANNED):
                raise self._lost("is gone")
            return False
        if (lineage := details.get(LINEAGE)) is not None:
            self._require_latest(self._require_lineage(StateFile.read(path), str(lineage)))
        elif details.get(PLANNED) and self._was_applied() and StateFile.read(path) is None:
            raise self._lost("is empty")
        return True

    def _was_applied(self) -> bool:
        # Environments of an earlier version have no lineage on record, and began with an empty file.
        outputs = self.context.environment.outputs
        return outputs.owned and outputs.instance_ip is not None

    def _require_lineage(self, found: StateFile | None, lineage: str) -> StateFile:
        if found is None:
            raise self._lost("is empty")
        if found.lineage != lineage:
            summary = (
                f"{self.layout.state} is not the state of this environment: its lineage is "
                f"{found.lineage or 'missing'} instead of {lineage}. Put the right state back from a "
                f"backup; if you rebuilt it with 'terraform import', write this lineage into it"
            )
            raise StepFailed(FailureCause.INFRASTRUCTURE, summary)
        return found

    def _require_latest(self, found: StateFile) -> None:
        """Check that the state is not an earlier version, which may lack resources."""
        serial = self.context.environment.outputs.details.get(SERIAL)
        latest = serial if isinstance(serial, int) else 0
        # Beside the state, Terraform leaves the version before the last change.
        backup = self.layout.state_backup
        earlier = StateFile.read(backup) if backup.exists() else None
        if earlier is not None and earlier.lineage == found.lineage:
            latest = max(latest, earlier.serial + 1)
        if found.serial < latest:
            summary = (
                f"{self.layout.state} is an earlier version of the state, which may lack resources: its "
                f"serial is {found.serial} instead of at least {latest}. Put the latest version back from "
                "a backup; if this one lists every resource, or you rebuilt it with 'terraform import', "
                f"write the serial {latest} into it"
            )
            raise StepFailed(FailureCause.INFRASTRUCTURE, summary)

    def _lost(self, how: str) -> StepFailed:
        summary = (
            f"{self.layout.state} {how}, and with it the list of the resources: put it back from a "
            f"backup ({self.layout.state_backup.name} is an earlier version). Without one, rebuild it with "
            f"'terraform import'; or remove every resource by hand, and then {self.context.directory}"
        )
        return StepFailed(FailureCause.INFRASTRUCTURE, summary)

    def _require_saved(self) -> None:
        """Check that the last run of Terraform could save its state."""
        unsaved = self.layout.unsaved_state
        if unsaved.exists() and not read_own(unsaved).strip():
            summary = (
                f"{unsaved} is empty: Terraform had no room to save its state, so resources may exist that "
                "no state lists. If the failed command named a file with the state, move that file here; "
                "else look for the resources, remove them by hand, remove this file, then try again"
            )
            raise StepFailed(FailureCause.INFRASTRUCTURE, summary)
        if unsaved.exists():
            summary = (
                f"{unsaved} holds a state that Terraform could not save: in its directory, run "
                f"'terraform state push {unsaved.name}', remove the file, then try again"
            )
            raise StepFailed(FailureCause.INFRASTRUCTURE, summary)
