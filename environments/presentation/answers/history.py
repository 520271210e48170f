"""The records of an environment, and the environment as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.presentation.documents import environment_document
from environments.presentation.view import View
from statechart.errors import MissingSegment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from environments.model.environment import AnyEnvironment
    from environments.model.records import HistoryEntry, Past
    from environments.presentation.answers.archive import Archive
    from environments.presentation.documents import Spell
    from statechart.holder import Holder


def readable_history(archive: Archive, name: str) -> tuple[Iterator[HistoryEntry], MissingSegment | None]:
    """Return the records, and the segment without which the earlier records can't be read.

    Segments may be moved away, to keep a history short.

    Raises:
        UnusableSegment: A segment is damaged.
        StorageError: The history can't be read.
    """
    entries, gap = archive.readable(name)
    if gap is not None and not isinstance(gap, MissingSegment):
        raise gap
    return entries, gap


def history_opening(name: str, gap: MissingSegment | None) -> dict[str, object]:
    """Return the keys of the document of `history` that come before the records."""
    missing = {} if gap is None else {"missing": {"first_seq": 1, "last_seq": gap.last_seq}}
    return {"name": name, **missing}


def past_document(past: Past, spell: Spell, directory: Path) -> dict[str, object]:
    """Return the document of `history --at` of a past state that was found."""
    entry = past.entry
    document = environment_document(past_view(past), spell, directory)
    return {**document, "seq": entry.seq, "at": entry.at.isoformat(), "holder": None, "next": []}


def past(archive: Archive, name: str, at: int | datetime) -> Past:
    """Return an environment as of a revision or a time.

    Raises:
        NoSuchMoment: The environment did not exist then.
        StorageError: The history can't be read.
    """
    # Past states are folded from typed records, which load pydantic.
    from environments.model.errors import NoSuchMoment
    from environments.model.records import at_revision, at_time

    def is_enough(opening: HistoryEntry) -> bool:
        return opening.revision <= at if isinstance(at, int) else opening.at <= at

    def folded(entries: Sequence[HistoryEntry]) -> Past:
        return at_revision(name, entries, at) if isinstance(at, int) else at_time(name, entries, at)

    latest = list(archive.latest(name, is_enough))
    try:
        return folded(latest)
    except NoSuchMoment:
        if latest[0].seq == 1:
            raise
        return folded(archive.history(name))  # which says what there is


def past_view(past: Past) -> View[AnyEnvironment]:
    """Return the view of a past state, with the holder of the operation that was open then."""
    operation = past.environment.operation
    at_work: Holder | None = operation.holder if operation is not None and operation.is_active else None
    return View(past.environment, at_work, actor=past.entry.actor)
