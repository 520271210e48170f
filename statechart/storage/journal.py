"""The writer's side of an append-only journal; the records are described beside it."""

from __future__ import annotations

import os
import stat
import weakref
from pathlib import Path

from statechart.errors import CommitUncertain, LeaseLost, NotOurs
from statechart.storage.chain import Head, origin
from statechart.storage.disk import failure, require_in_place, translated, write_all
from statechart.storage.record import Draft, Line, Record, Scan, line_after, scan

__all__ = ["Draft", "Head", "Journal", "Line", "Record", "Scan", "line_after", "origin", "scan"]


class Journal:
    """The writer's side of a journal: its descriptor, and the head that it is known to have.

    Use it under the lock only. After an append that could not be undone it refuses everything.
    """

    def __init__(self, path: Path, name: str, head: Head) -> None:
        self.head: Head = head
        self.path = path
        self._where = str(path)
        self._name = name
        self._refuses = False
        with translated("open", path):
            self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
            self._closer = weakref.finalize(self, os.close, self._descriptor)
            status = os.fstat(self._descriptor)
        self._identity = status.st_dev, status.st_ino
        if not stat.S_ISREG(status.st_mode):
            self.close()
            raise NotOurs(path, "is not a regular file")

    def append(self, line: Line) -> None:
        """Append a line, made for the present head, and make it durable; the head moves on.

        An interruption (KeyboardInterrupt and the like) leaves the old head with the old file, or
        the new head with the new file, or a journal that refuses everything.

        Raises:
            StorageError: It failed, and the file is as it was.
            CommitUncertain: It failed and could not be undone, or an earlier one could not.
        """
        self._require_certain()
        self._refuses = True
        try:
            write_all(self._descriptor, line.content)
            os.fdatasync(self._descriptor)
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

    def _cut_back(self, cause: BaseException) -> None:
        if self._is_as_it_was():
            self._refuses = False  # not a byte of it got there
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
        """Make sure that the journal is the one at its path, and as this writer left it.

        Raises:
            LeaseLost: It was closed, removed, replaced or written to by somebody else.
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
        """Make durable what is in the file; an earlier writer may have died before it did."""
        with translated("make durable", self.path):
            os.fdatasync(self._descriptor)

    def cut(self, size: int) -> None:
        """Cut off what follows the first `size` bytes, durably."""
        with translated("repair", self.path):
            os.ftruncate(self._descriptor, size)
            os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Give the descriptor back. It can be called twice."""
        self._closer()
