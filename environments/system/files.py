"""Write files durably for their owner only, and remove trees of any mode."""

from __future__ import annotations

import ctypes
import os
import shutil
from pathlib import Path

from statechart.storage.disk import replace_file, sync_directory

__all__ = [
    "remove_tree",
    "sync_directories",
    "sync_directory",
    "sync_file_system",
    "write_private",
]

_LIBRARY = ctypes.CDLL(None, use_errno=True)


def write_private(path: Path, text: str) -> None:
    """Replace a file atomically and durably; only its owner can read the file."""
    replace_file(path, text.encode())


def sync_directories(path: Path) -> None:
    """Make the names in a directory, and in all directories below it, durable."""
    for folder, _, _ in os.walk(path):
        sync_directory(Path(folder))


def sync_file_system(path: Path) -> None:
    """Make the whole file system of a directory durable."""
    # For many small files this is much faster than syncing each file.
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _LIBRARY.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(descriptor)


def remove_tree(path: Path) -> None:
    """Remove a directory tree if it exists, without following links."""
    if not os.path.lexists(path):
        return
    if path.is_symlink() or not path.is_dir():
        path.unlink()
        return
    try:
        shutil.rmtree(path)
    except PermissionError:
        _permit(path)
        shutil.rmtree(path)


def _permit(path: Path) -> None:
    """Make all directories of a tree writable for their owner."""
    path.chmod(0o700)
    for folder, directories, _ in os.walk(path):
        for name in directories:
            inner = Path(folder, name)
            if not inner.is_symlink():
                inner.chmod(0o700)
