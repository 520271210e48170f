"""The paths below a root directory, and the names that are allowed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from statechart.errors import InvalidName, MovedAway, NotFound, NotOurs, StorageError
from statechart.storage.disk import PASS, OwnPath, read_file, require_directory, translated

JOURNAL = "history.jsonl"
DOCUMENT = "state.json"
NOTE = "moved.json"
"""The file that says where a history was moved, beside what is left of it."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ENDING = re.compile(rb'"schema_version": (\d+),\s+"seq": \d+,.*"journal_size": (\d+)\n}\n?\Z', re.S)
_TAIL = 256  # bytes: more than the last four keys take
_USUAL = 8192
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def is_name(name: object) -> bool:
    """Return whether a text is allowed as a name."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


class Contents(NamedTuple):
    """The parts of a directory that a list needs.

    Attributes:
        name: The name of the directory.
        document: The bytes of the document.
        size: The size of the journal.
        end: The last bytes of the journal.
        beside: The beginning of another file.
    """

    name: str
    document: bytes
    size: int
    end: bytes
    beside: bytes


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths below a root directory."""

    root: Path

    def directory(self, name: str) -> Path:
        """Return the directory of a name.

        Raises:
            InvalidName: The name is not allowed.
        """
        if not is_name(name):
            raise InvalidName(name)
        return self.root / name

    def journal(self, name: str) -> Path:
        """Return the path of the journal."""
        return self.directory(name) / JOURNAL

    def document(self, name: str) -> Path:
        """Return the path of the document."""
        return self.directory(name) / DOCUMENT

    def lock(self, name: str) -> Path:
        """Return the path of the lock, which a purge does not remove."""
        self.directory(name)
        return self.locks / f"{name}.lock"

    def own(self, path: Path) -> OwnPath:
        """Return a path below the root in the form in which no symbolic link is followed."""
        above, parts = self.root.parts, path.parts
        if parts[: len(above)] != above:
            raise ValueError(f"{path} is not below {self.root}")
        return OwnPath(self.root, parts[len(above) :])

    @property
    def locks(self) -> Path:
        """The directory of the locks."""
        return self.root / ".locks"

    @property
    def effects(self) -> Path:
        """The directory of the locks of those who run effects, and of the list of names without any."""
        return self.root / ".effects"

    @property
    def new(self) -> Path:
        """The directory in which new directories are built."""
        return self.root / ".new"

    @property
    def trash(self) -> Path:
        """The directory in which purged directories are removed."""
        return self.root / ".trash"

    @property
    def moved(self) -> Path:
        """The directory of histories that were moved to another store."""
        return self.root / ".moved"

    def require(self, name: str) -> Path:
        """Return the existing directory of a name.

        Raises:
            InvalidName: The name is not allowed.
            NotFound: There is no such directory.
            NotOurs: The path is not a directory.
        """
        directory = self.directory(name)
        if not require_directory(self.own(directory)):
            raise self._missing(name)
        return directory

    def _missing(self, name: str) -> NotFound:
        """Return the error for a name that does not exist; it says where a name was moved."""
        notes = sorted(self.moved.glob(f"{name}-*/{NOTE}"), key=lambda note: note.parent.name[-22:])
        for note in reversed(notes):
            with suppress(OSError, ValueError, TypeError, KeyError):
                said = json.loads(note.read_bytes())
                if said["name"] == name:
                    return MovedAway(name, str(self.root), str(said["to"]))
        return NotFound(name, str(self.root))

    def names(self) -> list[str]:
        """Return the names of all directories, sorted, and of links in their place.

        Such links are refused when they are opened. Other files are left out.
        """
        with translated("list", self.root):
            try:
                entries = os.scandir(self.root)
            except FileNotFoundError:
                return []
            with entries:
                return sorted(
                    entry.name
                    for entry in entries
                    if _NAME.fullmatch(entry.name)
                    and (
                        entry.is_dir(follow_symlinks=False) or (entry.is_symlink() and not entry.is_file())
                    )
                )

    def contents(self, *, ending: int = 0, beside: str | None = None) -> Iterator[Contents]:
        """Yield the contents of the directories, by name.

        Where a file is missing, long or can't be read, there are no bytes: ask `listed` instead.

        Args:
            ending: How many bytes of the journal's end to read.
            beside: Another small file to read.
        """
        with translated("list", self.root):
            try:
                root = os.open(self.root, PASS)
            except FileNotFoundError:
                return
        try:
            # Thousands are listed at a time, and most of the time goes into these calls.
            for name in self.names():
                try:
                    yield _read(root, name, ending, beside)
                except OSError:
                    yield Contents(name, b"", -1, b"", b"")
        finally:
            os.close(root)

    def listed(self, name: str, known: int) -> tuple[bytes, bool]:
        """Return the bytes of a document, and whether the journal must be read instead.

        The journal must be read if it is longer than the document says, if the document is torn, or if
        its schema version is not `known`.

        Raises:
            NotOurs: There is neither a document nor a journal.
            StorageError: The document can't be read.
        """
        content = read_file(self.own(self.document(name)))
        try:
            journal = self.own(self.journal(name)).status()
        except OSError:
            journal = None  # load() reports the problem
        size = -1 if journal is None else journal.st_size
        if content is None and size < 0:
            raise neither(self.directory(name))
        said = _ENDING.search(content, max(0, len(content) - _TAIL)) if content else None
        return content or b"", said is None or (int(said[1]), int(said[2])) != (known, size)

    def documents(
        self, known: int, names: Iterable[str] | None = None
    ) -> Iterator[tuple[str, bytes | StorageError, bool]]:
        """Yield names with their documents' bytes and whether the journals must be read instead.

        By default, all names are yielded; else those given that exist. The bytes are the JSON of the
        model with the document's four keys; they are read, not verified.
        An error that prevents reading is yielded in place of the bytes.
        """
        if names is not None:
            for name in names:
                yield from self._document(name, known)
            return
        version = b'"schema_version": %d,\n' % known
        for name, content, size, *_ in self.contents():
            ending = content[-_TAIL:]
            if b'"journal_size": %d\n}' % size in ending and version in ending:
                yield name, content, False
                continue
            yield from self._document(name, known)

    def _document(self, name: str, known: int) -> Iterator[tuple[str, bytes | StorageError, bool]]:
        try:
            yield name, *self.listed(name, known)
        except StorageError as error:
            if os.path.lexists(self.directory(name)):  # otherwise purged since the directory was listed
                yield name, error, False


