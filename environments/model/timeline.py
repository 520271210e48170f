"""Earlier revisions of an environment, from its history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from environments.model.errors import NoSuchMoment
from environments.model.records import HistoryEntry, after, fold

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment


@dataclass(frozen=True, slots=True)
class Past:
    """An environment after a record."""

    entry: HistoryEntry
    environment: AnyEnvironment


def at_revision(name: str, entries: Sequence[HistoryEntry], revision: int) -> Past:
    """Return the environment at a revision, including the steps of that revision.

    Raises:
        NoSuchMoment: The history has no such revision.
    """
    upto = [entry for entry in entries if entry.revision <= revision]
    if not upto or upto[-1].revision != revision:
        first, last = entries[0].revision, entries[-1].revision
        raise NoSuchMoment(name, f"revision {revision}", f"revisions {first} to {last}")
    return _past(upto)


def at_time(name: str, entries: Sequence[HistoryEntry], moment: datetime) -> Past:
    """Return the environment at a moment.

    Raises:
        NoSuchMoment: The environment did not exist then.
    """
    # By the order of the records: their times may go back, since they come from the wall clock.
    upto: list[HistoryEntry] = []
    for entry in entries:
        if entry.at > moment:
            break
        upto.append(entry)
    if not upto:
        began = f"it was created at {entries[0].at:%Y-%m-%d %H:%M:%S.%fZ}"
        raise NoSuchMoment(name, f"{moment:%Y-%m-%d %H:%M:%SZ}", began)
    return _past(upto)


def _past(entries: Sequence[HistoryEntry]) -> Past:
    return Past(entries[-1], fold(entry.record for entry in entries))


def replay(entries: Sequence[HistoryEntry]) -> Iterator[tuple[HistoryEntry, AnyEnvironment | None]]:
    """Yield each record in order, with the environment before the record; None before the first."""
    before: AnyEnvironment | None = None
    for entry in entries:
        yield entry, before
        before = after(before, entry.record)
