"""States as Terraform writes them, read while it writes."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from pydantic import ValidationError

from environments.providers.terraform.tofu.state_file import StateFile
from environments.system.files import AnyPath, read_own

_LOOKS = 4
_PAUSE = 0.03  # seconds: Terraform writes the file in place, which takes a few milliseconds


@dataclass(frozen=True)
class WholeState:
    """A state that was read completely.

    Attributes:
        content: The bytes of the file.
        file: The facts that envchart uses.
    """

    content: bytes
    file: StateFile

    @classmethod
    def parse(cls, content: bytes) -> WholeState | None:
        """Return the state in a file's bytes, or None if they are only a part of a state."""
        try:
            found = StateFile.model_validate_json(content)
        except ValidationError:
            return None
        return cls(content, found) if found.lineage else None

    @classmethod
    def read(cls, path: AnyPath) -> WholeState | None:
        """Read a state, several times if it is being written; None for a missing or damaged file."""
        for look in range(_LOOKS):
            try:
                content = read_own(path)
            except FileNotFoundError:
                return None
            if (state := cls.parse(content)) is not None:
                return state
            if look < _LOOKS - 1:
                time.sleep(_PAUSE)
        return None

    @property
    def lineage(self) -> str:
        """The identity of the state."""
        return self.file.lineage

    @property
    def serial(self) -> int:
        """The number of the state's version."""
        return self.file.serial

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the bytes, in hexadecimal."""
        return sha256(self.content).hexdigest()

    @cached_property
    def resources(self) -> dict[str, str] | None:
        """The managed resources by instance and id, as a person finds them; None if they are encrypted."""
        listed = json.loads(self.content).get("resources")
        if listed is None:
            return None
        return {
            key: named
            for each in listed
            if each.get("mode") == "managed"
            for instance in each.get("instances", ())
            for key, named in [_identity(each, instance)]
        }

    def lacks(self, other: WholeState) -> list[str] | None:
        """Return the resources that only another state lists, with their ids; None if that is unknown."""
        ours, theirs = self.resources, other.resources
        if ours is None or theirs is None:
            return None
        return sorted({theirs[key] for key in theirs.keys() - ours.keys()})


def _identity(resource: dict[str, Any], instance: dict[str, Any]) -> tuple[str, str]:  # Any: JSON
    words = (resource.get("module"), resource.get("type"), resource.get("name"))
    address = ".".join(word for word in words if word)
    if (index := instance.get("index_key")) is not None:
        address = f"{address}[{json.dumps(index)}]"
    attributes = instance.get("attributes") or instance.get("attributes_flat") or {}
    known = attributes.get("id")
    # Two states may list different resources at one address.
    named = address if known is None else f"{address} (id {known})"
    return json.dumps([address, known, instance.get("deposed")]), named
