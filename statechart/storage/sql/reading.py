"""Read the rows of a name, and verify them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from pydantic_core import from_json

from statechart.errors import CorruptHistory, InvalidName, MovedAway, NotFound
from statechart.holder import Holder
from statechart.storage.chain import Head
from statechart.storage.layout import is_name
from statechart.storage.record import Line, Record, verified
from statechart.storage.sql.clock import now
from statechart.storage.sql.database import Database
from statechart.storage.sql.errors import SchemaMissing
from statechart.storage.sql.schema import Schema
from statechart.storage.sql.tables import LEFT, NAMES, RECORDS
from statechart.storage.values.deadlines import earliest


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a collection in a database.

    Attributes:
        database: The database.
        schema: Its tables.
        collection: The collection.
        where: The URL for messages.
    """

    database: Database
    schema: Schema
    collection: str
    where: str

    def place(self, name: str) -> str:
        """Return the place of a name, for messages."""
        return f"{self.where}#{name}"

    def of(self, name: str) -> sa.ColumnElement[bool]:
        """Return the condition that selects the row of a name.

        Raises:
            InvalidName: The name is not allowed.
        """
        if not is_name(name):
            raise InvalidName(name)
        return sa.and_(NAMES.c.collection == self.collection, NAMES.c.name == name)

    def key(self, name: str) -> dict[str, object]:
        """Return the parameters that select the row of a name.

        Raises:
            InvalidName: The name is not allowed.
        """
        if not is_name(name):
            raise InvalidName(name)
        return {"collection": self.collection, "name": name}

    def tell(self, name: str) -> None:
        """Tell those who follow the names that one has changed, after the commit."""
        self.database.tell(f"{self.collection}/{name}")

    def rows(self, statement: sa.Executable, parameters: dict[str, Any] | None = None) -> list[sa.Row[Any]]:
        """Return the rows of a question; none if there are no tables.

        Args:
            statement: The question.
            parameters: The values for a question that is built once per process.

        Raises:
            SchemaOlder, SchemaNewer: The tables are of another version of the program.
            DatabaseFailed: The database can't be read.
        """
        if not self.schema.is_there(self.database):
            return []
        try:
            if parameters is not None:
                return list(self.database.asked(statement, parameters))
            with self.database.reading() as reader:
                return list(reader.execute(statement).all())
        except SchemaMissing:
            return []

    def row(self, name: str, *columns: sa.ColumnElement[Any]) -> sa.Row[Any]:
        """Return columns of the row of a name.

        Raises:
            NotFound: The name does not exist.
        """
        found = self.rows(sa.select(*columns).where(self.of(name)))
        if not found:
            raise self.missing(name)
        return found[0]

    def missing(self, name: str) -> NotFound:
        """Return the error for a name that does not exist; it says where a name was moved."""
        noted = sa.and_(
            NAMES.c.collection == self.collection + LEFT,
            NAMES.c.released_by.startswith(f'{{"name": {json.dumps(name)}, ', autoescape=True),
        )
        found = self.rows(sa.select(NAMES.c.released_by).where(noted))
        notes = sorted((json.loads(row.released_by) for row in found), key=lambda note: float(note["at"]))
        return MovedAway(name, self.where, notes[-1]["to"]) if notes else NotFound(name, self.where)


@dataclass(frozen=True, slots=True)
class Present:
    """The present segment of a name, verified.

    Attributes:
        content: The lines of the segment.
        opening: Its first record.
        head: The head after its last record.
        recent: The last record that carries a value, and the records after it.
        fence: The fence at the time.
    """

    content: bytes
    opening: Record
    head: Head
    recent: tuple[Record, ...]
    fence: int

    @property
    def before(self) -> int:
        """The number of the last record before the segment."""
        return self.opening.seq - 1


Rows: TypeAlias = tuple[sa.Row[Any], bytes]
"""The row of a name, and the lines of its present segment."""


def find(names: Names, name: str, known: int, rows: Rows | None = None) -> Present:
    """Read and verify the present segment of a name.

    Args:
        names: The names.
        name: The name.
        known: The newest schema version that the reader understands.
        rows: What is verified, if it was read before.

    Raises:
        NotFound: The name does not exist.
        CorruptHistory: The rows are damaged, or contradict each other.
        NewerSchema: A newer program wrote a record.
        StorageError: The database can't be read.
    """
    row, content = rows or rows_of(names, name)
    place = names.place(name)
    opening: Record | None = None
    recent: list[Record] = []
    head: Head | None = None
    for record, after in verified(content, place, name, known):
        opening, head = opening or record, after
        if record.value is not None:
            recent.clear()
        recent.append(record)
    assert opening is not None
    assert head is not None
    _compare(row, head, recent, name, place)
    return Present(content, opening, head, tuple(recent), row.fence)


def rows_of(names: Names, name: str) -> Rows:
    """Return the row of a name, and the lines of its present segment.

    Raises:
        NotFound: The name does not exist.
    """
    found = names.rows(_PRESENT, names.key(name))
    if not found:
        raise names.missing(name)
    return rows_from(found)


def rows_from(found: Sequence[sa.Row[Any]]) -> Rows:
    """Return the row of a name and its lines from rows, each of which has both."""
    return found[-1], b"".join(row.line for row in found if row.line is not None)


HEAD: Final = ("lineage", "seq", "revision", "hash", "size", "segment", "schema_version", "fence", "due")
"""The columns of a name that tell its last record, its fence and its earliest deadline."""

