"""Errors of the operating system, translated into StorageError."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from statechart.errors import StorageError

_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
}


def failure(action: str, path: str | os.PathLike[str], error: OSError) -> StorageError:
    """Return the StorageError for an action on a path that failed."""
    reason = _REASONS.get(error.errno or 0) or error.strerror or str(error)
    return StorageError(f"cannot {action} {path}: {reason}")


@contextmanager
def translated(action: str, path: str | os.PathLike[str]) -> Iterator[None]:
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
