"""The record of the last start of a service."""

from __future__ import annotations

from typing import Literal
from uuid import uuid4

from pydantic import BaseModel, Field, ValidationError

from environments.system.files import OwnPath, read_own, write_private
from statechart.errors import NotOurs
from statechart.holder import ProcessIdentity
from statechart.utc import UtcDatetime


class Instance(BaseModel, frozen=True, extra="forbid"):
    """The last start of a service.

    Attributes:
        status: Whether the start is complete.
        token: A random value that the service has to answer with, as proof of its identity.
        operation: The operation that started the service.
        release: The release that is served.
        port: The port.
        fingerprint: The digest of the settings without secrets.
        started_at: The time of the start.
        log_offset: The position in the log where the output begins, in bytes.
        process: The process, or None until the start is complete.
    """

    # Saved before the process starts, with the token, and again with the process: a process without a
    # record could not be found after a crash.

    status: Literal["starting", "started"] = "starting"
    token: str = Field(default_factory=lambda: uuid4().hex)
    operation: str
    release: str
    port: int = Field(ge=1, le=65_535)
    fingerprint: str
    started_at: UtcDatetime
    log_offset: int = Field(default=0, ge=0, lt=2**63)
    process: ProcessIdentity | None = None

    def started(self, process: ProcessIdentity) -> Instance:
        """Return a copy with the started process."""
        return self.model_copy(update={"status": "started", "process": process})

    def save(self, path: OwnPath) -> None:
        """Write the record durably."""
        write_private(path, self.model_dump_json(indent=2) + "\n")

    @classmethod
    def load(cls, path: OwnPath) -> Instance | None:
        """Return the record at a path, or None if there is none or it can't be read."""
        # A damaged record loses no process: the marks in its environment lead to it as well.
        try:
            return cls.model_validate_json(read_own(path))
        except (FileNotFoundError, NotADirectoryError, NotOurs, ValidationError):
            return None
