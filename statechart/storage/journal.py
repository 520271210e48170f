"""The writer's side of an append-only journal; `record` describes the lines."""

from __future__ import annotations

import os
import stat
import weakref
from contextlib import suppress
from pathlib import Path

from statechart.errors import CommitUncertain, LeaseLost, NotOurs, StorageError
from statechart.storage.chain import Head, origin
from statechart.storage.disk import (
    AnyPath,
    OwnPath,
    create_file,
    failure,
    keep,
    remove_file,
    rename,
    require_in_place,
    sync_directory,
    translated,
    write_all,
)
from statechart.storage.record import Draft, Line, Record, Scan, line_after, scan

__all__ = ["Draft", "Head", "Journal", "Line", "Record", "Scan", "line_after", "origin", "scan"]


class Journal:
    """The writer's side of a journal: its descriptor and its known head.

    Use a journal only under the lock. After an append that could not be undone, every call raises.
    """

    def __init__(self, path: AnyPath, name: str, head: Head, *, first_seq: int = 1) -> None:
        self.head: Head = head
        self.first_seq: int = first_seq
        self.path: Path = Path(path)
        self.place: OwnPath = OwnPath.of(path)
        self._where = str(path)
        self._name = name
        self._refuses = False
        self._unsynced = False
        with translated("open", path):
            self._descriptor = self.place.open(os.O_WRONLY | os.O_APPEND)
            # A forgotten journal must not leak its descriptor.
            self._closer = weakref.finalize(self, os.close, self._descriptor)
            status = os.fstat(self._descriptor)
        self._identity = status.st_dev, status.st_ino
        self.has_other_name: bool = status.st_nlink > 1

    @property
    def records(self) -> int:
        """The number of records in the file."""
        return self.head.seq - self.first_seq + 1

    def is_still(self, head: Head) -> bool:
        """Return whether the journal certainly ends with a head."""
        return self.head == head and not self._refuses

    def append(self, line: Line) -> None:
        """Append a line that follows the present head, durably, and move the head.

        An interruption (KeyboardInterrupt and the like) leaves the old head with the old file, the new
        head with the new file, or a journal that refuses every call.

        Raises:
            StorageError: The append failed, and the file is unchanged.
            CommitUncertain: This or an earlier append failed and could not be undone.
        """
        self._require_certain()
        self._sync_name()
        # Refuse by default: an interruption may come between any two of the following lines.
        self._refuses = True
        try:
            write_all(self._descriptor, line.content)
            os.fdatasync(self._descriptor)
            # The commit point: nothing after this line may undo the append.
            self.head = line.head
        except OSError as error:
            self._cut_back(error)
            if self._refuses:
                raise CommitUncertain(self._name) from error
            raise failure("append to", self.path, error) from error
        except BaseException as error:
            if self.head is line.head:
                self._refuses = False
            else:
                self._cut_back(error)
            raise
        self._refuses = False

    def begin(self, line: Line, ended: str) -> None:
        """Continue in a new file that begins with a line, and keep the present file under another name.

        One rename replaces the file at the path: the journal is there, whole, at every instant. An
        interruption leaves the old head with the old file, or the new head with the new file.

        Raises:
            StorageError: The present file goes on.
        """
        self._require_certain()
        directory = self.place.parent
        kept, temporary = directory / ended, directory / f".{self.place.name}.tmp"
        descriptor = -1
        with translated("begin a segment in", directory):
            try:
                keep(self.place, kept)
                with suppress(FileNotFoundError):
                    remove_file(temporary)  # a writer died before its rename
                mode = stat.S_IMODE(os.fstat(self._descriptor).st_mode)
                create_file(temporary, line.content, mode=mode, sync=True)
                descriptor = temporary.open(os.O_WRONLY | os.O_APPEND)
                # The ended segment must have its name before the path leads elsewhere.
                sync_directory(directory)
                self._refuses = True
                rename(temporary, self.place)
            finally:
                if not self._took_over(descriptor, line):
                    self._refuses = False
                    with suppress(OSError, NotOurs):
                        remove_file(temporary)
                    with suppress(OSError, StorageError):
                        # In doubt the second name stays: a checkpoint may name it.
                        require_in_place(self._where, self._identity, self._name)
                        remove_file(kept)
                    if descriptor >= 0:
                        os.close(descriptor)
        with suppress(StorageError):  # otherwise before the next append
            self._sync_name()

    def _took_over(self, descriptor: int, line: Line) -> bool:
        """Move to a new file if it is at the path; return whether it is."""
        if descriptor < 0:
            return False
        status = os.fstat(descriptor)
        try:
            if not os.path.samestat(os.lstat(self._where), status):
                return False
        except OSError:
            return False
        closer, self._closer = self._closer, weakref.finalize(self, os.close, descriptor)
        self._descriptor, self._identity = descriptor, (status.st_dev, status.st_ino)
        self.first_seq, self.head = line.head.seq, line.head
        self._unsynced, self._refuses, self.has_other_name = True, False, False
        closer()
        return True

    def _sync_name(self) -> None:
        """Make the name of a new file durable. Until then, a power cut may bring back the file before."""
        if self._unsynced:
            with translated("make durable", self.path):
                sync_directory(self.place.parent)
            self._unsynced = False

    def _cut_back(self, cause: BaseException) -> None:
        if self._is_as_it_was():
            self._refuses = False  # no byte was written
            return
        try:
            os.ftruncate(self._descriptor, self.head.size)
            os.fdatasync(self._descriptor)
        except OSError as error:
            cause.add_note(f"it could not be undone either: {error}")
        else:
            self._refuses = False

    def _is_as_it_was(self) -> bool:
        try:
            return os.fstat(self._descriptor).st_size == self.head.size
        except OSError:
            return False

    def check(self) -> None:
        """Check that the journal is still the file at its path, as this writer left it.

        Raises:
            LeaseLost: The journal was closed, removed, replaced or changed by another process.
            CommitUncertain: An append could not be undone.
        """
        self._require_certain()
        found = require_in_place(self._where, self._identity, self._name)
        if found.st_size != self.head.size:
            raise LeaseLost(self._name, self.path, "was written to by another process")

    def _require_certain(self) -> None:
        if not self._closer.alive:
            raise LeaseLost(self._name, self.path, "was closed")
        if self._refuses:
            raise CommitUncertain(self._name)

    def sync(self) -> None:
        """Make the file's content durable."""
        with translated("make durable", self.path):
            os.fdatasync(self._descriptor)

    def cut(self, size: int) -> None:
        """Truncate the file to its first `size` bytes, durably."""
        with translated("repair", self.path):
            os.ftruncate(self._descriptor, size)
            os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Close the descriptor. Later calls have no effect."""
        self._closer()
