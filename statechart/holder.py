"""Who holds a lock: the identity of a process, written down for people."""

from __future__ import annotations

import getpass
import os
import socket
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from uuid import uuid4

from pydantic import BaseModel, Field

from statechart.utc import UtcDatetime


class Holder(BaseModel, frozen=True, extra="forbid"):
    """A process that holds a lock, as it described itself when it took it.

    It is information, and never decides: the kernel's lock does.
    `start_ticks` is the process's start in clock ticks since boot, `boot_id` the kernel's random
    name of this boot; both are None where the system does not tell (other than Linux).
    """

    pid: int
    host: str
    user: str
    command: str
    since: UtcDatetime
    token: str = Field(default_factory=lambda: uuid4().hex)
    start_ticks: int | None = None
    boot_id: str | None = None
    pid_namespace: str | None = None

    @classmethod
    def current(cls, command: str = "") -> Holder:
        """Describe this process, about to do `command`."""
        return cls(
            pid=os.getpid(),
            host=socket.gethostname(),
            user=_user(),
            command=command,
            since=datetime.now(UTC),
            start_ticks=start_ticks(os.getpid()),
            boot_id=_boot_id(),
            pid_namespace=_pid_namespace(),
        )

    def describe(self) -> str:
        """Tell who this is, in words: `envchart run, pid 71 of ann@lab, since 10:31:05Z (alive)`."""
        alive = {True: " (alive)", False: " (no longer alive)", None: ""}[self.is_alive()]
        doing = f"{self.command}, " if self.command else ""
        return f"{doing}pid {self.pid} of {self.user}@{self.host}, since {self.since:%H:%M:%SZ}{alive}"

    def is_alive(self) -> bool | None:
        """Return whether this very process lives; None when that can't be known from here."""
        if self.start_ticks is None or self.boot_id is None:
            return None
        if self.host != socket.gethostname() or self.pid_namespace != _pid_namespace():
            return None
        return self.boot_id == _boot_id() and start_ticks(self.pid) == self.start_ticks


def start_ticks(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; None when it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


@cache
def _boot_id() -> str | None:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None


def _pid_namespace() -> str | None:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return None


@cache
def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
