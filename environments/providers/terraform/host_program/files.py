"""Files of the host: replaced atomically and durably, and removed."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from uuid import uuid4

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file atomically and durably.

    Args:
        path: The file.
        text: Its new content.
        mode: Its permissions; by default, only its owner can read it.
    """
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)  # a leftover may have other permissions
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)
    sync(path.parent)


def sync(directory: Path) -> None:
    """Make the entries of a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file, or a directory with its content, without following links."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    _remove_directory(path)


def _remove_directory(path: Path) -> None:
    # Not shutil.rmtree, which calls itself for each level: a service may nest directories deeper. So
    # each directory is moved up before it is emptied.
    top = os.open(path, _DIRECTORY)
    try:
        prefix, moved = f".{uuid4().hex}-", 0
        left = [name for name in _listed(top) if _is_directory(name, top)]
        while left:
            each = left.pop()
            inner = os.open(each, _DIRECTORY, dir_fd=top)
            try:
                for nested in _without_files(inner):
                    moved += 1
                    os.rename(nested, f"{prefix}{moved}", src_dir_fd=inner, dst_dir_fd=top)
                    left.append(f"{prefix}{moved}")
            finally:
                os.close(inner)
            os.rmdir(each, dir_fd=top)
        # The marker, which begins with a dot, goes last: without it, the rest would be nobody's.
        for name in sorted(_listed(top), reverse=True):
            os.unlink(name, dir_fd=top)
    finally:
        os.close(top)
    path.rmdir()


def _without_files(directory: int) -> list[str]:
    """Remove all but the directories from a directory, and return their names."""
    directories: list[str] = []
    for name in _listed(directory):
        if _is_directory(name, directory):
            directories.append(name)
        else:
            os.unlink(name, dir_fd=directory)
    return directories


def _is_directory(name: str, above: int) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode)


def _listed(directory: int) -> list[str]:
    return os.listdir(directory)