def _read(root: int, name: str, ending: int, beside: str | None) -> Contents:
    """Return the contents of a directory."""
    directory = os.open(name, PASS | os.O_NOFOLLOW, dir_fd=root)
    try:
        document = _beginning(directory, DOCUMENT)
        other = b"" if beside is None else _beginning_if_any(directory, beside)
        if not ending:
            size, end = os.stat(JOURNAL, dir_fd=directory, follow_symlinks=False).st_size, b""
        else:
            descriptor = os.open(JOURNAL, _READ, dir_fd=directory)
            try:
                size = os.fstat(descriptor).st_size
                end = os.pread(descriptor, ending, max(0, size - ending))
            finally:
                os.close(descriptor)
        return Contents(name, document if len(document) < _USUAL else b"", size, end, other)
    finally:
        os.close(directory)


def _beginning(directory: int, name: str) -> bytes:
    descriptor = os.open(name, _READ, dir_fd=directory)
    try:
        return os.read(descriptor, _USUAL)
    finally:
        os.close(descriptor)


def _beginning_if_any(directory: int, name: str) -> bytes:
    try:
        return _beginning(directory, name)
    except OSError:
        return b""


def identity(path: Path) -> tuple[int, int] | None:
    """Return the device and inode at a path, or None if the path does not exist."""
    with translated("look at", path):
        try:
            found = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
    return found.st_dev, found.st_ino


def neither(directory: Path) -> NotOurs:
    """Return the error for a directory without a journal and a document."""
    return NotOurs(directory, f"holds neither {JOURNAL} nor {DOCUMENT}: it was not made by this program")
