"""A name that is held in files: its lock, its journal and its document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from statechart.holder import Holder
from statechart.storage import document
from statechart.storage.chain import Head
from statechart.storage.disk import replace_file, translated
from statechart.storage.journal import Journal
from statechart.storage.layout import DOCUMENT
from statechart.storage.lock import Lock
from statechart.storage.record import Line, Record
from statechart.storage.segments.rotation import next_segment
from statechart.storage.values.held import LeaseWatcher


@dataclass(slots=True)
class HeldFiles:
    """A name whose lock this process has; see `statechart.storage.values.held.Held`."""

    name: str
    journal: Journal
    lock: Lock
    notes: tuple[str, ...] = ()
    holder: Holder = field(init=False)
    crashed: Holder | None = field(init=False)
    released_by: Holder | None = field(init=False)

    def __post_init__(self) -> None:
        assert self.lock.holder is not None
        self.holder, self.crashed, self.released_by = (
            self.lock.holder,
            self.lock.crashed,
            self.lock.released_by,
        )

    @property
    def head(self) -> Head:
        """The end of the journal."""
        return self.journal.head

    @property
    def records(self) -> int:
        """The number of records in the journal."""
        return self.journal.records

    def is_still(self, head: Head) -> bool:
        """Return whether the journal certainly ends with a head."""
        return self.journal.is_still(head)

    def check(self) -> None:
        """Check that lock and journal are in place, as they were left."""
        self.journal.check()
        self.lock.check()

    def append(self, line: Line, shown: Callable[[], bytes]) -> None:  # noqa: ARG002 (see `show`)
        """Append a line to the journal, durably; the journal rebuilds the document."""
        self.check()
        self.journal.append(line)

    def show(self, record: Record, head: Head, version: int) -> None:
        """Replace the document."""
        # Committed: whatever happens to the document now, the journal can rebuild it.
        assert record.value is not None
        path = self.journal.place.parent.child(DOCUMENT)
        with translated("replace", path):
            replace_file(path, document.encode(record.value, head, version), durable=False)

    def checkpoint(self, actor: str, value: bytes, version: int) -> tuple[Line, str]:
        """Return the line that begins the next file, and the name for the present file."""
        self.check()
        return next_segment(self.journal, self.name, actor, value, version)

    def begin(self, line: Line, ended: str) -> None:
        """Continue in a new file."""
        self.journal.begin(line, ended)

    def watch(self, watcher: LeaseWatcher) -> None:
        """Do nothing: a lock is held as long as its process lives."""

    def close(self, *, undo: bool) -> None:
        """Close the journal and release the lock."""
        self.journal.close()
        self.lock.release(undo=undo)
