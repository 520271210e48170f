"""Directories that are ours: made, listed, renamed, synced and removed."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from uuid import uuid4

from statechart.storage.disk.failures import translated
from statechart.storage.disk.paths import PASS, AnyPath, OwnPath, leave, unfit

PRIVATE_DIRECTORY = 0o700
_READ = os.O_RDONLY | os.O_DIRECTORY


def sync_directory(path: AnyPath) -> None:
    """Make the names in a directory durable."""
    if isinstance(path, OwnPath) and path.names:
        descriptor = path.open(_READ)
    else:  # the way to a root is the user's choice
        descriptor = os.open(path, _READ | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def private_directory(path: AnyPath) -> None:
    """Create a directory that only this user can enter, unless the directory exists.

    Raises:
        NotOurs: The path is not a directory.
        StorageError: The directory can't be created.
    """
    with translated("make the directory", path):
        make_directory(path)


def make_directory(path: AnyPath) -> bool:
    """Create a directory that only this user can enter; return whether the directory is new.

    Raises:
        NotOurs: The path is not a directory.
        OSError: The directory can't be created.
    """
    place = OwnPath.of(path)
    with suppress(FileExistsError), place.reached() as (directory, name):
        os.mkdir(name, PRIVATE_DIRECTORY, dir_fd=directory)
        return True
    require_directory(place)
    return False


def require_directory(path: AnyPath) -> bool:
    """Return whether a directory exists.

    Raises:
        NotOurs: The path is a symbolic link or not a directory.
    """
    place = OwnPath.of(path)
    with translated("look at", path):
        try:
            found = place.status()
        except NotADirectoryError:
            return False
    if found is not None and (refused := unfit(place, found.st_mode, "a directory")) is not None:
        raise refused
    return found is not None


def entries(path: AnyPath) -> list[OwnPath]:
    """Return the paths in a directory, sorted; none if the directory is missing.

    Raises:
        NotOurs: The path is a symbolic link or not a directory.
    """
    place = OwnPath.of(path)
    try:
        descriptor = place.open(_READ)
    except FileNotFoundError:
        return []
    try:
        return [OwnPath(place.root, (*place.names, name)) for name in sorted(os.listdir(descriptor))]
    finally:
        leave(descriptor)


def rename(source: AnyPath, target: AnyPath) -> None:
    """Rename a file or directory, and replace a file at the target."""
    with OwnPath.of(source).reached() as (here, old), OwnPath.of(target).reached() as (there, new):
        os.rename(old, new, src_dir_fd=here, dst_dir_fd=there)


def remove_tree(path: AnyPath) -> None:
    """Remove a file or directory tree if it exists, whatever its modes, without following links."""
    place = OwnPath.of(path)
    found = place.status()
    if found is None:
        return
    with place.reached() as (directory, name):
        if not stat.S_ISDIR(found.st_mode):
            os.unlink(name, dir_fd=directory)
            return
        _remove_directory(name, directory)


def _remove_directory(name: str, above: int) -> None:
    # Not shutil.rmtree, which calls itself and holds a descriptor for each level: a program may nest
    # directories deeper than either allows. So each directory is moved up before it is emptied.
    _permit(name, above)
    top = _opened(name, above)
    try:
        prefix, moved = f".{uuid4().hex}-", 0
        left = _without_files(top)
        while left:
            each = left.pop()
            _permit(each, top)
            inner = _opened(each, top)
            try:
                for nested in _without_files(inner):
                    moved += 1
                    if _moved(nested, inner, f"{prefix}{moved}", top):
                        left.append(f"{prefix}{moved}")
            finally:
                leave(inner)
            os.rmdir(each, dir_fd=top)
    finally:
        leave(top)
    os.rmdir(name, dir_fd=above)


def _moved(name: str, above: int, new: str, top: int) -> bool:
    """Move a directory to the top, or remove it if it can only be removed; return whether it was moved."""
    _permit(name, above)
    try:
        os.rename(name, new, src_dir_fd=above, dst_dir_fd=top)
    except PermissionError:  # another user's, which has to be empty
        os.rmdir(name, dir_fd=above)
        return False
    return True


def _opened(name: str, above: int) -> int:
    return os.open(name, _READ | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)


def _without_files(directory: int) -> list[str]:
    """Remove all but the directories from a directory, and return their names."""
    directories: list[str] = []
    for name in os.listdir(directory):
        if stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
            directories.append(name)
        else:
            os.unlink(name, dir_fd=directory)
    return directories


def _permit(name: str, above: int) -> None:
    """Make a directory of this user writable, if its mode does not allow that."""
    if os.stat(name, dir_fd=above, follow_symlinks=False).st_mode & PRIVATE_DIRECTORY == PRIVATE_DIRECTORY:
        return
    directory = os.open(name, PASS | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
    try:
        # By descriptor, as a name could be exchanged for a link in between. Only a descriptor that can
        # read has fchmod, and the mode may not allow to read.
        with suppress(PermissionError):
            os.chmod(f"/proc/self/fd/{directory}", PRIVATE_DIRECTORY)
    finally:
        leave(directory)
