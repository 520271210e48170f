"""Paths below a directory of ours, which are never reached through a symbolic link."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from statechart.errors import NotOurs

# A descriptor of a directory that need not be readable. Linux alone has the flag.
PASS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
# O_NONBLOCK, as opening a FIFO in the place of a file would wait for its other end.
_SAFE = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_IN_THE_WAY = (errno.ELOOP, errno.EMLINK, errno.ENOTDIR, errno.EISDIR, errno.ENXIO)


@dataclass(frozen=True, slots=True)
class OwnPath:
    """A path below a directory, such as the data directory.

    Whoever can write below that directory could put a symbolic link in the place of a file or
    directory, and so lead this program elsewhere. The path is therefore reached one name after
    another, each relative to the descriptor of the directory before it, and a link is refused.

    Attributes:
        root: The directory. This path is the user's choice, and may lead through links.
        names: The names below it.
    """

    root: Path
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, path: AnyPath) -> OwnPath:
        """Return a path as it is, or a plain path of which only the last name may not be a link."""
        if isinstance(path, OwnPath):
            return path
        directory, name = os.path.split(path)
        return cls(Path(directory), (name,))

    @classmethod
    def within(cls, root: Path, path: Path) -> OwnPath:
        """Return a path below a root; a path that lies elsewhere is as with `of`."""
        if not path.is_relative_to(root):
            return cls.of(path)
        return cls(root) / os.fspath(path.relative_to(root))

    def child(self, name: str) -> OwnPath:
        """Return the path of a name in this directory, which is ours: it leads nowhere else."""
        return OwnPath(self.root, (*self.names, name))

    def __truediv__(self, other: str) -> OwnPath:
        names = Path(other).parts
        if os.path.isabs(other) or ".." in names or not _expressible(other):
            raise NotOurs(self.root.joinpath(*self.names, other), f"leads out of {self}")
        return OwnPath(self.root, (*self.names, *names))

    def __fspath__(self) -> str:
        return os.path.join(self.root, *self.names)

    def __str__(self) -> str:
        return os.fspath(self)

    @property
    def name(self) -> str:
        """The last name."""
        return self.names[-1]

    @property
    def parent(self) -> OwnPath:
        """The directory that holds this path."""
        return OwnPath(self.root, self.names[:-1])

    @contextmanager
    def reached(self) -> Iterator[tuple[int, str]]:
        """Yield the descriptor of the directory that holds the path, and the name in it.

        Raises:
            NotOurs: The way leads through a symbolic link, or something that is not a directory.
            OSError: The directory is missing or can't be entered. An OSError of the body gets the path.
        """
        directory = self._directory()
        try:
            yield directory, self.name if self.names else os.curdir
        except OSError as error:
            error.filename = str(self)  # a bare name says little
            raise
        finally:
            leave(directory)

    def _directory(self) -> int:
        directory = os.open(self.root, PASS)
        for depth, name in enumerate(self.names[:-1], 1):
            above = directory
            try:
                directory = os.open(name, PASS | os.O_NOFOLLOW, dir_fd=above)
            except OSError as error:
                path = OwnPath(self.root, self.names[:depth])
                if (refused := _refused(error, path, above, "a directory")) is not None:
                    raise refused from error
                error.filename = str(path)
                raise
            finally:
                leave(above)
        return directory

    def open(self, flags: int, mode: int = 0o600) -> int:
        """Open a regular file, or a directory with O_DIRECTORY, and return its descriptor.

        Raises:
            NotOurs: The path is a symbolic link or another kind of file, or leads through a link.
            OSError: The file can't be opened.
        """
        wanted = "a directory" if flags & os.O_DIRECTORY else "a file"
        with self.reached() as (directory, name):
            try:
                descriptor = os.open(name, flags | _SAFE, mode, dir_fd=directory)
            except OSError as error:
                if (refused := _refused(error, self, directory, wanted)) is not None:
                    raise refused from error
                raise
        if flags & os.O_DIRECTORY or stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
        raise NotOurs(Path(self), "is not a regular file")

    def status(self) -> os.stat_result | None:
        """Return the status of the path itself, or None if it is missing.

        Raises:
            NotOurs: The way leads through a symbolic link, or something that is not a directory.
        """
        try:
            with self.reached() as (directory, name):
                return os.stat(name, dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def exists(self) -> bool:
        """Return whether there is a file of any kind."""
        return self.status() is not None

    def is_file(self) -> bool:
        """Return whether the path is a regular file, and not a link."""
        found = self.status()
        return found is not None and stat.S_ISREG(found.st_mode)

    def is_dir(self) -> bool:
        """Return whether the path is a directory, and not a link."""
        found = self.status()
        return found is not None and stat.S_ISDIR(found.st_mode)


AnyPath: TypeAlias = str | Path | OwnPath
"""A path that is ours from a directory on, or a plain path, whose directory is the user's choice."""


def leave(directory: int) -> None:
    """Close the descriptor of a directory; nothing was written to it that could fail late."""
    with suppress(OSError):
        os.close(directory)


def unfit(path: OwnPath, mode: int, wanted: str) -> NotOurs | None:
    """Return the error for a path whose mode is not that of the wanted kind of file."""
    if stat.S_ISLNK(mode):
        return NotOurs(Path(path), f"is a symbolic link, where {wanted} belongs")
    if wanted == "a directory":
        return None if stat.S_ISDIR(mode) else NotOurs(Path(path), "is not a directory")
    return None if stat.S_ISREG(mode) else NotOurs(Path(path), "is not a regular file")


def _refused(error: OSError, path: OwnPath, directory: int, wanted: str) -> NotOurs | None:
    """Return the error for a file of another kind, if that is why it could not be opened."""
    if error.errno in _IN_THE_WAY:
        with suppress(OSError):
            found = os.stat(path.name, dir_fd=directory, follow_symlinks=False)
            return unfit(path, found.st_mode, wanted)
    return None


def _expressible(name: str) -> bool:
    """Return whether the system can express a name: without NUL or half of a surrogate pair."""
    try:
        return b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:
        return False
