"""Files of the environments: read and written for their owner only, never through a symbolic link."""

from __future__ import annotations

import ctypes
import json
import os
import sys
from typing import Any

from statechart.storage.disk import (
    AnyPath,
    OwnPath,
    entries,
    make_directory,
    read_open,
    remove_file,
    remove_tree,
    rename,
    replace_file,
    require_directory,
    require_file,
    sync_directory,
)

__all__ = [
    "AnyPath",
    "OwnPath",
    "entries",
    "make_directories",
    "make_directory",
    "read_object",
    "read_own",
    "remove_file",
    "remove_tree",
    "rename",
    "replace_file",
    "require_directory",
    "require_file",
    "require_unlinked",
    "sync_directories",
    "sync_directory",
    "sync_file_system",
    "write_private",
]

_LIBRARY = ctypes.CDLL(None, use_errno=True)


def read_own(path: AnyPath) -> bytes:
    """Return the bytes of a regular file that is reached without following a link.

    Raises:
        NotOurs: The path is a link or another kind of file, or leads through a link.
        OSError: The file is missing or can't be read.
    """
    descriptor = OwnPath.of(path).open(os.O_RDONLY)
    try:
        return read_open(descriptor, path)
    finally:
        os.close(descriptor)


def read_object(path: AnyPath) -> dict[str, Any] | None:  # Any: JSON
    """Return the JSON object in a file, or None if the file is missing or holds no object.

    Raises:
        NotOurs: The path is a link or another kind of file, or leads through a link.
        OSError: The file can't be read.
    """
    try:
        found = json.loads(read_own(path))
    except (FileNotFoundError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def write_private(path: AnyPath, text: str) -> None:
    """Replace a file atomically and durably; only its owner can read the file.

    Raises:
        NotOurs: The path leads through a symbolic link.
        OSError: The file can't be written.
    """
    replace_file(path, text.encode())


def make_directories(path: OwnPath) -> None:
    """Create a directory and the missing directories above it, for their owner only.

    The way to the root may lead through links.

    Raises:
        NotOurs: One of them is a symbolic link or another kind of file.
        OSError: One of them can't be created.
    """
    path.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    for depth in range(1, len(path.names) + 1):
        make_directory(OwnPath(path.root, path.names[:depth]))


def require_unlinked(directory: OwnPath, depth: int = sys.maxsize) -> None:
    """Check the files that another program opens by their paths.

    Args:
        directory: The directory of the files; it may be missing.
        depth: The number of levels below the directory to look at.

    Raises:
        NotOurs: One of the paths is neither a file nor a directory, but a link for example.
    """
    require_directory(directory)
    left = [(directory, depth)]
    while left:
        above, levels = left.pop()
        for path in entries(above):
            if not path.is_dir():
                require_file(path)
            elif levels > 1:
                left.append((path, levels - 1))


def sync_directories(path: AnyPath) -> None:
    """Make the names in a directory, and in all directories below it, durable."""
    with OwnPath.of(path).reached() as (directory, name):
        for _, _, _, descriptor in os.fwalk(name, dir_fd=directory):
            os.fsync(descriptor)


def sync_file_system(path: AnyPath) -> None:
    """Make the whole file system of a directory durable."""
    # For many small files this is much faster than syncing each file.
    descriptor = OwnPath.of(path).open(os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _LIBRARY.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(descriptor)
