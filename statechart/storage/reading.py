"""Read the files of a name, verify them, and repair them for a writer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

from statechart.errors import CorruptHistory, NotOurs, StorageError
from statechart.log import warn
from statechart.storage import document
from statechart.storage.chain import REBASED, Head, lines_of
from statechart.storage.disk import (
    OwnPath,
    create_file,
    entries,
    read_file,
    replace_file,
    sync_directory,
    translated,
)
from statechart.storage.document import Document
from statechart.storage.journal import Journal
from statechart.storage.layout import DOCUMENT, JOURNAL, Layout, neither
from statechart.storage.record import NAMED, Record, read_line, verified

_State: TypeAlias = tuple[tuple[int, int, int] | None, ...]

_ATTEMPTS = 4
_PAUSE = 0.002  # seconds: longer than an append and a rename take


@dataclass(frozen=True, slots=True)
class Found:
    """A journal and a document that agree, apart from differences that a writer repairs.

    Attributes:
        content: The bytes of the journal. The records are not kept, as a journal may be long.
        opening: The first record of the journal.
        head: The head after the last whole record.
        recent: The last record that carries a value, and the records after it.
        valued: The head after the first of these, which the document shows.
        document: The document, if it is whole.
        shown: The record that the document shows.
    """

    content: bytes
    opening: Record
    head: Head
    recent: tuple[Record, ...]
    valued: Head
    document: Document | None
    shown: Record | None

    @property
    def torn(self) -> bytes:
        """An unfinished last line of the journal."""
        return self.content[self.head.size :]

    @property
    def behind(self) -> bool:
        """Whether the document is missing or shows an earlier value."""
        return self.document is None or self.document.seq < self.valued.seq

    @property
    def before(self) -> int:
        """The number of the last record before the journal, in a segment that ended."""
        return self.opening.seq - 1

    def records(self) -> Iterator[Record]:
        """Yield the records of the journal, which is verified already, one at a time."""
        for _, line in zip(range(self.before, self.head.seq), lines_of(self.content), strict=False):
            yield read_line(line)


def find(layout: Layout, name: str, known: int) -> Found:
    """Read and verify the files of a name, and change none of them.

    Raises:
        NotFound: The name does not exist.
        NotOurs: The directory is another program's.
        CorruptHistory: The files are damaged or contradict each other.
        NewerSchema: A newer program wrote a record.
        StorageError: A file can't be read.
    """
    directory = layout.require(name)
    # The document first: a writer appends to the journal first, so what the document shows is there.
    shown, damage = _shown(layout.own(directory), name, known)
    content = read_file(layout.own(directory / JOURNAL))
    if content is None:
        if damage is not None:
            raise damage
        if shown is None and not layout.own(directory / DOCUMENT).exists():
            layout.require(name)  # raises NotFound if the name was purged meanwhile
            if not any(NAMED.fullmatch(place.name) for place in entries(layout.own(directory))):
                raise neither(directory)
        raise CorruptHistory(name, directory / JOURNAL, "it is missing, and no other file can replace it")
    first: Record | None = None
    recent: list[tuple[Record, Head]] = []
    at_shown: tuple[Record, Head] | None = None
    for record, head in verified(content, directory / JOURNAL, name, known):
        first = first or record
        if record.value is not None:
            recent.clear()
        recent.append((record, head))
        if shown is not None and record.seq == shown.seq:
            at_shown = record, head
    assert first is not None
    _, last = recent[-1]
    try:
        if damage is not None:
            raise damage
        # A document that shows a record of an ended segment is behind, and is rolled forward.
        if shown is not None and not 0 < shown.seq < first.seq:
            _compare(shown, at_shown, last, name, directory / DOCUMENT)
    except CorruptHistory:
        if not _left_by_rebase(first, layout.own(directory)):
            raise
        shown = None
    at = None if shown is None or at_shown is None else at_shown[0]
    return Found(content, first, last, tuple(record for record, _ in recent), recent[0][1], shown, at)


def _shown(directory: OwnPath, name: str, known: int) -> tuple[Document | None, CorruptHistory | None]:
    try:
        return document.read(directory / DOCUMENT, name, known), None
    except CorruptHistory as damage:
        return None, damage


def _left_by_rebase(first: Record, directory: OwnPath) -> bool:
    """Return whether the document is the one that the present history replaced: only outdated."""
    content = read_file(directory / DOCUMENT) or b""
    return first.type == REBASED and first.data.get("document_sha256") == sha256(content).hexdigest()


def _compare(shown: Document, found: tuple[Record, Head] | None, last: Head, name: str, path: Path) -> None:
    if shown.seq > last.seq:
        raise CorruptHistory(
            name,
            path,
            f"it shows record {shown.seq}, but the journal ends with record {last.seq}: records were lost",
        )
    if found is None or found[0].value is None:
        raise CorruptHistory(
            name, path, f"it shows record {shown.seq}, which has no value; {document.REBUILD}"
        )
    problem = shown.shows(found[1], found[0].value)
    if problem:
        raise CorruptHistory(name, path, problem)


def find_settled(layout: Layout, name: str, known: int) -> tuple[Found, tuple[str, ...]]:
    """Read and verify the files of a name while another process may write.

    Returns:
        The files, and notes about parts that were left out or missing.

    Raises:
        StorageError: As `find`, if the last attempt failed.
    """
    # A writer between two steps looks like damage for a moment: retry, but only a few times, since real
    # damage does not go away. A count instead of a deadline, so that a slow machine retries as often.
    outcome: Found | StorageError | None = None
    seen: _State | None = None
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_PAUSE)
        state = _state(layout, name)
        if outcome is not None and state == seen:
            continue  # a long journal takes seconds, and would be found the same
        seen = state
        try:
            outcome = find(layout, name, known)
        except (CorruptHistory, NotOurs) as error:
            outcome = error
        else:
            if not outcome.torn:
                return outcome, _missing(outcome)
    if not isinstance(outcome, Found):
        assert outcome is not None
        raise outcome
    torn = f"the unfinished last line of {JOURNAL} ({len(outcome.torn)} bytes) was left out"
    return outcome, (torn, *_missing(outcome))


def _state(layout: Layout, name: str) -> _State:
    """Return the identity, size and time of both files, which any change of them changes."""
    directory = layout.own(layout.directory(name))
    try:
        files = (directory / JOURNAL).status(), (directory / DOCUMENT).status()
    except (NotOurs, OSError):
        return ()  # `find` reports the problem
    return tuple(file and (file.st_ino, file.st_size, file.st_mtime_ns) for file in files)


def _missing(found: Found) -> tuple[str, ...]:
    return (f"{DOCUMENT} is missing or torn; {JOURNAL} was read instead",) if found.document is None else ()


def mend(found: Found, journal: Journal, layout: Layout, name: str) -> tuple[str, ...]:
    """Repair journal and document, under the lock.

    Returns:
        Notes about each repair.

    Raises:
        StorageError: The torn line could not be kept; nothing was cut off.
    """
    notes = []
    if found.torn:
        notes.append(_cut_torn(found, journal, layout, name))
    # An earlier writer may have died before its append was durable. Later records build on that append,
    # so they must not be durable before it.
    journal.sync()
    if found.head.seq == found.opening.seq:
        # Its writer may have died before the name was durable: of the directory, or of the segment.
        place = layout.root if found.opening.seq == 1 else layout.directory(name)
        with translated("make durable", place):
            sync_directory(layout.own(place))
    if found.behind:
        notes.append(_roll_forward(found, layout, name))
    for note in notes:
        warn(f"Mended {name!r}: {note}", name=name)
    return tuple(notes)


def _cut_torn(found: Found, journal: Journal, layout: Layout, name: str) -> str:
    directory = layout.directory(name)
    kept = f"history.torn-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    with translated("keep the torn line in", directory / kept):
        create_file(layout.own(directory / kept), found.torn, sync=True)
        sync_directory(layout.own(directory))
    journal.cut(found.head.size)
    return f"the unfinished last line of {JOURNAL} ({len(found.torn)} bytes) was cut off and kept as {kept}"


def _roll_forward(found: Found, layout: Layout, name: str) -> str:
    record, head = found.recent[0], found.valued
    assert record.value is not None
    path = layout.document(name)
    was = "was missing or torn"
    if found.document is not None:
        was = f"was at record {found.document.seq}"
    if found.shown is not None:
        was = f"was at revision {found.shown.revision}"
    try:
        with translated("replace", path):
            replace_file(
                layout.own(path), document.encode(record.value, head, record.schema_version), durable=False
            )
    except StorageError as error:
        return f"{DOCUMENT} {was} and stays so until the next change: {error}"
    return f"{DOCUMENT} {was} and was rewritten at revision {record.revision}"
