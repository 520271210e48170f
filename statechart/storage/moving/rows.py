"""Histories that leave or reach a store in a database."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from statechart.errors import AlreadyExists, Diverged, LeaseLost, StorageError
from statechart.holder import Holder
from statechart.storage.chain import lines_of
from statechart.storage.layout import JOURNAL
from statechart.storage.moving.history import Part, Summary
from statechart.storage.record import ended_of
from statechart.storage.sql.histories.ends import damaged_of
from statechart.storage.sql.reading import segment_of
from statechart.storage.sql.tables import LEFT, NAMES, RECORDS
from statechart.storage.sql.urls import lasting
from statechart.storage.values.deadlines import earliest

if TYPE_CHECKING:
    from statechart.storage.session import Session
    from statechart.storage.sql.repository import JsonSqlRepository

_ARRIVING: Final = "/arriving"
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class NoteInRow:
    """A note that a name was moved; see `statechart.storage.moving.history.Gone`.

    Attributes:
        name: The name.
        lineage: The incarnation.
        to: The other store.
        at: The time, in seconds since 1970.
    """

    name: str
    lineage: str
    to: str
    at: float


class RowHarbour:
    """A store in a database, as histories leave and reach it.

    Histories that left, and those that have not arrived yet, are in collections of their own, under their
    lineages.

    Args:
        store: The store.
    """

    def __init__(self, store: JsonSqlRepository[Any]) -> None:
        self.store: JsonSqlRepository[Any] = store
        self.left: str = store.collection + LEFT
        self.coming: str = store.collection + _ARRIVING

    @property
    def where(self) -> str:
        """The URL, without its password, and with the whole path of a file."""
        return str(lasting(self.store.where))  # a note is read in another directory

    def names(self) -> list[str]:
        """Return the names, sorted."""
        return self.store.names()

    def depart(self, name: str, command: str, timeout: float = 0) -> RowDeparture:
        """Hold a name for leaving."""
        return RowDeparture(self, self.store.open(name, command=command, timeout=timeout))

    def gone(self) -> list[NoteInRow]:
        """Return the notes of the names that left, the latest last."""
        notes = sa.select(NAMES.c.lineage, NAMES.c.released_by).where(NAMES.c.collection == self.left)
        found = [NoteInRow(lineage=row.lineage, **json.loads(row.released_by)) for row in self._rows(notes)]
        return sorted(found, key=lambda note: note.at)

    def lineage(self, name: str) -> str | None:
        """Return the incarnation of a name, or None if there is none."""
        mine = sa.and_(NAMES.c.collection == self.store.collection, NAMES.c.name == name)
        return next((row.lineage for row in self._rows(sa.select(NAMES.c.lineage).where(mine))), None)

    def stage(self, name: str, history: Summary, parts: Iterable[Part]) -> None:
        """Insert the records of a history, with a name that no command asks for, in one transaction.

        Raises:
            Diverged: The history was here earlier, and has left with other records.
        """
        self.store._names.schema.make(self.store.database)
        head, value = history.head, self._shown(name, history).decode()
        row = {
            "collection": self.coming,
            "name": head.lineage,
            "lineage": head.lineage,
            "seq": head.seq,
            "revision": head.revision,
            "hash": head.hash,
            "size": head.size,
            "segment": history.first,
            "value": value,
            "schema_version": self.store.schema_version,
            "fence": 0,
            "holder": Holder.current("move").model_dump_json(),
            "lease_until": 0.0,
            "due": earliest(value),
        }
        try:
            with self.store.database.writing() as connection:
                before = self._cleared(connection, head.lineage)
                is_there = self._insert(connection, head.lineage, parts, before)
                if before is not None and not is_there:
                    raise Diverged(name, self.where)
                connection.execute(sa.insert(NAMES).values(row))
        except StorageError as error:
            if not isinstance(error.__cause__, IntegrityError):
                raise
            self._require_no_other(name, head.lineage, error)
            raise AlreadyExists(name, self.where) from error

    def _require_no_other(self, name: str, lineage: str, cause: StorageError) -> None:
        """Check that no other collection of the database has a history: its records are there only once."""
        mine = (self.store.collection, self.left, self.coming)
        others = sa.select(NAMES.c.collection).where(
            NAMES.c.lineage == lineage, NAMES.c.collection.not_in(mine)
        )
        for row in self._rows(others):
            collection = row.collection.removesuffix(LEFT).removesuffix(_ARRIVING)
            raise StorageError(
                f"the history of {name!r} was in the collection {collection!r} of {self.where} before, and "
                "can return there only: a database keeps each history once"
            ) from cause

    def _cleared(self, connection: sa.Connection, lineage: str) -> tuple[int, str] | None:
        """Remove what an earlier move of a history has left, and return the end that it had here."""
        apart = sa.and_(NAMES.c.lineage == lineage, NAMES.c.collection.in_((self.left, self.coming)))
        found = connection.execute(
            sa.delete(NAMES).where(apart).returning(NAMES.c.collection, NAMES.c.seq, NAMES.c.hash)
        ).all()
        if found:
            connection.execute(sa.delete(RECORDS).where(RECORDS.c.lineage == lineage))
        return next(((row.seq, row.hash) for row in found if row.collection == self.left), None)

    def _insert(
        self, connection: sa.Connection, lineage: str, parts: Iterable[Part], wanted: tuple[int, str] | None
    ) -> bool:
        """Insert the records, and return whether one has a number and a hash."""
        seq, is_there = 0, False
        for part in parts:
            first, rows = seq + 1, list[dict[str, object]]()
            for line in lines_of(part.content):
                seq += 1
                is_there = is_there or (wanted is not None and (seq, sha256(line).hexdigest()) == wanted)
                rows.append({"lineage": lineage, "seq": seq, "segment": first, "line": line})
                if len(rows) == _BATCH:
                    connection.execute(sa.insert(RECORDS), rows)
                    rows = []
            if rows:
                connection.execute(sa.insert(RECORDS), rows)
        return is_there

    def staged(self, name: str, lineage: str) -> Iterator[Part] | None:
        """Return the segments of a staged history, oldest first, or None if there is none."""
        del name
        mine = sa.and_(NAMES.c.collection == self.coming, NAMES.c.lineage == lineage)
        return self.parts(lineage) if self._rows(sa.select(NAMES.c.seq).where(mine)) else None

    def parts(self, lineage: str) -> Iterator[Part]:
        """Yield the segments of a history, oldest first."""
        openings = (
            sa.select(RECORDS.c.seq, RECORDS.c.line)
            .where(RECORDS.c.lineage == lineage, RECORDS.c.seq == RECORDS.c.segment)
            .order_by(RECORDS.c.seq)
        )
        found = [(row.seq, _continued(row.line)) for row in self._rows(openings)]
        # The name of a segment's file is in the first record of the next.
        files = [file for _, file in found[1:]] + [JOURNAL]
        for (first, _), file in zip(found, files, strict=True):
            yield Part(segment_of(self.store.database, lineage, first), file)

    def arrive(self, name: str, lineage: str) -> None:
        """Give a staged history its name."""
        staged = sa.and_(NAMES.c.collection == self.coming, NAMES.c.lineage == lineage)
        named = {"collection": self.store.collection, "name": name, "holder": None, "lease_until": None}
        try:
            with self.store.database.writing() as connection:
                # Inserted, not changed: a role that may purge has no right to lead a name elsewhere.
                found = connection.execute(sa.delete(NAMES).where(staged).returning(*NAMES.c)).mappings()
                for row in found.all():
                    released = {"released_by": row["holder"]}
                    connection.execute(sa.insert(NAMES).values({**row, **named, **released}))
        except StorageError as error:
            if isinstance(error.__cause__, IntegrityError):
                raise AlreadyExists(name, self.where) from error
            raise
        self.store._names.tell(name)

    def discard(self, lineage: str) -> None:
        """Delete a history that left, and keep the note."""
        left = sa.and_(NAMES.c.collection == self.left, NAMES.c.lineage == lineage)
        with self.store.database.writing() as connection:
            # The name first: records are protected as long as it exists.
            found = connection.execute(sa.delete(NAMES).where(left).returning(*NAMES.c)).mappings().all()
            if found:
                for table in (RECORDS, *self.store._beside):
                    connection.execute(sa.delete(table).where(table.c.lineage == lineage))
                connection.execute(sa.delete(RECORDS).where(damaged_of(lineage)))
                connection.execute(sa.insert(NAMES).values({**found[0], "value": "", "due": None}))

    def _shown(self, name: str, history: Summary) -> bytes:
        """Return the value after the last record, as JSON."""
        codec = self.store._codec
        before = history.first - 1
        return codec.stored(codec.value(history.recent, self.where, name, before=before), name)

    def _rows(self, statement: sa.Executable) -> list[sa.Row[Any]]:
        return self.store._names.rows(statement)


class RowDeparture:
    """A name in a database that is held for leaving; see `statechart.storage.moving.history.Departure`."""

    def __init__(self, harbour: RowHarbour, session: Session[Any]) -> None:
        self._harbour = harbour
        self._session = session
        self.name: str = session.name
        self.lineage: str = session.head.lineage

    def parts(self) -> Iterator[Part]:
        """Yield the segments, oldest first."""
        return self._harbour.parts(self.lineage)

    def leave(self, to: str) -> None:
        """Put the name into another collection, with a note."""
        harbour = self._harbour
        mine = sa.and_(
            NAMES.c.lineage == self.lineage, NAMES.c.holder == self._session.holder.model_dump_json()
        )
        note = {"name": self.name, "to": to, "at": time.time()}
        with harbour.store.database.writing() as connection:
            # Deleted and inserted, not changed: a role has no right to give a row another name.
            found = connection.execute(sa.delete(NAMES).where(mine).returning(*NAMES.c)).mappings().all()
            if not found:
                raise LeaseLost(self.name, harbour.where, "was taken over by another holder")
            left = {
                **found[0],
                "collection": harbour.left,
                "name": self.lineage,
                "fence": found[0]["fence"] + 1,
                "holder": None,
                "lease_until": None,
                "released_by": json.dumps(note),
            }
            connection.execute(sa.insert(NAMES).values(left))
        harbour.store._names.tell(self.name)

    def close(self) -> None:
        """Let the name go."""
        self._session.close()


def _continued(line: bytes) -> str:
    """Return the file of the segment that a first record continues; empty for the first of all."""
    ended = ended_of(json.loads(line).get("data"))
    return ended.file if ended is not None else ""
