"""Instance: the record of a service as it was started, kept beside it."""

from __future__ import annotations

from typing import Literal
from uuid import uuid4

from pydantic import BaseModel, Field, ValidationError

from environments.providers.local.layout import Layout
from environments.system.files import write_private
from environments.system.processes import ProcessIdentity
from statechart.utc import UtcDatetime


class Instance(BaseModel, frozen=True, extra="forbid"):
    """A service as it was started last.

    It is written with its token before the process is, so that a process is never without a
    record; then again with the process.

    Attributes:
        token: Given to the process, which has to answer with it: proof that it is this one.
        fingerprint: The digest of all that it was started with, secrets apart.
        log_offset: Where in the log its output begins.
        process: Its process; None until it is known to have been started.
    """

    status: Literal["starting", "started"] = "starting"
    token: str = Field(default_factory=lambda: uuid4().hex)
    operation: str
    release: str
    port: int
    fingerprint: str
    started_at: UtcDatetime
    log_offset: int = 0
    process: ProcessIdentity | None = None

    def started(self, process: ProcessIdentity) -> Instance:
        """Return it with its process."""
        return self.model_copy(update={"status": "started", "process": process})

    def save(self, layout: Layout) -> None:
        """Put it on record, durably."""
        write_private(layout.instance, self.model_dump_json(indent=2) + "\n")

    @classmethod
    def load(cls, layout: Layout) -> Instance | None:
        """Return the one on record; None if there is none, or none that can be read.

        Nothing hangs on it alone: a process is found by what it has in its environment too.
        """
        try:
            return cls.model_validate_json(layout.instance.read_bytes())
        except (FileNotFoundError, NotADirectoryError, ValidationError):
            return None
