"""Processes of the host, read from /proc.

Source: proc(5), field 22 of /proc/PID/stat.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from .refused import Refused

_PROC = Path("/proc")


def ticks(pid: int) -> int | None:
    """Return when a living process was started, in clock ticks since boot, or None.

    Raises:
        Refused: The processes of the host can't be seen.
    """
    try:
        # Behind the last parenthesis: the name before it may hold spaces and parentheses.
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        _require_visible()
        return None
    # A zombie has ended; its parent has just not collected it yet.
    return None if fields[0] in "ZX" else int(fields[19])


def of_service(leader: int | None, token: str) -> list[int]:
    """Return the living processes in a service's session, or with its token in their environment."""
    return [pid for pid in _living() if _session(pid) == leader or _carries(pid, token)]


def directories(pids: Iterable[int], below: Path) -> list[str]:
    """Return the distinct first-level directories below a path in which processes work."""
    found: dict[str, None] = {}
    for pid in pids:
        with suppress(OSError, ValueError):
            found[(_PROC / str(pid) / "cwd").readlink().relative_to(below).parts[0]] = None
    return list(found)


def _require_visible() -> None:
    """Check that the processes of the host can be seen.

    Raises:
        Refused: They can't.
    """
    if not (_PROC / "self" / "stat").exists():
        summary = f"which processes run is not known: {_PROC} is not mounted on the host"
        raise Refused("infrastructure", f"{summary}; mount it, then try again")


def _living() -> Iterator[int]:
    _require_visible()
    for name in filter(str.isdigit, os.listdir(_PROC)):  # noqa: PTH208  # names only, and many
        if ticks(int(name)) is not None:
            yield int(name)


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1


def _carries(pid: int, token: str) -> bool:
    with suppress(OSError):
        return f"={token}\0".encode() in (_PROC / str(pid) / "environ").read_bytes()
    return False
