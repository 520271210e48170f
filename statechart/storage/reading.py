"""Read the files of a name, verify them, and repair them for a writer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from statechart.errors import CorruptHistory, NotOurs, StorageError
from statechart.log import warn
from statechart.storage import document
from statechart.storage.chain import REBASED
from statechart.storage.disk import (
    OwnPath,
    create_file,
    read_file,
    replace_file,
    sync_directory,
    translated,
)
from statechart.storage.document import Document
from statechart.storage.journal import Journal
from statechart.storage.layout import DOCUMENT, JOURNAL, Layout, neither
from statechart.storage.record import Scan, scan

_ATTEMPTS = 4
_PAUSE = 0.002  # seconds: longer than an append and a rename take


@dataclass(frozen=True, slots=True)
class Found:
    """A journal and a document that agree, apart from differences that a writer repairs.

    `valued` is the index of the last record that carries a value. The document shows this record.
    """

    scan: Scan
    document: Document | None
    valued: int

    @property
    def behind(self) -> bool:
        """Whether the document is missing or shows an earlier value."""
        return self.document is None or self.document.seq < self.valued + 1


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
            raise neither(directory)
        raise CorruptHistory(name, directory / JOURNAL, "it is missing, and no other file can replace it")
    scanned = scan(content, directory / JOURNAL, name, known)
    try:
        if damage is not None:
            raise damage
        if shown is not None:
            _compare(shown, scanned, name, directory / DOCUMENT)
    except CorruptHistory:
        if not _left_by_rebase(scanned, layout.own(directory)):
            raise
        shown = None
    valued = max(index for index, record in enumerate(scanned.records) if record.value is not None)
    return Found(scanned, shown, valued)


def _shown(directory: OwnPath, name: str, known: int) -> tuple[Document | None, CorruptHistory | None]:
    try:
        return document.read(directory / DOCUMENT, name, known), None
    except CorruptHistory as damage:
        return None, damage


def _left_by_rebase(scanned: Scan, directory: OwnPath) -> bool:
    """Return whether the document is the one that the present history replaced: only outdated."""
    first = scanned.records[0]
    content = read_file(directory / DOCUMENT) or b""
    return first.type == REBASED and first.data.get("document_sha256") == sha256(content).hexdigest()


def _compare(shown: Document, scanned: Scan, name: str, path: Path) -> None:
    last = scanned.head.seq
    if shown.seq > last:
        raise CorruptHistory(
            name,
            path,
            f"it shows record {shown.seq}, but the journal ends with record {last}: records were lost",
        )
    value = scanned.records[shown.seq - 1].value if shown.seq > 0 else None
    if value is None:
        raise CorruptHistory(
            name, path, f"it shows record {shown.seq}, which has no value; {document.REBUILD}"
        )
    problem = shown.shows(scanned.heads[shown.seq - 1], value)
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
    for _ in range(_ATTEMPTS - 1):
        try:
            found = find(layout, name, known)
        except (CorruptHistory, NotOurs):
            pass
        else:
            if not found.scan.torn:
                return found, _missing(found)
        time.sleep(_PAUSE)
    found = find(layout, name, known)
    if not found.scan.torn:
        return found, _missing(found)
    torn = f"the unfinished last line of {JOURNAL} ({len(found.scan.torn)} bytes) was left out"
    return found, (torn, *_missing(found))


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
    if found.scan.torn:
        notes.append(_cut_torn(found.scan, journal, layout, name))
    # An earlier writer may have died before its append was durable. Later records build on that append,
    # so they must not be durable before it.
    journal.sync()
    if found.scan.head.seq == 1:
        # The creator may have died before the name was durable.
        with translated("make durable", layout.root):
            sync_directory(layout.root)
    if found.behind:
        notes.append(_roll_forward(found, layout, name))
    for note in notes:
        warn(f"Mended {name!r}: {note}", name=name)
    return tuple(notes)


def _cut_torn(scanned: Scan, journal: Journal, layout: Layout, name: str) -> str:
    directory = layout.directory(name)
    kept = f"history.torn-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    with translated("keep the torn line in", directory / kept):
        create_file(layout.own(directory / kept), scanned.torn, sync=True)
        sync_directory(layout.own(directory))
    journal.cut(scanned.head.size)
    return (
        f"the unfinished last line of {JOURNAL} ({len(scanned.torn)} bytes) was cut off and kept as {kept}"
    )


def _roll_forward(found: Found, layout: Layout, name: str) -> str:
    record, head = found.scan.records[found.valued], found.scan.heads[found.valued]
    assert record.value is not None
    path = layout.document(name)
    was = f"was at revision {_revision(found)}" if found.document else "was missing or torn"
    try:
        with translated("replace", path):
            replace_file(
                layout.own(path), document.encode(record.value, head, record.schema_version), durable=False
            )
    except StorageError as error:
        return f"{DOCUMENT} {was} and stays so until the next change: {error}"
    return f"{DOCUMENT} {was} and was rewritten at revision {record.revision}"


def _revision(found: Found) -> int:
    assert found.document is not None
    return found.scan.records[found.document.seq - 1].revision