_OF: Final = sa.and_(NAMES.c.collection == sa.bindparam("collection"), NAMES.c.name == sa.bindparam("name"))


def with_lines(name: sa.FromClause, *others: str) -> sa.Select[*tuple[Any, ...]]:
    """Return the statement for a name and the lines of its present segment, a row for each line.

    It is one statement, and so sees one state of the database.

    Args:
        name: The table of names, or rows of it.
        others: Further columns of the name.
    """
    # The value comes once, as it may be large. The number of a record is compared, too: it is in the key,
    # so that a long history is not searched.
    present = sa.and_(
        RECORDS.c.lineage == name.c.lineage,
        RECORDS.c.seq >= name.c.segment,
        RECORDS.c.segment == name.c.segment,
    )
    value = sa.case((RECORDS.c.seq == name.c.seq, name.c.value)).label("value")
    columns = [name.c[each] for each in (*HEAD, *others)]
    return (
        sa.select(*columns, value, RECORDS.c.line)
        .select_from(name.outerjoin(RECORDS, present))
        .order_by(RECORDS.c.seq)
    )


# Built once, since that takes longer than asking.
_PRESENT: Final = with_lines(NAMES).where(_OF)

_LEASE: Final = sa.select(
    NAMES.c.lineage,
    NAMES.c.fence,
    NAMES.c.holder,
    NAMES.c.released_by,
    (NAMES.c.lease_until > now()).label("is_running"),
).where(_OF)


def _compare(row: sa.Row[Any], head: Head, recent: list[Record], name: str, place: str) -> None:
    if head.seq < row.seq:
        problem = (
            f"{NAMES.name} shows record {row.seq}, but the records end with {head.seq}: some were lost"
        )
        raise CorruptHistory(name, place, problem)
    if head_of(row) != head:
        raise CorruptHistory(name, place, f"{NAMES.name} does not show its last record, {head.seq}")
    last = recent[-1]
    if last.value is not None and row.schema_version == last.schema_version:
        shown = None
        with suppress(ValueError):
            shown = from_json(row.value)
        if shown != last.value:
            raise CorruptHistory(
                name, place, f"the value in {NAMES.name} was edited: record {last.seq} differs"
            )
        # No runner looks at a name before this moment.
        if row.due != earliest(row.value):
            problem = f"the deadline in {NAMES.name} was edited: record {last.seq} has another, or none"
            raise CorruptHistory(name, place, problem)


def head_of(row: sa.Row[Any]) -> Head:
    """Return the head that the row of a name shows."""
    return Head(row.lineage, row.seq, row.revision, row.hash, row.size)


@dataclass(frozen=True, slots=True)
class Lease:
    """Who has a name, and who had it.

    Attributes:
        lineage: The incarnation of the name.
        fence: Raised whenever the name is taken.
        text: The holder, as the row has it.
        holder: The holder, or the one that ended without letting go.
        is_over: Whether another holder may take the name.
        has_ended: Whether the holder's process is known to have ended.
        released_by: The last holder that let go.
    """

    lineage: str
    fence: int
    text: str | None
    holder: Holder | None
    is_over: bool
    has_ended: bool
    released_by: str | None

    @classmethod
    def of(cls, names: Names, name: str) -> Lease:
        """Return the lease of a name.

        Raises:
            NotFound: The name does not exist.
        """
        found = names.rows(_LEASE, names.key(name))
        if not found:
            raise names.missing(name)
        row = found[0]
        if (
            row.holder is not None and names.database.let_go.get(row.lineage) == row.holder
        ):  # the row could not be told
            return cls(row.lineage, row.fence, row.holder, None, True, False, row.holder)
        holder = Holder.model_validate_json(row.holder) if row.holder else None
        # A process that ended on this machine is known to have ended, and renews no lease.
        has_ended = holder is not None and holder.is_alive() is False
        is_over = holder is None or not row.is_running or has_ended
        return cls(row.lineage, row.fence, row.holder, holder, is_over, has_ended, row.released_by)

    @classmethod
    def ended(cls, lineage: str, fence: int, released_by: str | None) -> Lease:
        """Return the lease of a name that nobody has."""
        return cls(lineage, fence, None, None, True, False, released_by)

    @property
    def condition(self) -> sa.ColumnElement[bool]:
        """The condition on which the lease is over, for the moment at which it is taken."""
        if self.holder is None or self.has_ended:
            return sa.true()
        return NAMES.c.lease_until <= now()


def segment_of(database: Database, lineage: str, first: int) -> bytes:
    """Return the lines of a segment; none, if it is not there."""
    lines = (
        sa.select(RECORDS.c.line)
        .where(RECORDS.c.lineage == lineage, RECORDS.c.seq >= first, RECORDS.c.segment == first)
        .order_by(RECORDS.c.seq)
    )
    with database.reading() as reader:
        return b"".join(reader.execute(lines).scalars())


def row_of(names: Names, name: str, line: Line, value: str, *, fence: int) -> dict[str, object]:
    """Return the row of a name whose history begins with a line."""
    head = line.head
    return {
        "collection": names.collection,
        "name": name,
        "lineage": head.lineage,
        "seq": head.seq,
        "revision": head.revision,
        "hash": head.hash,
        "size": head.size,
        "segment": head.seq,
        "value": value,
        "schema_version": line.record.schema_version,
        "fence": fence,
        "due": earliest(value),
    }


def record_of(line: Line, segment: int) -> dict[str, object]:
    """Return the row of a record in the segment of a first record."""
    head = line.head
    return {"lineage": head.lineage, "seq": head.seq, "segment": segment, "line": line.content}
