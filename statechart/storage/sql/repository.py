"""A repository of models in a database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Generic

import sqlalchemy as sa

from statechart.errors import (
    StorageError,
    Where,
)
from statechart.holder import Holder
from statechart.storage.chain import Head
from statechart.storage.lock import PATIENCE
from statechart.storage.rebase import Beginning, Candidate, Evidence, require_unchanged
from statechart.storage.record import Record
from statechart.storage.repository import as_it_is, require_suitable, require_unchanged_head, unchanged
from statechart.storage.segments.older import Enough, never
from statechart.storage.segments.size import DEFAULT, Segment
from statechart.storage.segments.whole import SegmentFile
from statechart.storage.session import Session, created
from statechart.storage.sql.database import Database
from statechart.storage.sql.histories.ends import begin, discard
from statechart.storage.sql.histories.rebase import begin_anew, survey
from statechart.storage.sql.histories.segments import History, chained
from statechart.storage.sql.histories.tail import SqlTail
from statechart.storage.sql.leases.keeping import Keeper, opened
from statechart.storage.sql.leases.taking import take
from statechart.storage.sql.reading import Lease, Names, find
from statechart.storage.sql.schema import ENGINE, Schema
from statechart.storage.sql.tables import NAMES
from statechart.storage.sql.urls import read_url
from statechart.storage.sql.watches.changes import RowChanges
from statechart.storage.values.codec import ChecksStates, Codec, Loaded, Migration, ModelT

_DOCUMENTS: Final = sa.select(
    NAMES.c.name, NAMES.c.value, NAMES.c.schema_version, NAMES.c.seq, NAMES.c.hash, NAMES.c.size
)

TTL: Final = 5.0
"""The seconds of a lease."""

_SHORTEST: Final = 0.3


class JsonSqlRepository(Generic[ModelT]):
    """Models of a class, each under a name, in a database of PostgreSQL or SQLite.

    Reads take no lock. Changes go through a session, which holds a lease by the database's clock: a thread
    renews it as long as the process runs, and the name is free when the lease is over. The first `create`
    makes the tables, if the database has none.

    Args:
        url: The URL: `postgresql://USER@HOST/DATABASE` or `sqlite:///FILE`; `?collection=NAME` keeps the
            names of several repositories of one database apart.
        model: The models' class; a frozen class can't be changed behind a session's back.
        collection: The collection, if the URL names none.
        fold: Applies a record that keeps the revision to the value.
        schema_version: The version in each record; records with a newer version are refused.
        migrations: By version, the migration to the next version; see `JsonFileRepository`.
        actor: The author of the changes; by default the user.
        chart: The chart of the values: a value in a state that it does not have is refused.
        context: The validation context of the model's validators, as pydantic calls it.
        segment: The size of a segment of a history.
        ttl: The seconds of a lease, at least 0.3: as long, other machines wait for a process that died.
        keeps: Keep a name held when its session is closed, for the next one, until `let_go`.
        beside: Tables with a column `lineage`, whose rows are deleted with their name.
        schema: The tables, with those of `beside`.

    Raises:
        InvalidUrl: The URL can't be read, or names a database that is not supported.
        DriverMissing: The packages for it are not installed.
        TypeError: The model has fields that a document reserves, or is not an object.
        ValueError: The schema version is less than 1, or the lease too short.
    """

    def __init__(
        self,
        url: str,
        model: type[ModelT],
        *,
        collection: str = "",
        fold: Callable[[ModelT, Record], ModelT] = unchanged,
        schema_version: int = 1,
        migrations: Mapping[int, Migration] | None = None,
        actor: str | None = None,
        chart: ChecksStates | None = None,
        context: object = None,
        segment: Segment = DEFAULT,
        ttl: float = TTL,
        keeps: bool = False,
        beside: Sequence[sa.Table] = (),
        schema: Schema = ENGINE,
    ) -> None:
        require_suitable(model, schema_version)
        if not ttl >= _SHORTEST:
            raise ValueError(f"a lease takes at least {_SHORTEST} seconds, not {ttl}")
        read = read_url(url)
        self.database: Database = Database.of(url)
        self._names = Names(
            self.database,
            schema,
            collection if read.collection is None else read.collection,
            read.where,
        )
        self._codec = Codec(model, fold, schema_version, migrations or {}, chart, context)
        self._actor = actor
        self._segment = segment
        self._ttl = ttl
        self._keeper: Keeper[ModelT] | None = Keeper() if keeps else None
        self._beside = tuple(beside)

    @property
    def where(self) -> str:
        """The URL, without its password."""
        return self._names.where

    @property
    def collection(self) -> str:
        """The collection of the names."""
        return self._names.collection

    @property
    def poll(self) -> float:
        """The seconds between two attempts to take a name that another holder has."""
        return self.database.poll

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
            CommitUncertain: The database went away, and the value may or may not be recorded.
            StorageError: The value could not be written.
        """
        self._names.of(name)  # raises InvalidName before anything is written
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
        self.database.require_local()
        self._names.schema.make(self.database)
        begin(self._names, name, line, content.decode())
        return Loaded(value, line.head, ())

    def open(
        self,
        name: str,
        *,
        command: str = "",
        timeout: float = 0,
        holder: Holder | None = None,
        patience: float = PATIENCE,  # noqa: ARG002 (for readers of a lock's file)
    ) -> Session[ModelT]:
        """Open a session on a name.

        Args:
            name: The name to change.
            command: The purpose, shown to others who find the name held.
            timeout: The seconds to wait for another holder.
            holder: The holder of the lease; by default this process.
            patience: Of stores in files.

        Raises:
            NotFound: The name does not exist.
            Locked: Another holder has the name.
            CorruptHistory: The history is damaged; nothing was changed.
            NewerSchema: A newer program wrote a record.
            StorageError: The database can't be reached or written to.
        """
        holder = holder or Holder.current(command)
        again = None if self._keeper is None else self._keeper.again(name, holder)
        held, value = again or opened(
            self._names, name, self._codec, holder, timeout=timeout, ttl=self._ttl
        )
        session = Session(name, value, held, self._codec, segment=self._segment, actor=self._actor)
        if self._keeper is not None:
            self._keeper.watch(session, held)
        return session

    def let_go(self) -> None:
        """Let the names go that are still held, if sessions are to follow each other."""
        if self._keeper is not None:
            self._keeper.let_go()

    def load(self, name: str) -> Loaded[ModelT]:
        """Read the recorded value.

        Raises:
            NotFound: The name does not exist.
            CorruptHistory: The history is damaged or contradicts itself.
            NewerSchema: A newer program wrote a record.
            StorageError: The database can't be read.
        """
        present = find(self._names, name, self.schema_version)
        value = self._codec.value(present.recent, self._names.place(name), name, before=present.before)
        return Loaded(value, present.head, ())

    def history(self, name: str) -> list[Record]:
        """Return all records, oldest first; raises the errors of `records`."""
        return list(self.records(name))

    def records(self, name: str, *, enough: Enough = never) -> Iterator[Record]:
        """Yield all records, oldest first, or those of the last segments that are enough.

        All segments are verified before the first record is yielded, and one at a time is kept.

        Args:
            name: The name to read.
            enough: Says of the first record of a segment, a checkpoint with the value, whether the
                segments before it are not needed. They are then neither read nor yielded.

        Raises:
            MissingSegment: The records of an ended segment are not there.
            UnusableSegment: The records of an ended segment are damaged.
            StorageError: As `load`.
        """
        upgraded = self._codec.upgraded

        def is_enough(opening: Record) -> bool:
            return enough(upgraded(opening, self._names.place(name), name, before=opening.seq - 1))

        wanted = never if enough is never else is_enough
        history, chain = chained(self._names, name, self.schema_version, wanted)
        yield from history.records(self._codec.upgrading(name), chain)

    def segments(self, name: str) -> list[SegmentFile]:
        """Return the segments of a history, oldest first, each verified; the last is the present.

        A segment that is missing or damaged is listed with its problem.

        Raises:
            StorageError: As `load`.
        """
        return History.of(self._names, name, self.schema_version).segments()

    def tail(self, name: str, *, hold: bool = True) -> SqlTail:  # noqa: ARG002 (no file is kept open)
        """Return a reader of the records of a name as they are appended; see `SqlTail`."""
        upgrade = self._codec.upgrading(name)
        return SqlTail(self._names, name, self.schema_version, upgrade=upgrade)

    def changed(self) -> RowChanges:
        """Return the names that change, from the first iteration on."""
        return RowChanges(self._names)

    def survey(self, name: str) -> Evidence[ModelT]:
        """Read the usable parts of a damaged history, and change nothing.

        Raises:
            NotDamaged: The history is sound.
            NotFound: The name does not exist.
            NewerSchema: A newer program wrote a record.
            StorageError: The database can't be read.
        """
        return survey(self._names, name, self._codec)

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
        """Begin a new history with one of the candidates, and keep the damaged lines.

        They are kept as records of the lineage that the first record names as `damaged`.

        Args:
            evidence: The result of `survey`.
            candidate: The value to continue with.
            reason: The author and the purpose, for the record.
            holder: The holder of the name meanwhile.
            lineage: The incarnation, if the evidence does not tell.
            above: Another revision that the new revision must exceed.
            renumber: Puts its revision into a value.

        Raises:
            Locked: Another holder has the name.
            StorageError: The rows changed since the survey, or can't be written.
        """
        name = evidence.name
        held = take(self._names, name, holder, timeout=0, ttl=self._ttl)
        try:
            require_unchanged(evidence, self.survey(name))
            beginning = Beginning(
                candidate,
                actor=self._actor or holder.user,
                reason=reason,
                lineage=evidence.lineage or lineage or held.lineage,
                above=above,
                renumber=renumber,
            )
            return begin_anew(self._names, self._codec, held, evidence, beginning)
        finally:
            held.close(undo=True)

    def read(self, name: str, record: Record) -> ModelT:
        """Return the value that a record of a name carries.

        Raises:
            CorruptHistory: The value does not fit the model.
            MigrationFailed: A migration raised an error.
        """
        return self._codec.read(record, self._names.place(name), name, self.place_of)

    def upgraded(self, name: str, record: Record) -> Record:
        """Return a record of a name in the present schema; raises MigrationFailed."""
        return self._codec.upgraded_at(record, self._names.place(name), name, self.place_of)

    def place_of(self, name: str, seq: int) -> tuple[Where, int]:
        """Return the place of a record, and the number of the last record before that place."""
        try:
            return History.of(self._names, name, self.schema_version).place_of(seq)
        except StorageError:
            return self._names.place(name), 0

    def exists(self, name: str) -> bool:
        """Return whether a name is taken."""
        return bool(self._names.rows(sa.select(NAMES.c.name).where(self._names.of(name))))

    def names(self) -> list[str]:
        """Return all names, sorted by code points, whatever the database's collation is."""
        mine = NAMES.c.collection == self.collection
        return sorted(row.name for row in self._names.rows(sa.select(NAMES.c.name).where(mine)))

    def holder(self, name: str) -> Holder | None:
        """Return the present holder of a name, or None.

        Raises:
            NotFound: The name does not exist.
        """
        lease = Lease.of(self._names, name)
        return None if lease.is_over else lease.holder

    def documents(
        self, names: Iterable[str] | None = None
    ) -> Iterator[tuple[str, bytes | StorageError, bool]]:
        """Yield name, document and "load it instead" of all values, by name; of some, in their order.

        All are read by a single statement, as JSON with the keys that say which record is shown.
        """
        asked = _DOCUMENTS.where(NAMES.c.collection == self.collection)
        wanted = None if names is None else list(names)
        if wanted is not None:
            asked = asked.where(NAMES.c.name.in_(wanted))
        known = self.schema_version
        # Thousands are listed at a time: rows are taken apart, since attributes of rows are slow.
        found = {row[0]: tuple(row) for row in self._names.rows(asked)}
        for name in sorted(found) if wanted is None else filter(found.__contains__, wanted):
            _, value, version, seq, head_hash, size = found[name]
            keys = (
                f'"schema_version":{version},"seq":{seq},"head_hash":"{head_hash}","journal_size":{size}}}'
            )
            begun = "{" if value == "{}" else f"{value[:-1]},"
            yield name, f"{begun}{keys}".encode(), version != known

    def delete(self, name: str, *, expected: Head, timeout: float = 0) -> None:
        """Remove a name and all its records for good, if its head is as expected.

        Waits at most `timeout` seconds for another holder.

        Raises:
            NotFound: The name does not exist.
            Locked: Another holder has the name.
            Stale: The value was changed, or purged and created again; nothing was removed.
            LeaseLost: Another holder took the name meanwhile; nothing was removed.
            CommitUncertain: The database went away, and the name may or may not be removed.
            StorageError: The database can't be written to.
        """
        held = take(self._names, name, Holder.current("purge"), timeout=timeout, ttl=self._ttl)
        try:
            present = find(self._names, name, self.schema_version)
            require_unchanged_head(name, present.head, expected)
            discard(self._names, name, held, self._beside)
        finally:
            held.close(undo=True)
