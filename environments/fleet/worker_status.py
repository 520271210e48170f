"""The condition of a worker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from statechart.holder import Holder


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A process that works for a fleet.

    Attributes:
        id: A name that no other process had or will have.
        name: The name, by default that of its machine.
        holder: The process.
        version: The version of its program.
        slots: How many environments it works on at the same time.
        spare: How many more, for the work of workers that died.
        since: The time of its start.
        silent: How long it was not seen.
        drains: Whether it takes no more work.
        busy: The environments that it works on.
    """

    id: str
    name: str
    holder: Holder
    version: str
    slots: int
    spare: int
    since: datetime
    silent: timedelta = timedelta()
    drains: bool = False
    busy: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """Return the document that `--json` prints."""
        return {
            "id": self.id,
            "name": self.name,
            "host": self.holder.host,
            "pid": self.holder.pid,
            "user": self.holder.user,
            "version": self.version,
            "slots": self.slots,
            "spare": self.spare,
            "since": self.since.isoformat(timespec="milliseconds"),
            "silent_seconds": round(self.silent.total_seconds(), 3),
            "drains": self.drains,
            "busy": list(self.busy),
        }
