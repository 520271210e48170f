"""The value of a name as it was at a revision, or at a moment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from statechart.errors import NoSuchMoment
from statechart.storage.segments.older import never

if TYPE_CHECKING:
    from statechart.storage.record import Record
    from statechart.storage.segments.older import Enough
    from statechart.storage.session import ModelT
    from statechart.stored.store import Store


def at_revision(store: Store[ModelT], name: str, revision: int) -> ModelT:
    """Return the value of a name as it was at a revision.

    Raises:
        TypeError: The revision is not a number.
        NoSuchMoment: There is no such revision.
        StorageError: The history can't be read.
    """
    if not isinstance(revision, int):
        raise TypeError(f"a revision is a number, not {revision!r}")

    def is_reached(record: Record) -> bool:
        return record.revision <= revision

    # A segment that begins early enough will do, unless there is no such revision.
    found, _, _ = _last(store, name, is_reached, is_reached)
    if found is None or found.revision != revision:
        found, first, last = _last(store, name, is_reached, never)
        if found is None or found.revision != revision:
            known = f"it has revisions {first.revision} to {last.revision}"
            raise NoSuchMoment(name, f"revision {revision}", known)
    return store.read(name, found)


def at_moment(store: Store[ModelT], name: str, moment: datetime) -> ModelT:
    """Return the value of a name as it was at a moment.

    Raises:
        TypeError: The moment is no datetime.
        ValueError: The moment has no time zone.
        NoSuchMoment: The value did not exist.
        StorageError: The history can't be read.
    """
    if not isinstance(moment, datetime):
        raise TypeError(f"a moment is an aware datetime, such as datetime.now(UTC), not {moment!r}")
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone: give an aware datetime, such as datetime.now(UTC)")

    def is_reached(record: Record) -> bool:
        return record.at <= moment

    found, first, _ = _last(store, name, is_reached, is_reached)
    if found is None:
        began = f"it began at {first.at:%Y-%m-%d %H:%M:%SZ}"
        raise NoSuchMoment(name, f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}", began)
    return store.read(name, found)


def _last(
    store: Store[ModelT], name: str, is_reached: Enough, enough: Enough
) -> tuple[Record | None, Record, Record]:
    """Return the last record with a value that was reached, and the first and the last of those read."""
    found, first, last = None, None, None
    for record in store.records(name, enough=enough):
        if record.value is not None:
            first, last = first or record, record
            if is_reached(record):
                found = record
    assert first is not None
    assert last is not None
    return found, first, last
