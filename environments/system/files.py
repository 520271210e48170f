"""Private files: written durably, readable by their owner only, and removed whatever their modes."""

from __future__ import annotations

import ctypes
import os
import shutil
from pathlib import Path

_LIBRARY = ctypes.CDLL(None, use_errno=True)


def write_private(path: Path, text: str) -> None:
    """Replace a file's content at once and durably; only its owner can read it."""
    draft = path.with_name(f".{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_directories(path: Path) -> None:
    """Make the names in a directory, and in all directories below it, durable."""
    for folder, _, _ in os.walk(path):
        sync_directory(Path(folder))


def sync_file_system(path: Path) -> None:
    """Make everything durable that is on the file system of a directory.

    For many small files this takes a small part of the time that syncing each of them does.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _LIBRARY.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(descriptor)


def remove_tree(path: Path) -> None:
    """Remove a directory with all that is in it, if it is there; links are not followed."""
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
    """Give the owner back what a directory without write permission holds back."""
    path.chmod(0o700)
    for folder, directories, _ in os.walk(path):
        for name in directories:
            inner = Path(folder, name)
            if not inner.is_symlink():
                inner.chmod(0o700)
