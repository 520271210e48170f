"""Timeline: an environment as it was, at a revision or at a moment."""

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
    """An environment as a record left it."""

    entry: HistoryEntry
    environment: AnyEnvironment


def at_revision(name: str, entries: Sequence[HistoryEntry], revision: int) -> Past:
    """Return the environment as it was when it left a revision, the steps of that revision included.

    Raises:
        NoSuchMoment: It never had that revision.
    """
    upto = [entry for entry in entries if entry.revision <= revision]
    if not upto or upto[-1].revision != revision:
        first, last = entries[0].revision, entries[-1].revision
        raise NoSuchMoment(name, f"revision {revision}", f"revisions {first} to {last}")
    return _past(upto)


def at_time(name: str, entries: Sequence[HistoryEntry], moment: datetime) -> Past:
    """Return the environment as it was at a moment; the order of the records counts, not their times.

    Raises:
        NoSuchMoment: It did not exist then.
    """
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
    """Yield each record with the environment before it, the first one first; None before the first."""
    before: AnyEnvironment | None = None
    for entry in entries:
        yield entry, before
        before = after(before, entry.record)
