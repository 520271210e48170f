"""End a segment of a journal, and begin the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from statechart.errors import StorageError
from statechart.storage.disk import OwnPath, entries, read_file, remove_file, translated
from statechart.storage.journal import Journal
from statechart.storage.record import NAMED, Line
from statechart.storage.segments.size import checkpoint


def next_segment(journal: Journal, name: str, actor: str, value: bytes, version: int) -> tuple[Line, str]:
    """Return the checkpoint that begins the segment after a journal, and the name for the ended one.

    Args:
        journal: The journal, which is verified.
        name: The name.
        actor: The author of the record.
        value: The present value, as JSON.
        version: Its schema version.

    Raises:
        StorageError: The journal can't be read.
    """
    content = read_file(journal.place)
    head = journal.head
    if content is None or len(content) != head.size:
        raise StorageError(f"{journal.path} is not as it was written")
    with translated("end the segment of", journal.path):
        sweep(journal, content)
        file = _free_name(journal)
    line = checkpoint(
        content,
        head,
        first_seq=journal.first_seq,
        file=file,
        name=name,
        actor=actor,
        value=value,
        version=version,
    )
    return line, file


def _free_name(journal: Journal) -> str:
    """Return a name that no segment of this or of an earlier history has."""
    stem = f"history.{journal.first_seq:08}-{journal.head.seq:08}"
    number = 1
    while True:
        file = f"{stem}.jsonl" if number == 1 else f"{stem}.{number}.jsonl"
        if not any((journal.place.parent / f"{file}{end}").exists() for end in ("", ".gz")):
            return file
        number += 1


def sweep_left(journal: Journal, content: bytes) -> None:
    """Sweep if the journal has another name: a writer died before its next segment began.

    Raises:
        StorageError: The directory can't be read.
    """
    if journal.has_other_name:
        with translated("look into", journal.place.parent):
            sweep(journal, content)


def sweep(journal: Journal, content: bytes) -> None:
    """Remove other names and copies of a journal, which no checkpoint has."""
    for place in other_names(entries(journal.place.parent), journal.first_seq, content):
        with suppress(OSError, StorageError):
            remove_file(place)


def other_names(places: Iterable[OwnPath], first_seq: int, content: bytes) -> Iterator[OwnPath]:
    """Yield the other names and the copies of a journal, whole or cut off."""
    for place in places:
        named = NAMED.fullmatch(place.name)
        if named is None or int(named[1]) != first_seq:
            continue
        with suppress(StorageError):
            # A segment of the same numbers from an earlier history has another beginning.
            kept = read_file(place)
            if kept is not None and content.startswith(kept):
                yield place
