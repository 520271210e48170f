"""Follow the transitions of all values of a store, from any point on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Generic

from pydantic import BaseModel, PrivateAttr, computed_field

from statechart.configuration import recorded_text
from statechart.errors import InvalidCursor, StorageError
from statechart.following.cursor import Cursor, Position
from statechart.following.followed import HELD, Followed, in_blocks
from statechart.following.watching import EVERY
from statechart.log import warn
from statechart.storage.chain import CREATED, REBASED, TRANSITION
from statechart.storage.session import ModelT
from statechart.storage.sql.errors import PASSING, DatabaseFailed
from statechart.storage.sql.urls import lasting
from statechart.stored.damage import Damaged

if TYPE_CHECKING:
    from statechart.storage.record import Record
    from statechart.stored.damage import Damage
    from statechart.stored.store import Opened, Store, Tail

_TOLD = frozenset((CREATED, TRANSITION, REBASED))
"""The types of the records that enter a state."""


_LAST = 1 << 62
"""Above the number of any record: then the journal is enough."""


@dataclass(slots=True)
class _Trail:
    """The positions after each record of a look, which share their beginning."""

    store: str
    start: Mapping[str, Position]
    steps: list[tuple[str, Position]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """A place on a trail. All are equal, as changes differ by their other attributes."""

    trail: _Trail
    count: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Point)

    def __hash__(self) -> int:
        return 0

    def cursor(self) -> Cursor:
        return Cursor({**self.trail.start, **dict(self.trail.steps[: self.count])}, self.trail.store)


class Change(BaseModel, frozen=True, extra="forbid"):
    """A value that entered a state: its creation, a transition, or a new beginning after damage.

    Attributes:
        lineage: The incarnation of the name: another after the name was deleted and created again.
        seq: The number of the record in the name's history.
        revision: The number of the value's change, counted from 1.
        event: The event of a transition; None for the other changes.
        from_state: The state that a transition left; None for the other changes.
        payload: What came with the event, as it was recorded.
    """

    name: str
    lineage: str
    seq: int
    revision: int
    at: datetime
    actor: str
    event: str | None
    from_state: str | None
    to_state: str
    payload: Mapping[str, Any]  # Any: JSON

    _point: _Point | None = PrivateAttr(None)

    @computed_field(repr=False)  # type: ignore[prop-decorator]  # of mypy, which knows no decorated property
    @property
    def cursor(self) -> str:
        """How far all names were told, this change included: go on with `changes(since=cursor)`.

        Made when asked for, which takes time with the number of names.
        """
        return str(self._point.cursor()) if self._point is not None else ""


@dataclass(frozen=True, slots=True)
class _Unread:
    """A record with the incarnation of its name."""

    lineage: str
    record: Record
    begins: bool

    @property
    def type(self) -> str:
        return self.record.type

    @property
    def seq(self) -> int:
        return self.record.seq

    @property
    def at(self) -> datetime:
        return self.record.at


@dataclass(frozen=True, slots=True)
class _History:
    """The history of a name while it grows."""

    tail: Tail

    def read(self) -> Iterator[_Unread]:
        return (_Unread(self.tail.lineage, record, self.tail.begun) for record in self.tail.read())

    def resume(self, lineage: str, seq: int) -> None:
        self.tail.resume(lineage, seq)

    def close(self) -> None:
        self.tail.close()


class Changes(Generic[ModelT]):
    """The changes of all values of a store behind a cursor.

    Raises:
        InvalidCursor: The text is not a cursor of this store.
    """

    def __init__(self, opened: Opened[ModelT], since: str | None = None) -> None:
        self._opened = opened
        self._store: Store[ModelT] = opened.store
        self._origin = _origin(self._store.where)
        cursor = Cursor(store=self._origin) if since is None else Cursor.read(since)
        if since is not None and cursor.store != self._origin and not self._knows(cursor):
            raise InvalidCursor(
                since,
                f"it comes from another store than {self._store.where}; "
                "leave it away to begin with the first",
            )
        self._followed: Followed[_Unread] = Followed(
            self._store.names, self._history, positions=dict(cursor.positions)
        )

    def look(self, names: frozenset[str] | None = None) -> Iterator[Change | Damaged]:
        """Yield the new changes of some names, or of all: in order in each, and by time."""
        if names is None:
            names = frozenset(self._store.names())
        if len(names) > HELD:
            names -= self._told(names)
        trail = _Trail(self._origin, dict(self._followed.positions))
        for name, found in self._followed.look(names):
            if isinstance(found, DatabaseFailed):
                # What the histories have read, and was not told, has to be read again.
                self._followed.close()
                raise found
            if isinstance(found, StorageError):
                yield Damaged(name, found)
                continue
            trail.steps.append((name, self._followed.positions[name]))
            if found.record.type in _TOLD:
                yield _change(name, found, _Point(trail, len(trail.steps)))

    def all(self, damage: Damage) -> Iterator[Change]:
        """Yield the changes up to now."""
        try:
            yield from damage.sifted(self.look())
        finally:
            self._followed.close()
        damage.check()

    async def forever(self, damage: Damage) -> AsyncGenerator[Change, None]:
        """Yield the changes up to now, and then wait for more; a database that is away is waited for."""
        try:
            async with aclosing(self._opened.changed().names(every=EVERY)) as changed:
                missed: frozenset[str] = frozenset()
                async for names in changed:
                    wanted = names | missed
                    try:
                        async for each in in_blocks(self.look(wanted)):
                            for change in damage.sifted((each,)):  # here, not in the thread that reads
                                yield change
                    except PASSING as away:
                        if not missed:
                            warn(f"Not followed for a while: {away}")
                        missed = wanted
                    else:
                        missed = frozenset()
                    damage.check()
        finally:
            self._followed.close()

    def end(self) -> str:
        """Return the cursor behind all changes up to now."""
        for name, lineage, record in self._opened.ends.heads():
            self._followed.positions[name] = Position.of(lineage, record["seq"], record["at"])
        for _ in self.look(frozenset(self._store.names()) - self._followed.positions.keys()):
            pass
        self._followed.close()
        return str(Cursor(self._followed.positions, self._origin))

    def _told(self, names: frozenset[str]) -> frozenset[str]:
        """Return the names whose last records are known to be told, by a look at the ends only."""
        positions = self._followed.positions
        known = names & positions.keys()
        return frozenset(
            name
            for name, record in self._opened.ends.lasts(known)
            if Position.of(positions[name].lineage, record["seq"], record["at"]) == positions[name]
        )

    def _history(self, name: str, hold: bool) -> _History:
        return _History(self._store.tail(name, hold=hold))

    def _knows(self, cursor: Cursor) -> bool:
        """Return whether any name has the incarnation of a cursor: the store was moved or copied."""
        for name in cursor.positions.keys() & set(self._store.names()):
            with suppress(StorageError):
                tail = self._store.tail(name, hold=False)
                tail.resume(cursor.positions[name].lineage, _LAST)
                for _ in tail.read():
                    break
                if cursor.positions[name].is_of(tail.lineage):
                    return True
        return False


def _origin(where: str) -> str:
    """Return the identity of the store at a place: a directory has many paths."""
    place = lasting(where)
    return sha256(str(place if isinstance(place, str) else place.resolve()).encode()).hexdigest()[:8]


def _change(name: str, found: _Unread, point: _Point) -> Change:
    record = found.record
    left = record.data.get("from_state") if record.type == TRANSITION else None
    change = Change(
        name=name,
        lineage=found.lineage,
        seq=record.seq,
        revision=record.revision,
        at=record.at,
        actor=record.actor,
        event=record.event,
        from_state=left if isinstance(left, str) else None,
        to_state=record.to_state or recorded_text((record.value or {}).get("state")),
        payload=record.payload,
    )
    change._point = point  # pyright: ignore[reportAttributeAccessIssue]  # private, and not frozen
    return change
