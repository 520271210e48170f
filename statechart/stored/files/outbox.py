"""Find the effects that are due in a store of files, without locks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from statechart.errors import NotFound, StorageError
from statechart.storage.disk import private_directory, read_file
from statechart.storage.layout import Layout
from statechart.storage.lock import Lock
from statechart.storage.reading import find_settled
from statechart.storage.segments.due import due, may_be_due
from statechart.stored.damage import Damaged
from statechart.stored.files.settled import Settled
from statechart.stored.outbox import Pending


@dataclass(frozen=True, slots=True)
class FileOutbox:
    """The effects that are due in a store; `known` is the schema version of its records.

    See `statechart.stored.outbox.Outbox`.
    """

    layout: Layout
    known: int

    def of(self, name: str) -> Pending:
        """Return the effects that are due for a name.

        Raises:
            NotFound: The name does not exist.
            StorageError: Its history is damaged or can't be read.
        """
        found, _ = find_settled(self.layout, name, self.known)
        there = due(found.records()) if may_be_due(found.content) else []
        return Pending(name, found.head.lineage, there)

    def all(self, *, remember: bool = False) -> Iterator[Pending | Damaged]:
        """Yield each name for which something is due, or whose history can't be read.

        Args:
            remember: Write down which names have nothing due, for the next call.
        """
        settled, whole = Settled(self.layout), False
        try:
            for name in self.layout.names():
                # Before the journal is read: whatever is appended after that changes the stamp.
                stamp = settled.stamp(name)
                if settled.holds(name, stamp):
                    continue
                try:
                    pending = self.of(name) if self._may_have(name) else None
                except NotFound:
                    continue  # deleted since the names were listed
                except StorageError as error:
                    yield Damaged(name, error)
                    continue
                if pending is None or not pending.effects:
                    settled.add(name, stamp)
                else:
                    yield pending
            whole = True
        finally:
            if remember:
                settled.save(whole=whole)

    def _may_have(self, name: str) -> bool:
        content = read_file(self.layout.own(self.layout.journal(name)))
        return content is None or may_be_due(content)

    def lock(self, name: str) -> Lock:
        """Return the lock of those who run the effects of a name; the kernel frees that of a dead one."""
        path = self.layout.own(self.layout.effects) / f"{name}.lock"
        private_directory(path.parent)
        return Lock(path, name)
