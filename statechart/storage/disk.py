"""Calls to the operating system, with their errors translated into StorageError."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from statechart.errors import LeaseLost, NotOurs, StorageError

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700

# O_NONBLOCK, as opening a FIFO in the place of a file would wait for its writer.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
}
_MOUNTINFO = Path("/proc/self/mountinfo")
_NETWORK = frozenset({"9p", "afs", "cifs", "davfs", "ncpfs", "nfs", "nfs4", "smb3", "smbfs"}) | {
    f"fuse.{kind}" for kind in ("davfs2", "gcsfuse", "rclone", "s3fs", "sshfs")
}
_ESCAPE = re.compile(r"\\([0-7]{3})")


def failure(action: str, path: str | Path, error: OSError) -> StorageError:
    """Return the StorageError for an action on a path that failed."""
    reason = _REASONS.get(error.errno or 0) or error.strerror or str(error)
    return StorageError(f"cannot {action} {path}: {reason}")


@contextmanager
def translated(action: str, path: str | Path) -> Iterator[None]:
    """Turn an OSError into a StorageError.

    Raises:
        StorageError: `cannot <action> <path>: <reason>`, from the OSError.
    """
    try:
        yield
    except StorageError:  # some are OSErrors too, and already say what happened
        raise
    except OSError as error:
        raise failure(action, path, error) from error


def read_file(path: str | Path) -> bytes | None:
    """Return the bytes of a regular file, or None if there is no file.

    Raises:
        NotOurs: The path is a symbolic link or another kind of file.
        StorageError: The file can't be read.
    """
    with translated("read", path):
        try:
            descriptor = os.open(path, _READ)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise NotOurs(Path(path), "is a symbolic link, where a file belongs") from error
            raise
        try:
            return _read(descriptor, path)
        finally:
            os.close(descriptor)


def _read(descriptor: int, path: str | Path) -> bytes:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise NotOurs(Path(path), "is not a regular file")
    # One byte more than the size, so that the first read usually shows the end of the file.
    content = os.read(descriptor, status.st_size + 1)
    while chunk := os.read(descriptor, status.st_size + 1):
        content += chunk
    return content


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
    path: str | Path, content: bytes, *, mode: int = PRIVATE_FILE, sync: bool = False, reserve: bool = False
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
        OSError: The file could not be written; an incomplete file may be left.
    """
    descriptor = os.open(path, _CREATE, mode)
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


def replace_file(
    path: str | Path, content: bytes, *, mode: int = PRIVATE_FILE, durable: bool = True
) -> None:
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
        OSError: The file could not be replaced. The old content is still there, unless the directory
            could not be synced.
    """
    target = os.fspath(path)
    directory, name = os.path.split(target)
    temporary = os.path.join(directory, f".{name}.tmp")
    try:
        try:
            create_file(temporary, content, mode=mode, sync=durable, reserve=not durable)
        except FileExistsError:  # a writer died before its rename
            os.unlink(temporary)
            create_file(temporary, content, mode=mode, sync=durable, reserve=not durable)
        # The bytes must be durable before the name points to them.
        os.rename(temporary, target)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    if durable:
        sync_directory(directory or os.curdir)


def sync_directory(path: str | Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def private_directory(path: Path) -> None:
    """Create a directory that only this user can enter, unless the directory exists.

    Raises:
        NotOurs: The path is not a directory.
        StorageError: The directory can't be created.
    """
    with translated("make the directory", path):
        with suppress(FileExistsError):
            path.mkdir(mode=PRIVATE_DIRECTORY)
            return
        require_directory(path)


def require_directory(path: Path) -> bool:
    """Return whether a directory exists.

    Raises:
        NotOurs: The path is a symbolic link or not a directory.
    """
    with translated("look at", path):
        try:
            mode = os.lstat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return False
    if stat.S_ISLNK(mode):
        raise NotOurs(path, "is a symbolic link, where a directory belongs")
    if not stat.S_ISDIR(mode):
        raise NotOurs(path, "is not a directory")
    return True


def network_filesystem(path: Path, mountinfo: Path | None = None) -> str | None:
    """Return the type of the network file system of a path, or None for a local one.

    The path need not exist. Without a list of mounts, every path counts as local.
    """
    try:
        lines = (mountinfo or _MOUNTINFO).read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    where = os.path.realpath(path)
    best, kind = "", ""
    for line in lines:
        before, _, after = line.partition(" - ")
        mount = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), before.split()[4])
        inside = mount == "/" or where == mount or where.startswith(mount + "/")
        if inside and len(mount) >= len(best):  # a later mount hides an earlier one
            best, kind = mount, after.split()[0]
    return kind if kind in _NETWORK else None
