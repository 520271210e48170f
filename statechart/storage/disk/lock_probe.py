"""Probes of locks, which neither take them nor load pydantic."""

from __future__ import annotations

import json
import os
from fcntl import LOCK_NB, LOCK_SH, flock
from pathlib import Path

_LIMIT = 65_536
_LOCKS = Path("/proc/locks")


def is_taken(path: str) -> bool:
    """Return whether a process holds the lock on a file, without waiting and without a look at the kernel.

    A lock whose last holder signed off counts as free, so that a holder that signs on right now is missed.

    Raises:
        OSError: There is no such file, or it can't be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        content = os.pread(descriptor, _LIMIT, 0)
        return bool(content.strip()) and not _is_released(content) and is_held(descriptor)
    finally:
        os.close(descriptor)


def is_only_probed(path: str) -> bool:
    """Return whether nobody holds the lock on a file, although it can't be taken at the moment.

    A probe takes it for a moment, and with many of them there is always one.

    Raises:
        OSError: There is no such file, or it can't be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        return _let_go(descriptor)
    finally:
        os.close(descriptor)


def is_held(descriptor: int) -> bool:
    """Return whether a process holds the lock on an open file, without waiting.

    Raises:
        OSError: The file can't be read.
    """
    if _let_go(descriptor):
        return False  # a probe could keep another process from taking the lock
    try:
        flock(descriptor, LOCK_SH | LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _let_go(descriptor: int) -> bool:
    """Return whether the last holder signed off, and the kernel lists no other."""
    content = os.pread(descriptor, _LIMIT, 0)
    signed_off = not content or _is_released(content)
    return signed_off and os.access(_LOCKS, os.R_OK) and kernel_owner(os.fstat(descriptor)) is None


def _is_released(content: bytes) -> bool:
    try:
        found = json.loads(content.split(b"\n", 1)[0])
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("released") is True


def kernel_owner(status: os.stat_result) -> int | None:
    """Return the process whose lock on a file the kernel lists; None when it lists none to us.

    Source: proc_locks(5).
    """
    major, minor = os.major(status.st_dev), os.minor(status.st_dev)
    place = f"{major:02x}:{minor:02x}:{status.st_ino}"
    try:
        lines = _LOCKS.read_text().splitlines()
    except OSError:
        return None
    for fields in map(str.split, lines):
        if fields[1] == "FLOCK" and fields[3] == "WRITE" and fields[5] == place and int(fields[4]) > 0:
            return int(fields[4])
    return None
