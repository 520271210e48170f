"""Read the ends of journals, where the last records are; nothing is verified."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from statechart.errors import StorageError
from statechart.storage.disk import OwnPath, translated
from statechart.storage.forms import read_json
from statechart.storage.layout import JOURNAL
from statechart.stored.unverified import record_of

if TYPE_CHECKING:
    from pathlib import Path

    from statechart.storage.repository import JsonFileRepository

_BLOCK = 4096  # bytes that are read at first: a few records


@dataclass(frozen=True, slots=True)
class FileEnds:
    """The ends of the histories of a store of files; see `statechart.stored.store.Ends`."""

    files: JsonFileRepository[Any]

    def all(self, names: Iterable[str] | None = None, *, records: bool = True) -> Iterator[FileEnding]:
        """Yield the ends of all histories, by name, or of some; the files are read when they are asked."""
        del records  # they are read when they are asked for
        for name, content, behind in self.files.documents(names):
            yield FileEnding(self.files, name, content, behind)

    def timed(self, names: Collection[str] | None, until: datetime) -> Iterator[FileEnding]:
        """Yield the ends of all histories, or of some: the documents tell their deadlines."""
        del until
        return self.all(names)

    def records(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the records of a name from the last to the first, as far as they are whole."""
        return last_records(self.files.root, name)

    def lasts(self, names: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield names with their last records, as far as they can be read."""
        for name in names:
            with suppress(StorageError):
                for record in last_records(self.files.root, name):
                    yield name, record
                    break

    def heads(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield nothing: the end of a journal does not say of which incarnation it is."""
        return iter(())


@dataclass(frozen=True, slots=True)
class FileEnding:
    """The end of a history in files; see `statechart.stored.store.Ending`.

    Attributes:
        content: The bytes of the document, or the error of reading it.
        behind: Whether the document may not show the last record.
    """

    files: JsonFileRepository[Any]
    name: str
    content: bytes | StorageError
    behind: bool

    def value(self) -> Mapping[str, Any] | None:
        """Return the document, or None if it does not show the present value."""
        if isinstance(self.content, StorageError):
            raise self.content
        try:
            document = read_json(self.content)
        except ValueError:
            return None
        if not isinstance(document, dict) or (self.behind and not self._is_last_value(document)):
            return None
        return document

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the records from the last to the first, as far as they are whole."""
        return last_records(self.files.root, self.name)

    def _is_last_value(self, document: Mapping[str, Any]) -> bool:
        """Return whether only records without a value follow the record that a document shows."""
        size, before = document.get("journal_size"), document.get("head_hash")
        if type(size) is not int or document.get("schema_version") != self.files.schema_version:
            return False
        lines = ending(self.files.root, self.name, size).splitlines(keepends=True)
        for line in lines:
            record = record_of(line)
            if record is None or record["prev"] != before or record["value"] is not None:
                return False
            before = sha256(line).hexdigest()
        return bool(lines)


def ending(root: Path, name: str, offset: int) -> bytes:
    """Return the bytes of a journal from an offset on; a negative offset counts from its end.

    Raises:
        StorageError: The journal can't be read.
    """
    # Built by pathlib, the path would take as long as reading the file.
    path = OwnPath(root, (name, JOURNAL))
    with translated("read", path):
        try:
            descriptor = path.open(os.O_RDONLY)
        except (FileNotFoundError, NotADirectoryError):
            return b""
        try:
            size = os.fstat(descriptor).st_size
            begin = offset if offset >= 0 else max(0, size + offset)
            return os.pread(descriptor, max(0, size - begin), begin)
        finally:
            os.close(descriptor)


def last_records(root: Path, name: str) -> Iterator[dict[str, Any]]:
    """Yield the records of a journal from the last to the first, as far as they are whole.

    Raises:
        StorageError: The journal can't be read.
    """
    block, seen = _BLOCK, 0
    while True:
        content = ending(root, name, -block)
        lines = content.splitlines(keepends=True)
        # The first line may be cut: a longer block has the rest of it.
        begins = 0 if len(content) < block else 1
        for line in reversed(lines[begins : len(lines) - seen]):
            record = record_of(line)
            if record is None:
                return
            yield record
        if not begins:
            return
        block, seen = block * 8, len(lines) - begins
