"""Files that are ours: read, created and replaced."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from statechart.errors import LeaseLost, NotOurs
from statechart.storage.disk.directories import sync_directory
from statechart.storage.disk.failures import failure, translated
from statechart.storage.disk.paths import AnyPath, OwnPath, unfit

PRIVATE_FILE = 0o600

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_BLOCK = 65_536


def read_file(path: AnyPath, limit: int | None = None) -> bytes | None:
    """Return the bytes of a regular file, or None if there is no file.

    Args:
        path: The file.
        limit: The size in bytes up to which the file is read.

    Raises:
        NotOurs: The path is a symbolic link or another kind of file, or the file is larger than the limit.
        StorageError: The file can't be read.
    """
    with translated("read", path):
        try:
            descriptor = OwnPath.of(path).open(os.O_RDONLY)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            return read_open(descriptor, path, limit)
        finally:
            os.close(descriptor)


def read_regular(path: Path, limit: int) -> bytes:
    """Return the bytes of a user's file, which may be a link to a regular file.

    Raises:
        NotOurs: The path leads to another kind of file, or the file is larger than `limit` bytes.
        OSError: The file is missing or can't be read.
    """
    # Opening a FIFO would wait for its writer, and no signal could end the wait of a thread.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket
            raise NotOurs(path, "is not a regular file") from error
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotOurs(path, "is not a regular file")
        return read_open(descriptor, path, limit)
    finally:
        os.close(descriptor)


def read_open(descriptor: int, path: AnyPath, limit: int | None = None) -> bytes:
    """Return the bytes of a file that was opened at a path.

    Raises:
        NotOurs: The file is larger than the limit.
        OSError: The file can't be read.
    """
    size = os.fstat(descriptor).st_size
    # One byte more than the size, so that the first read usually shows the end of the file.
    content = b"" if limit is not None and size > limit else os.read(descriptor, size + 1)
    while limit is None or max(size, len(content)) <= limit:
        chunk = os.read(descriptor, max(size, _BLOCK))  # files of /proc have no size
        if not chunk:
            return content
        content += chunk
    raise NotOurs(Path(path), f"is larger than {limit} bytes")


def require_file(path: AnyPath) -> bool:
    """Return whether a regular file exists.

    Raises:
        NotOurs: The path is a symbolic link or another kind of file.
    """
    place = OwnPath.of(path)
    with translated("look at", path):
        found = place.status()
    if found is not None and (refused := unfit(place, found.st_mode, "a file")) is not None:
        raise refused
    return found is not None


def require_in_place(where: str, identity: tuple[int, int], name: str) -> os.stat_result:
    """Return the status of a path that must still be the file that was opened.

    Args:
        where: The path.
        identity: The device and inode of the opened file.
        name: The name under change, for the error.

    Raises:
        LeaseLost: The file was removed or replaced.
        StorageError: The path can't be inspected.
    """
    # A lock or journal that lost its name still accepts writes, but keeps no newcomer out.
    try:
        found = os.lstat(where)
    except FileNotFoundError:
        raise LeaseLost(name, Path(where)) from None
    except OSError as error:
        raise failure("look at", where, error) from error
    if (found.st_dev, found.st_ino) != identity:
        raise LeaseLost(name, Path(where))
    return found


def write_all(descriptor: int, content: bytes) -> None:
    """Write all bytes, even if the system accepts only a few at a time."""
    written = os.write(descriptor, content)
    while written < len(content):
        written += os.write(descriptor, content[written:])


def create_file(
    path: AnyPath, content: bytes, *, mode: int = PRIVATE_FILE, sync: bool = False, reserve: bool = False
) -> None:
    """Write a new file, private by default.

    Args:
        path: Where to create the file.
        content: All of its bytes.
        mode: The permissions, whatever the umask is.
        sync: Make the bytes durable. The name is durable after `sync_directory` only.
        reserve: Allocate the blocks before writing, for a file that can be rebuilt. After a power
            cut, the file may hold zeros.

    Raises:
        FileExistsError: The path is taken.
        NotOurs: The path leads through a symbolic link.
        OSError: The file could not be written; an incomplete file may be left.
    """
    with OwnPath.of(path).reached() as (directory, name):
        _create(directory, name, content, mode=mode, sync=sync, reserve=reserve)


def _create(directory: int, name: str, content: bytes, *, mode: int, sync: bool, reserve: bool) -> None:
    descriptor = os.open(name, _CREATE, mode, dir_fd=directory)
    try:
        if reserve and hasattr(os, "posix_fallocate"):
            # ext4 flushes a file with unallocated blocks when it is renamed over another one.
            with suppress(OSError):  # not every file system can allocate; the write reports real trouble
                os.posix_fallocate(descriptor, 0, len(content))
        if mode != PRIVATE_FILE:  # no sensible umask takes anything from a private one
            os.fchmod(descriptor, mode)
        write_all(descriptor, content)
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: AnyPath, content: bytes, *, mode: int = PRIVATE_FILE, durable: bool = True) -> None:
    """Create or replace a file atomically: readers see the old content or the new.

    The content goes through `.<name>.tmp` in the same directory, so two processes must not
    replace the same path at once.

    Args:
        path: The file to replace.
        content: All of its bytes.
        mode: The permissions of the new file, whatever the umask is.
        durable: Make the content and the name survive a power cut before returning. Otherwise a
            power cut may leave the old content, the new content or zeros.

    Raises:
        NotOurs: The path leads through a symbolic link.
        OSError: The file could not be replaced. The old content is still there, unless the directory
            could not be synced.
    """
    target = OwnPath.of(path)
    with target.reached() as (directory, name):
        temporary = f".{name}.tmp"
        try:
            try:
                _create(directory, temporary, content, mode=mode, sync=durable, reserve=not durable)
            except FileExistsError:  # a writer died before its rename
                os.unlink(temporary, dir_fd=directory)
                _create(directory, temporary, content, mode=mode, sync=durable, reserve=not durable)
            # The bytes must be durable before the name points to them.
            os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
        except OSError:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=directory)
            raise
    if durable:
        sync_directory(target.parent)


def remove_file(path: AnyPath) -> None:
    """Remove a file or link.

    Raises:
        OSError: The file is missing or can't be removed.
    """
    with OwnPath.of(path).reached() as (directory, name):
        os.unlink(name, dir_fd=directory)


def keep(path: AnyPath, kept: AnyPath) -> None:
    """Give a file a second name, or copy it where links are not possible; a missing file is left out.

    Raises:
        OSError: The second name is taken, or could not be given.
    """
    source, target = OwnPath.of(path), OwnPath.of(kept)
    try:
        with source.reached() as (here, old), target.reached() as (there, new):
            os.link(old, new, src_dir_fd=here, dst_dir_fd=there, follow_symlinks=False)
    except (FileNotFoundError, FileExistsError):
        if target.exists():
            raise
    except OSError:
        create_file(target, read_file(source) or b"", sync=True)
