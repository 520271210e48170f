"""Versions of a state as a record keeps them: a readable header, and the state, compressed.

{"format":1,"by":"…","lineage":"…","serial":7,…}\n<the state, compressed, perhaps encrypted>
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from pydantic import BaseModel, ValidationError

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.terraform.tofu.carried.keys import StateKeys
from environments.providers.terraform.tofu.carried.whole import WholeState

FORMAT = 1
_LEVEL = 1  # a state of 10 MB is compressed in a tenth of a second, to less than a tenth of its size


class Header(BaseModel, frozen=True):
    """The facts about a version that can be read without its key.

    Attributes:
        format: The version of the format.
        by: The build directory in which Terraform wrote the state, by its token.
        lineage: The identity of the state.
        serial: The number of the state's version.
        at_work: Whether Terraform was at work when the version was stored, or was cut off.
        kept: Whether the state follows; a module's backend may keep the state elsewhere.
        key: The name of the key that the state is encrypted with, or None.
        completed: The report of what an apply has created, if a module's backend keeps the state.
    """

    format: int = FORMAT
    by: str
    lineage: str = ""
    serial: int = 0
    at_work: bool = False
    kept: bool = True
    key: str | None = None
    completed: str = ""


@dataclass(frozen=True)
class Version:
    """A version as it was stored.

    Attributes:
        stored: The bytes.
        header: The header.
        body: The bytes behind the header.
    """

    stored: bytes
    header: Header
    body: bytes

    @classmethod
    def parse(cls, stored: bytes) -> Version:
        """Read a version without its state.

        Raises:
            StepFailed: The header is damaged, or of a later format.
        """
        line, _, body = stored.partition(b"\n")
        try:
            header = Header.model_validate_json(line)
        except ValidationError as error:
            raise _damaged() from error
        if header.format > FORMAT:
            summary = "the state in the record was stored by a later version of envchart: update this one"
            raise StepFailed(FailureCause.CONFIGURATION, summary)
        return cls(stored, header, body)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the stored bytes, in hexadecimal."""
        return sha256(self.stored).hexdigest()

    def state(self, keys: StateKeys) -> WholeState:
        """Return the state.

        Raises:
            StepFailed: The key is missing or another, or the state is damaged.
        """
        line = self.stored[: len(self.stored) - len(self.body) - 1]
        body = self.body if self.header.key is None else keys.decrypt(self.body, line, self.header.key)
        try:
            found = WholeState.parse(zlib.decompress(body))
        except zlib.error as error:
            raise _damaged() from error
        if found is None or found.lineage != self.header.lineage:
            raise _damaged()
        return found


def pack(
    state: WholeState | None, keys: StateKeys, *, by: str, at_work: bool, completed: str = ""
) -> bytes:
    """Return a version to store; without a state if the module's backend keeps that."""
    header = Header(
        by=by,
        lineage=state.lineage if state else "",
        serial=state.serial if state else 0,
        at_work=at_work,
        kept=state is not None,
        key=keys.first if state else None,
        completed=completed,
    )
    line = header.model_dump_json().encode()
    body = zlib.compress(state.content, _LEVEL) if state else b""
    return b"\n".join((line, keys.encrypt(body, line) if header.key else body))


def _damaged() -> StepFailed:
    summary = "the last version of the state in the record is damaged: put the store back from a backup"
    return StepFailed(FailureCause.INFRASTRUCTURE, summary)
