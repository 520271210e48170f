"""A repository of models in files: lock, journal and document behind one commit."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Generic
from uuid import uuid4

from pydantic import BaseModel, RootModel

from statechart.errors import OnNetwork, Stale, StorageError, Where
from statechart.holder import Holder
from statechart.storage import directories, document
from statechart.storage.chain import RESERVED, Head
from statechart.storage.disk import create_file, network_filesystem, private_directory, translated
from statechart.storage.held import HeldFiles
from statechart.storage.journal import Journal
from statechart.storage.layout import DOCUMENT, JOURNAL, Layout
from statechart.storage.lock import PATIENCE, Lock, read_holder
from statechart.storage.reading import Found, find, find_settled, mend
from statechart.storage.rebase import Beginning, Candidate, Evidence, begin_anew, require_unchanged, survey
from statechart.storage.record import FIRST_VERSION, Record
from statechart.storage.segments.compression import compress
from statechart.storage.segments.older import Enough, never
from statechart.storage.segments.rotation import sweep_left
from statechart.storage.segments.size import DEFAULT, Segment
from statechart.storage.segments.whole import SegmentFile, place_of, records, segments
from statechart.storage.session import Session, created
from statechart.storage.tail import Tail
from statechart.storage.values.codec import ChecksStates, Codec, Loaded, Migration, ModelT

__all__ = ["Head", "JsonFileRepository", "Loaded", "Record", "Session"]


def unchanged(value: ModelT, _record: Record) -> ModelT:
    """Return the value: a record that keeps the revision says nothing about it."""
    return value


def as_it_is(value: ModelT, _revision: int) -> ModelT:
    """Return the value, which holds no revision."""
    return value


class JsonFileRepository(Generic[ModelT]):
    """Models of a class, each under a name, in directories below a root.

    Reads take no lock and repair nothing. Changes go through a session.

    Args:
        root: The root directory. The first `create` makes it, private to this user.
        model: The models' class; a frozen class can't be changed behind a session's back.
        fold: Applies a record that keeps the revision to the value.
        schema_version: The version in each record; records with a newer version are refused.
        migrations: By version, the migration to the next version; a missing entry changes nothing.
            Migrations convert records after reading; the files stay as written.
        allow_network_filesystem: Accept a root where locks don't keep other machines out.
        actor: The author of the changes; by default the user.
        chart: The chart of the values: a value in a state that it does not have is refused.
        context: The validation context of the model's validators, as pydantic calls it.
        segment: The size of a segment of the journal.

    Raises:
        TypeError: The model has fields that the document reserves, or is not an object.
        ValueError: The schema version is less than 1.
    """

    poll: float = 0.005
    """The seconds between two attempts to take a name: most holders only read and write a record."""

    def __init__(
        self,
        root: str | Path,
        model: type[ModelT],
        *,
        fold: Callable[[ModelT, Record], ModelT] = unchanged,
        schema_version: int = 1,
        migrations: Mapping[int, Migration] | None = None,
        allow_network_filesystem: bool = False,
        actor: str | None = None,
        chart: ChecksStates | None = None,
        context: object = None,
        segment: Segment = DEFAULT,
    ) -> None:
        require_suitable(model, schema_version)
        self._layout = Layout(Path(root).absolute())
        self._codec = Codec(model, fold, schema_version, migrations or {}, chart, context)
        self._checked_filesystem = allow_network_filesystem
        self._actor = actor
        self._segment = segment

    @property
    def root(self) -> Path:
        """The root directory."""
        return self._layout.root

    @property
    def where(self) -> str:
        """The root directory, as messages name it."""
        return str(self._layout.root)

    @property
    def schema_version(self) -> int:
        """The version in each record that is written."""
        return self._codec.schema_version

    def create(
        self,
        name: str,
        value: ModelT,
        *,
        lineage: str | None = None,
        operation: str | None = None,
        data: Mapping[str, object] | None = None,
        at: datetime | None = None,
    ) -> Loaded[ModelT]:
        """Record a new value as revision 1, completely or not at all.

        The time of the record is `at`, by default the present.

        Raises:
            InvalidName: The name is not allowed.
            InvalidValue: The value could not be read again; nothing was written.
            UnknownState: The value is in a state that the chart does not have.
            AlreadyExists: The name is taken.
            NotOurs: The path holds files of another program.
            CommitUncertain: The value is recorded, but may be gone after a power cut.
            StorageError: The value could not be written; no trace was left.
        """
        self._layout.directory(name)  # raises InvalidName before anything is written
        content, value = self._codec.reading(value, name)
        actor = self._actor or Holder.current().user
        line = created(
            self._codec,
            name,
            value,
            content,
            actor=actor,
            lineage=lineage,
            operation=operation,
            data=data,
            at=at,
        )
        assert line.record.value is not None
        shown = document.encode(line.record.value, line.head, self._codec.schema_version)
        self._require_local()
        directories.make_root(self._layout)
        directories.require_places(self._layout)
        directories.sweep(self._layout)  # here, as no daemon cleans up after dead creators
        directories.build(self._layout, name, {JOURNAL: line.content, DOCUMENT: shown})
        self._make_room_for_lock(name)
        return Loaded(value, line.head, ())

    def open(
        self,
        name: str,
        *,
        command: str = "",
        timeout: float = 0,
        holder: Holder | None = None,
        patience: float = PATIENCE,
    ) -> Session[ModelT]:
        """Open a session on a name, and repair the remains of a crash.

        Args:
            name: The name to change.
            command: The purpose, shown to others who find the name locked.
            timeout: The seconds to wait for another holder.
            holder: The holder of the lock; by default this process.
            patience: The seconds to wait at least, for a reader that looks whether the name is locked.

        Raises:
            NotFound: The name does not exist; no lock was made.
            Locked: Another holder has the lock.
            CorruptHistory: The history is damaged in a way that no crash explains; nothing was changed.
            NewerSchema: A newer program wrote a record.
            NotOurs: The directory is another program's.
            StorageError: A file can't be read or written.
        """
        lock = self._lock(name)
        journal: Journal | None = None
        try:
            lock.acquire(holder or Holder.current(command), timeout, patience)
            found = find(self._layout, name, self._codec.schema_version)
            value = self._value(found, name)
            path = self._layout.own(self._layout.journal(name))
            journal = Journal(path, name, found.head, first_seq=found.opening.seq)
            notes = mend(found, journal, self._layout, name)
            sweep_left(journal, found.content)
            held = HeldFiles(name, journal, lock, notes)
            return Session(name, value, held, self._codec, segment=self._segment, actor=self._actor)
        except BaseException:
            if journal is not None:
                journal.close()
            lock.release(undo=True)
            raise

    def load(self, name: str) -> Loaded[ModelT]:
        """Read the recorded value.

        Raises:
            NotFound: The name does not exist.
            CorruptHistory: The history is damaged or contradicts itself.
            NewerSchema: A newer program wrote a record.
            NotOurs: The directory is another program's.
        """
        found, notes = find_settled(self._layout, name, self._codec.schema_version)
        return Loaded(self._value(found, name), found.head, notes)

    def history(self, name: str) -> list[Record]:
        """Return all records, oldest first; raises the errors of `records`."""
        return list(self.records(name))

    def records(self, name: str, *, enough: Enough = never) -> Iterator[Record]:
        """Yield all records, oldest first.

        All files are verified before the first record is yielded. Only a segment at a time is kept,
        as a history may be long.

        Args:
            name: The name to read.
            enough: Says of the first record of a segment, a checkpoint with the value, whether the
                segments before it are not needed. They are then neither read nor yielded.

        Raises:
            MissingSegment: An ended segment is not there.
            UnusableSegment: An ended segment is damaged, or compressed by another tool.
            StorageError: As `load`.
        """
        upgraded = self._codec.upgraded

        def is_enough(opening: Record) -> bool:
            return enough(upgraded(opening, self._layout.journal(name), name, before=opening.seq - 1))

        wanted = never if enough is never else is_enough
        upgrade = self._codec.upgrading(name)
        return records(self._layout, name, self.schema_version, upgrade=upgrade, enough=wanted)

    def segments(self, name: str) -> list[SegmentFile]:
        """Return the segments of a history, oldest first, each verified; the last is the journal.

        A segment that is missing or damaged is listed with its problem.

        Raises:
            StorageError: As `load`.
        """
        return segments(self._layout, name, self.schema_version)

    def compress(self, name: str, *, timeout: float = 0) -> list[Path]:
        """Compress the ended segments of a history, and return the new files.

        Raises:
            NotFound: The name does not exist.
            Locked: Another holder has the lock.
            StorageError: The history can't be read, or a file not be written. Each segment is there.
        """
        lock = self._lock(name)
        lock.acquire(Holder.current("compress"), timeout)
        try:
            return compress(self._layout, name, self.schema_version)
        finally:
            lock.release(undo=True)

    def tail(self, name: str, *, hold: bool = True) -> Tail:
        """Return a reader of the records of a name as they are appended; see `Tail`."""
        upgrade = self._codec.upgrading(name)
        return Tail(self._layout, name, self.schema_version, upgrade=upgrade, hold=hold)

    def survey(self, name: str) -> Evidence[ModelT]:
        """Read the usable parts of a damaged history, and change nothing.

        Raises:
            NotDamaged: The history is sound.
            NotFound: The name does not exist.
            NewerSchema: A newer program wrote a record.
            NotOurs: The directory is another program's.
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
        renumber: Callable[[ModelT, int], ModelT] = as_it_is,
    ) -> Loaded[ModelT]:
        """Begin a new history with one of the candidates, and keep the damaged files.

        Args:
            evidence: The result of `survey`.
            candidate: The value to continue with.
            reason: The author and the purpose, for the record.
            holder: The holder of the lock meanwhile.
            lineage: The incarnation, if the evidence does not tell.
            above: Another revision that the new revision must exceed.
            renumber: Puts its revision into a value.

        Raises:
            Locked: Another holder has the lock.
            StorageError: The files changed since the survey, or can't be written.
        """
        lock = self._lock(evidence.name)
        lock.acquire(holder)
        try:
            require_unchanged(evidence, self.survey(evidence.name))
            beginning = Beginning(
                candidate,
                actor=self._actor or holder.user,
                reason=reason,
                lineage=evidence.lineage or lineage or uuid4().hex,
                above=above,
                renumber=renumber,
            )
            return begin_anew(self._layout, self._codec, evidence, beginning)
        finally:
            lock.release()

    def read(self, name: str, record: Record) -> ModelT:
        """Return the value that a record of a name carries.

        Raises:
            CorruptHistory: The value does not fit the model.
            MigrationFailed: A migration raised an error.
        """
        return self._codec.read(record, self._layout.journal(name), name, self.place_of)

    def upgraded(self, name: str, record: Record) -> Record:
        """Return a record of a name in the present schema; raises MigrationFailed."""
        return self._codec.upgraded_at(record, self._layout.journal(name), name, self.place_of)

    def place_of(self, name: str, seq: int) -> tuple[Where, int]:
        """Return the file that holds a record, and the number of the last record before that file."""
        return place_of(self._layout, name, self.schema_version, seq)

    def exists(self, name: str) -> bool:
        """Return whether a name is taken, by any kind of file."""
        return os.path.lexists(self._layout.directory(name))

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return self._layout.names()

    def holder(self, name: str) -> Holder | None:
        """Return the present holder of a name, or None.

        Raises:
            NotFound: The name does not exist.
        """
        self._layout.require(name)
        return read_holder(self._layout.own(self._layout.lock(name)))

    def documents(
        self, names: Iterable[str] | None = None
    ) -> Iterator[tuple[str, bytes | StorageError, bool]]:
        """Yield name, bytes and "load it instead" of all documents, by name; see `Layout.documents`."""
        return self._layout.documents(self._codec.schema_version, names)

    def delete(self, name: str, *, expected: Head, timeout: float = 0) -> None:
        """Remove a name and its whole directory for good, if its head is as expected.

        Waits at most `timeout` seconds for another holder.

        Raises:
            NotFound: The name does not exist.
            Locked: Another holder has the lock.
            Stale: The value was changed, or purged and created again; nothing was removed.
            CommitUncertain: The name is gone, but may be back after a power cut.
            StorageError: The directory could not be removed or read.
        """
        lock = self._lock(name)
        try:
            lock.acquire(Holder.current("purge"), timeout)
            head = find(self._layout, name, self._codec.schema_version).head
            require_unchanged_head(name, head, expected)
            lock.check()
            directories.discard(self._layout, name)
        except BaseException:
            lock.release(undo=True)
            raise
        lock.release()

    def directory(self, name: str) -> Path:
        """Return the directory of a name, whether or not it exists."""
        return self._layout.directory(name)

    def _lock(self, name: str) -> Lock:
        self._layout.require(name)
        self._require_local()
        lock = self._layout.own(self._layout.lock(name))
        private_directory(lock.parent)
        return Lock(lock, name)

    def _make_room_for_lock(self, name: str) -> None:
        """Create the lock file early, so that a holder can sign on even if the disk is full later."""
        lock = self._layout.own(self._layout.lock(name))
        with suppress(OSError, StorageError):
            private_directory(lock.parent)
            create_file(lock, b"\n")

    def _value(self, found: Found, name: str) -> ModelT:
        return self._codec.value(found.recent, self._layout.journal(name), name, before=found.before)

    def _require_local(self) -> None:
        if self._checked_filesystem:
            return
        with translated("look at", self._layout.root):
            kind = network_filesystem(self._layout.root)
        if kind is not None:
            raise OnNetwork(self._layout.root, kind)
        self._checked_filesystem = True


def require_unchanged_head(name: str, head: Head, expected: Head) -> None:
    """Raise Stale if a value was changed, or replaced, since a head."""
    replaced = head.lineage != expected.lineage
    if replaced or head.revision != expected.revision:
        raise Stale(name, expected=expected.revision, actual=head.revision, replaced=replaced)


def require_suitable(model: object, schema_version: int) -> None:
    """Check that a model can be stored.

    Raises:
        TypeError: It has fields that the document reserves, or is not an object.
        ValueError: The schema version is less than 1.
    """
    if schema_version < FIRST_VERSION:
        raise ValueError(f"schema versions begin with {FIRST_VERSION}, not with {schema_version}")
    if not isinstance(model, type) or not issubclass(model, BaseModel):
        raise TypeError(f"{model!r} is not a model: give a class that inherits from pydantic.BaseModel")
    if issubclass(model, RootModel):
        raise TypeError(f"{model.__name__} is a RootModel; a document is an object with fields")
    taken = sorted(RESERVED & model.model_fields.keys())
    if taken:
        raise TypeError(f"the document of {model.__name__} reserves these fields: {', '.join(taken)}")
