"""Create and remove the directory of a name atomically."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from statechart.errors import AlreadyExists, CommitUncertain, NotFound, NotOurs
from statechart.log import warn
from statechart.storage.disk import (
    PRIVATE_DIRECTORY,
    AnyPath,
    OwnPath,
    create_file,
    entries,
    private_directory,
    remove_tree,
    rename,
    require_directory,
    sync_directory,
    translated,
)
from statechart.storage.layout import DOCUMENT, JOURNAL, Layout, identity, neither

_RENAME_NOREPLACE = 1


def make_root(layout: Layout) -> None:
    """Make the root directory, private to this user, and its path durable.

    Raises:
        StorageError: The directory could not be made, or its path not synced.
    """
    with translated("make the directory", layout.root):
        # The first creation makes `.new` after the path is durable: nothing is left to do once it exists.
        if os.path.lexists(layout.new):
            return
        if not layout.root.is_dir():
            layout.root.parent.mkdir(parents=True, exist_ok=True)
            layout.root.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
        _sync_path(layout.root)


def _sync_path(directory: Path) -> None:
    """Make every name that leads to a directory durable, up to its mount point."""
    # Names that exist are synced too: another creator may have died between making and syncing them.
    path = os.path.realpath(directory)
    while not os.path.ismount(path):
        path = os.path.dirname(path)
        with suppress(PermissionError):  # nobody without this permission makes directories there
            sync_directory(path)


def build(layout: Layout, name: str, files: Mapping[str, bytes]) -> None:
    """Create the directory of a name with its files, durably: all of them or none.

    Raises:
        AlreadyExists: The name is taken.
        NotOurs: The path holds files of another program.
        CommitUncertain: The directory exists, but may be gone after a power cut.
        StorageError: The directory could not be created; no trace was left.
    """
    target = layout.directory(name)
    require_free(layout, name)
    with translated("create", target), _making(layout) as directory:
        for file, content in files.items():
            create_file(directory / file, content, sync=True)
        # The names of the files must be durable before the directory gets its own name.
        sync_directory(directory)
        try:
            rename_exclusively(directory, layout.own(target))
        except (FileExistsError, NotADirectoryError) as error:
            require_free(layout, name)
            raise AlreadyExists(name, str(layout.root)) from error
    try:
        sync_directory(layout.root)
    except OSError as error:
        raise CommitUncertain(name) from error


def require_free(layout: Layout, name: str) -> None:
    """Raise AlreadyExists or NotOurs if a name is taken."""
    target = layout.directory(name)
    while (seen := identity(target)) is not None:
        try:
            layout.require(name)
        except NotFound:
            return
        if any(os.path.lexists(target / file) for file in (JOURNAL, DOCUMENT)):
            raise AlreadyExists(name, str(layout.root))
        # Another directory, or none, means that this one was purged meanwhile: ask again.
        if identity(target) == seen:
            raise neither(target)


@contextmanager
def _making(layout: Layout) -> Iterator[OwnPath]:
    """Yield an empty directory that `sweep` leaves alone; remove any remains at the end."""
    place = layout.own(layout.new)
    private_directory(place)
    while True:  # a sweep may remove the new directory before it is locked
        directory = place / uuid4().hex
        private_directory(directory)
        descriptor = _claimed(directory)
        if descriptor is not None:
            break
    try:
        yield directory
    finally:
        try:
            _remove(directory)
        finally:
            with suppress(OSError):  # the directory is gone, so its lock does not matter
                os.close(descriptor)


def _claimed(directory: OwnPath) -> int | None:
    """Lock a directory, or return None if a sweep has locked or removed the directory."""
    try:
        descriptor = directory.open(os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A sweep may have removed the directory between the open and the lock.
        found = directory.status()
        if found is not None and os.path.samestat(os.fstat(descriptor), found):
            return descriptor
    except BlockingIOError:
        pass
    except BaseException:
        os.close(descriptor)  # while locked, the directory would never be swept
        raise
    os.close(descriptor)
    return None


def discard(layout: Layout, name: str) -> None:
    """Remove the directory of a name for good. The name is durably free before the files are removed.

    Raises:
        CommitUncertain: The directory is gone, but may be back after a power cut.
        StorageError: The directory could not be removed and is unchanged.
    """
    source, trash = layout.own(layout.directory(name)), layout.own(layout.trash)
    require_places(layout)
    private_directory(trash)
    with translated("remove", source):
        # One rename takes the name away: no crash leaves a name with only some of its files.
        rename(source, trash / uuid4().hex)
    try:
        sync_directory(layout.root)
    except OSError as error:
        raise CommitUncertain(name) from error
    sweep(layout)


def require_places(layout: Layout) -> None:
    """Check the directories beside those of the names.

    Raises:
        NotOurs: A symbolic link or another kind of file is among them.
    """
    for place in (layout.new, layout.trash, layout.locks):
        require_directory(layout.own(place))


def sweep(layout: Layout) -> None:
    """Remove the remains of dead creators and of purges; skip directories that can't be removed."""
    for entry in _entries(layout.own(layout.new)):
        with suppress(OSError, NotOurs):  # a file is nothing that a creator left
            descriptor = _claimed(entry)
            if descriptor is not None:
                _remove(entry)
                os.close(descriptor)
    trash = _entries(layout.own(layout.trash))
    if trash:
        # A purge that died may not have made the rename durable: removed first, the files would be
        # missing from a directory that has its name back after a power cut.
        with suppress(OSError):
            sync_directory(layout.root)
    for entry in trash:
        _remove(entry)
        if os.path.lexists(entry):
            warn(f"Could not remove all of {entry}", path=str(entry))


def _remove(place: OwnPath) -> None:
    with suppress(OSError, NotOurs):
        remove_tree(place)


def _entries(place: OwnPath) -> list[OwnPath]:
    with suppress(OSError, NotOurs):
        return entries(place)
    return []


def rename_exclusively(source: AnyPath, target: AnyPath) -> None:
    """Rename a directory to a name that must be free.

    Raises:
        FileExistsError: The name is taken.
    """
    renameat2 = _renameat2()
    if renameat2 is not None:
        with OwnPath.of(source).reached() as (here, old), OwnPath.of(target).reached() as (there, new):
            arguments = here, os.fsencode(old), there, os.fsencode(new), _RENAME_NOREPLACE
            code = 0 if renameat2(*arguments) == 0 else ctypes.get_errno()
        if code == 0:
            return
        if code not in (errno.ENOSYS, errno.EINVAL):  # kernel or file system without the flag
            raise OSError(code, os.strerror(code), str(target))
    # A race can be lost here, but a plain rename replaces nothing except an empty directory.
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    try:
        rename(source, target)
    except OSError as error:
        if error.errno == errno.ENOTEMPTY:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from error
        raise


@cache
def _renameat2() -> Any:  # symbols of a library are untyped
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is not None:
        function.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    return function
