"""The condition of a worker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from statechart.holder import Holder

DEAD_AFTER: Final = timedelta(seconds=3.5)
"""How long a worker may be silent, by default: its environments then go on elsewhere within 5 s."""


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
        dead_after: How long it may be silent; then others take its work up.
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
    dead_after: timedelta = DEAD_AFTER
    silent: timedelta = timedelta()
    drains: bool = False
    busy: tuple[str, ...] = ()

    @property
    def beat(self) -> timedelta:
        """How often it tells that it lives."""
        return min(self.dead_after / 7, timedelta(seconds=1))

    @property
    def is_dead(self) -> bool:
        """Whether it was silent for too long, or its process is known to have ended."""
        return self.silent > self.dead_after or self.holder.is_alive() is False

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
            "dead_after_seconds": self.dead_after.total_seconds(),
            "since": self.since.isoformat(timespec="milliseconds"),
            "silent_seconds": round(self.silent.total_seconds(), 3),
            "drains": self.drains,
            "busy": list(self.busy),
        }
