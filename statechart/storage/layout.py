"""Where things are on disk, and which names they may have."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from statechart.errors import InvalidName, NotFound, NotOurs, StorageError
from statechart.storage.disk import read_file, require_directory, translated

JOURNAL = "history.jsonl"
DOCUMENT = "state.json"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ENDING = re.compile(rb'"schema_version": (\d+),\s+"seq": \d+,.*"journal_size": (\d+)\n}\n?\Z', re.S)
_TAIL = 256
_USUAL = 4096
_READ_DOCUMENT = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths below a root directory."""

    root: Path

    def directory(self, name: str) -> Path:
        """Return where everything about one name is.

        Raises:
            InvalidName: Nothing can have that name.
        """
        if _NAME.fullmatch(name) is None:
            raise InvalidName(name)
        return self.root / name

    def journal(self, name: str) -> Path:
        """Return the path of the journal."""
        return self.directory(name) / JOURNAL

    def document(self, name: str) -> Path:
        """Return the path of the document."""
        return self.directory(name) / DOCUMENT

    def lock(self, name: str) -> Path:
        """Return the path of the lock, outside what a purge removes."""
        self.directory(name)
        return self.locks / f"{name}.lock"

    @property
    def locks(self) -> Path:
        """Where the locks are."""
        return self.root / ".locks"

    @property
    def new(self) -> Path:
        """Where directories are built before they get their name."""
        return self.root / ".new"

    @property
    def trash(self) -> Path:
        """Where directories are removed after they have lost their name."""
        return self.root / ".trash"

    def require(self, name: str) -> Path:
        """Return the directory of a name that is there.

        Raises:
            InvalidName: Nothing can have that name.
            NotFound: Nothing has it.
            NotOurs: What has it is no directory.
        """
        directory = self.directory(name)
        if not require_directory(directory):
            raise NotFound(name, str(self.root))
        return directory

    def names(self) -> list[str]:
        """Return the names of all directories, sorted; those of other things are left out."""
        with translated("list", self.root):
            try:
                entries = os.scandir(self.root)
            except FileNotFoundError:
                return []
            with entries:
                return sorted(
                    entry.name
                    for entry in entries
                    if _NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
                )

    def documents(self, known: int) -> Iterator[tuple[str, bytes | StorageError, bool]]:
        """Yield name, bytes of the document and whether they are not all that there is, by name.

        What is marked as not all has a journal that is longer than the document says, no whole
        document, or one of another schema version than the `known` one: load it. Bytes that are
        not marked are the JSON of the model and the document's four keys. They are read, not
        verified, so that thousands take no time; what can't be read is yielded as the error.
        """
        # Thousands are listed at a time: in the common case a document costs its own reading and one more
        # question, about its journal. All else is asked only where that is not enough.
        root, version = str(self.root), b'"schema_version": %d,\n' % known
        open_file, read, close, status = os.open, os.read, os.close, os.lstat
        for name in self.names():
            directory = f"{root}/{name}"
            try:
                descriptor = open_file(f"{directory}/{DOCUMENT}", _READ_DOCUMENT)
                try:
                    content = read(descriptor, _USUAL)
                finally:
                    close(descriptor)
                size = status(f"{directory}/{JOURNAL}").st_size
            except OSError:
                content, size = b"", -1
            end = b'"journal_size": %d\n}' % size
            if content.endswith((end, end + b"\n")) and version in content[-_TAIL:]:
                yield name, content, False
                continue
            try:
                yield name, *_document(directory, known)
            except StorageError as error:
                if os.path.lexists(directory):  # otherwise it was purged since it was listed
                    yield name, error, False


def _document(directory: str, known: int) -> tuple[bytes, bool]:
    content = read_file(f"{directory}/{DOCUMENT}")
    try:
        size = os.lstat(f"{directory}/{JOURNAL}").st_size
    except OSError:
        size = -1  # load() tells what is wrong with it
    if content is None and size < 0:
        raise neither(Path(directory))
    said = _ENDING.search(content, max(0, len(content) - _TAIL)) if content else None
    return content or b"", said is None or (int(said[1]), int(said[2])) != (known, size)


def identity(path: Path) -> tuple[int, int] | None:
    """Return what tells what has a path now from what had it before; None if nothing has it."""
    with translated("look at", path):
        try:
            found = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
    return found.st_dev, found.st_ino


def neither(directory: Path) -> NotOurs:
    """Return the error for a directory without the files that make it one of ours."""
    return NotOurs(directory, f"holds neither {JOURNAL} nor {DOCUMENT}: it was not made by this program")
