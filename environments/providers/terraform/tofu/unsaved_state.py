"""A state that OpenTofu or Terraform could save nowhere, and printed instead."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environments.errors import StepFailed
from environments.providers.terraform.layout import UNSAVED_STATE
from environments.system.files import replace_file


@dataclass(slots=True)
class UnsavedState:
    """Keeps the state that a run printed, the only list of the resources then.

    Attributes:
        directory: The module's directory.
        state: The state; it may hold secrets.
    """

    directory: Path
    state: dict[str, Any] | None = None  # Any: JSON

    def take(self, line: bytes) -> None:
        """Read a line of output."""
        if not line.startswith(b"{") or b'"lineage"' not in line:
            return
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            return
        state = found.get("state") if found.get("type") == "log" else None
        if isinstance(state, dict) and "lineage" in state:
            self.state = state

    def added_to(self, failed: StepFailed) -> StepFailed:
        """Save the state, and return the failure of the run with the place."""
        if self.state is None:
            return failed
        place = self.directory / UNSAVED_STATE
        try:
            path = self._save(place)
        except OSError as error:
            reason = error.strerror or error
            said = f"Terraform's state could be saved nowhere ({reason}): look for the resources by hand"
        else:
            if path == place:
                return failed
            said = (
                f"Terraform's state, which lists the resources, is saved in {path} only: make room, "
                f"and move it to {place}"
            )
        return StepFailed(failed.cause, f"{failed.summary}; {said}", failed.detail)

    def _save(self, place: Path) -> Path:
        content = json.dumps(self.state, indent=2).encode()
        try:
            replace_file(place, content)
        except OSError:
            # The disk of the environments is probably full: another may have room.
            descriptor, name = tempfile.mkstemp(prefix="envchart-", suffix=".tfstate")
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            return Path(name)
        return place
