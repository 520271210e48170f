"""Models on disk: lock, journal and document behind one commit."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Generic
from uuid import uuid4

from pydantic import BaseModel, RootModel

from statechart.errors import OnNetwork, Stale, StorageError
from statechart.holder import Holder
from statechart.storage import directories, document
from statechart.storage.chain import CREATED, RESERVED, Head, origin
from statechart.storage.disk import create_file, private_directory, translated
from statechart.storage.journal import Journal
from statechart.storage.layout import DOCUMENT, JOURNAL, Layout
from statechart.storage.lock import Lock, network_filesystem, read_holder
from statechart.storage.reading import Found, find, find_settled, mend
from statechart.storage.rebase import Candidate, Evidence, begin_anew, require_unchanged, survey
from statechart.storage.record import FIRST_VERSION, Record, line_after
from statechart.storage.session import Codec, Loaded, Migration, ModelT, Session

__all__ = ["Head", "JsonFileRepository", "Loaded", "Record", "Session"]


def _unchanged(value: ModelT, _record: Record) -> ModelT:
    return value


def _as_it_is(value: ModelT, _revision: int) -> ModelT:
    return value


class JsonFileRepository(Generic[ModelT]):
    """Models of one class, each under a name, in directories below a root.

    Reads take no lock and repair nothing; changes go through a session.

    Args:
        root: Where they are. It is made, for this user alone, by the first create.
        model: Their class; frozen ones can't be changed behind a session's back.
        fold: How a record that keeps the revision shows in the value that is read.
        schema_version: Written into each record; newer ones are refused.
        migrations: How a record of a version becomes one of the next, by the earlier version; one
            that is left out changes nothing. They work on what was read, never on disk.
        allow_network_filesystem: Accept a root where locks don't keep other machines out.
        actor: Who is said to have made the changes; by default the user.

    Raises:
        TypeError: The model has fields that the document needs for itself, or is no object.
        ValueError: The schema version is less than 1.
    """

    def __init__(
        self,
        root: str | Path,
        model: type[ModelT],
        *,
        fold: Callable[[ModelT, Record], ModelT] = _unchanged,
        schema_version: int = 1,
        migrations: Mapping[int, Migration] | None = None,
        allow_network_filesystem: bool = False,
        actor: str | None = None,
    ) -> None:
        _require_suitable(model)
        if schema_version < FIRST_VERSION:
            raise ValueError(f"schema versions begin with {FIRST_VERSION}, not with {schema_version}")
        self._layout = Layout(Path(root).absolute())
        self._codec = Codec(model, fold, schema_version, migrations or {})
        self._checked_filesystem = allow_network_filesystem
        self._actor = actor

    def create(
        self,
        name: str,
        value: ModelT,
        *,
        lineage: str | None = None,
        operation: str | None = None,
        data: Mapping[str, object] | None = None,
    ) -> Loaded[ModelT]:
        """Put a new value on record as revision 1, wholly or not at all.

        Raises:
            InvalidName: Nothing can have that name.
            AlreadyExists: The name is taken.
            NotOurs: Something that is not ours has that name.
            CommitUncertain: It is there, but may be gone after a power cut.
            StorageError: It could not be written; nothing was left.
        """
        self._layout.directory(name)
        lineage = lineage or uuid4().hex
        actor = self._actor or Holder.current().user
        said = {**(data or {}), "lineage": lineage, "name": name}
        draft = self._codec.draft(CREATED, actor, said, operation=operation, value=value)
        line = line_after(origin(lineage, name), draft)
        assert line.record.value is not None
        shown = document.encode(line.record.value, line.head, self._codec.schema_version)
        self._require_local()
        directories.make_root(self._layout)
        directories.sweep(self._layout)
        directories.build(self._layout, name, {JOURNAL: line.content, DOCUMENT: shown})
        self._make_room_for_lock(name)
        return Loaded(value, line.head, ())

    def open(
        self, name: str, *, command: str = "", timeout: float = 0, holder: Holder | None = None
    ) -> Session[ModelT]:
        """Take a name for changing, and mend what a crash has left.

        Args:
            name: What to change.
            command: What this is for, told to those who find it locked.
            timeout: How many seconds to wait for another holder.
            holder: Who takes it; by default this process.

        Raises:
            NotFound: Nothing is there; no lock was made.
            Locked: Somebody else has it.
            CorruptHistory: It is damaged in a way that no crash explains; nothing was touched.
            NewerSchema: A newer program wrote it.
            NotOurs: Something else has that name.
            StorageError: It can't be read or written.
        """
        lock = self._lock(name)
        journal: Journal | None = None
        try:
            lock.acquire(holder or Holder.current(command), timeout)
            found = find(self._layout, name, self._codec.schema_version)
            value = self._value(found, name)
            journal = Journal(self._layout.journal(name), name, found.scan.head)
            notes = mend(found, journal, self._layout, name)
            return Session(name, value, journal, lock, self._codec, notes=notes, actor=self._actor)
        except BaseException:
            if journal is not None:
                journal.close()
            lock.release(undo=True)
            raise

    def load(self, name: str) -> Loaded[ModelT]:
        """Return what is on record, steps included, without a lock and without repairing.

        Raises:
            NotFound: Nothing is there.
            CorruptHistory: It is damaged, or contradicts itself.
            NewerSchema: A newer program wrote it.
            NotOurs: Something else has that name.
        """
        found, notes = find_settled(self._layout, name, self._codec.schema_version)
        return Loaded(self._value(found, name), found.scan.head, notes)

    def history(self, name: str) -> list[Record]:
        """Return all records, the first one first; raises what `load` does."""
        found, _ = find_settled(self._layout, name, self._codec.schema_version)
        return [self._codec.upgraded(record) for record in found.scan.records]

    def survey(self, name: str) -> Evidence[ModelT]:
        """Return what is left of a damaged history; change nothing.

        Raises:
            NotDamaged: It is sound.
            NotFound: Nothing is there.
            NewerSchema: A newer program wrote it.
            NotOurs: Something else has that name.
        """
        return survey(self._layout, name, self._codec)

    def rebase(
        self,
        evidence: Evidence[ModelT],
        candidate: Candidate[ModelT],
        *,
        reason: str,
        holder: Holder,
        lineage: str | None = None,
        above: int = 0,
        renumber: Callable[[ModelT, int], ModelT] = _as_it_is,
    ) -> Loaded[ModelT]:
        """Begin a new history with one of the candidates, and keep the damaged files.

        Args:
            evidence: What was found by `survey`.
            candidate: The value to go on with.
            reason: Who does it, and why; it goes on record.
            holder: Who takes the lock for it.
            lineage: The incarnation, if the evidence does not tell.
            above: A revision that the new one has to be above, too.
            renumber: Gives a value its revision, if it holds one.

        Raises:
            Locked: Somebody holds the name.
            StorageError: The files changed since they were looked at, or can't be written.
        """
        lock = self._lock(evidence.name)
        lock.acquire(holder)
        try:
            require_unchanged(evidence, self.survey(evidence.name))
            return begin_anew(
                self._layout,
                self._codec,
                evidence,
                candidate=candidate,
                actor=self._actor or holder.user,
                reason=reason,
                lineage=evidence.lineage or lineage or uuid4().hex,
                above=above,
                renumber=renumber,
            )
        finally:
            lock.release()

    def exists(self, name: str) -> bool:
        """Return whether a name is taken, by whatever."""
        return os.path.lexists(self._layout.directory(name))

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return self._layout.names()

    def holder(self, name: str) -> Holder | None:
        """Return who holds a name now, or None.

        Raises:
            NotFound: Nothing is there.
        """
        self._layout.require(name)
        return read_holder(self._layout.lock(name))

    def documents(self) -> Iterator[tuple[str, bytes | StorageError, bool]]:
        """Yield name, bytes and "load it instead" of all documents, by name; see `Layout.documents`."""
        return self._layout.documents(self._codec.schema_version)

    def delete(self, name: str, *, expected: Head) -> None:
        """Remove a name and all that is in its directory, for good, if it is as expected.

        Raises:
            NotFound: Nothing is there.
            Locked: Somebody is changing it.
            Stale: It was changed, or purged and created anew, since; nothing was removed.
            CommitUncertain: It is gone, but may be back after a power cut.
            StorageError: It could not be removed, or can't be read.
        """
        lock = self._lock(name)
        try:
            lock.acquire(Holder.current("purge"))
            head = find(self._layout, name, self._codec.schema_version).scan.head
            _require_unchanged(name, head, expected)
            lock.check()
            directories.discard(self._layout, name)
        except BaseException:
            lock.release(undo=True)
            raise
        lock.release()

    def directory(self, name: str) -> Path:
        """Return where everything about a name is, whether it exists or not."""
        return self._layout.directory(name)

    def _lock(self, name: str) -> Lock:
        self._layout.require(name)
        self._require_local()
        private_directory(self._layout.locks)
        return Lock(self._layout.lock(name), name)

    def _make_room_for_lock(self, name: str) -> None:
        """Make the lock file, so that who holds it can say so even when the disk is full."""
        with suppress(OSError, StorageError):
            private_directory(self._layout.locks)
            create_file(self._layout.lock(name), b"\n")

    def _value(self, found: Found, name: str) -> ModelT:
        records = found.scan.records[found.valued :]
        return self._codec.value(records, self._layout.journal(name), name)

    def _require_local(self) -> None:
        if self._checked_filesystem:
            return
        with translated("look at", self._layout.root):
            kind = network_filesystem(self._layout.root)
        if kind is not None:
            raise OnNetwork(self._layout.root, kind)
        self._checked_filesystem = True


def _require_unchanged(name: str, head: Head, expected: Head) -> None:
    replaced = head.lineage != expected.lineage
    if replaced or head.revision != expected.revision:
        raise Stale(name, expected=expected.revision, actual=head.revision, replaced=replaced)


def _require_suitable(model: type[BaseModel]) -> None:
    if issubclass(model, RootModel):
        raise TypeError(f"{model.__name__} is a RootModel; a document is an object with fields")
    names = {*model.model_fields, *model.model_computed_fields}
    aliases = {field.serialization_alias for field in model.model_fields.values()}
    aliases |= {field.alias for field in model.model_computed_fields.values()}
    taken = sorted(RESERVED & (names | aliases))
    if taken:
        raise TypeError(f"the document of {model.__name__} reserves these fields: {', '.join(taken)}")
