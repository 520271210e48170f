"""The program of a watchdog: ends the tools of a process that no longer tells that its leases hold.

Started by `environments.system.watchdog`, which also says what the lines of its input mean. Only the
standard library is imported, as the program runs beside every command on a shared store.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

GRACE = 0.5
"""The seconds between SIGTERM and SIGKILL: others may take over soon."""

_MARK = b"ENVCHART_OPERATION="
_LOOK = 0.02


@dataclass
class _Lease:
    """A name that is held until a time, with what marks its tools."""

    until: float = float("inf")
    operations: set[bytes] = field(default_factory=set)
    groups: set[tuple[int, int]] = field(default_factory=set)


class _Watch:
    def __init__(self, owner: int, started: int) -> None:
        self.owner = owner
        self.started = started
        self.owner_until = float("inf")
        self.leases: dict[bytes, _Lease] = {}
        self.is_over = False

    def take(self, line: bytes) -> None:
        """Take note of a line of the input."""
        word, *rest = line.split()
        if word == b"end":
            self.is_over = True
        elif word == b"owner":
            self.owner_until = float(rest[0])
        elif word == b"free":
            self.leases.pop(rest[0], None)
        else:
            lease = self.leases.setdefault(rest[0], _Lease())
            if word == b"until":
                lease.until = float(rest[1])
            elif word == b"mark":
                lease.operations.add(rest[1])
            elif word == b"group":
                lease.groups.add((int(rest[1]), int(rest[2])))

    @property
    def next(self) -> float:
        """The time at which a lease ends, or that of the owner."""
        return min([self.owner_until, *(lease.until for lease in self.leases.values())])

    def act(self, now: float) -> None:
        """End the tools of leases that have ended; with the owner's time over, all, and the owner."""
        is_owner_late = now >= self.owner_until
        late = [key for key, lease in self.leases.items() if is_owner_late or now >= lease.until]
        ended = [self.leases.pop(key) for key in late]
        if is_owner_late:
            if _ticks(self.owner) == self.started:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(self.owner, signal.SIGKILL)
            self.is_over = True
        _end(ended)

    def end_all(self) -> None:
        """End all tools: the owner is gone."""
        _end(list(self.leases.values()))


def _end(leases: list[_Lease]) -> None:
    """End the tools of leases: by SIGTERM, and soon by SIGKILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + (GRACE if number is signal.SIGTERM else 10 * GRACE)
        signalled: set[int] = set()
        while (found := set(_tools(leases))) and time.monotonic() < deadline:
            for pid in found - signalled:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
            signalled |= found
            time.sleep(_LOOK)


def _tools(leases: list[_Lease]) -> Iterator[int]:
    """Yield the running processes of leases: those with their marks, and those of their groups."""
    marks = {_MARK + operation for lease in leases for operation in lease.operations}
    groups = {number for lease in leases for number, _ in lease.groups}
    ours = {number for lease in leases for number, ticks in lease.groups if _ticks(number) == ticks}
    if not marks and not groups:
        return
    for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):  # noqa: PTH208  # fast
        if pid == os.getpid() or _is_dead(pid):
            continue
        group = 0
        with suppress(ProcessLookupError, PermissionError):
            group = os.getpgid(pid)
        if group in ours or marks.intersection(_variables(pid)):
            yield pid


def _variables(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _fields(pid: int) -> list[str]:
    """Return the fields of a process's state behind its name."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _is_dead(pid: int) -> bool:
    return _fields(pid)[:1] in ([], ["Z"], ["X"])


def _ticks(pid: int) -> int | None:
    """Return the start of a process, in clock ticks since the boot."""
    fields = _fields(pid)
    return int(fields[19]) if len(fields) > 19 else None


def main(owner: int, started: int) -> None:
    """Watch until the input ends."""
    # The owner decides: a Ctrl-C and a hangup reach it as well.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP):
        signal.signal(number, signal.SIG_IGN)
    watch = _Watch(owner, started)
    rest = b""
    while not watch.is_over:
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        # What waits to be read comes first: this process may have been paused as well.
        left = max(0.0, min(watch.next - now, 3600.0))
        if select.select([0], [], [], left)[0]:
            content = os.read(0, 65536)
            if not content:
                watch.end_all()
                return
            *lines, rest = (rest + content).split(b"\n")
            for line in lines:
                watch.take(line)
        else:
            watch.act(time.clock_gettime(time.CLOCK_BOOTTIME))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
