"""The holder of a lock: the identity of a process, with a description for people."""

from __future__ import annotations

import getpass
import os
import socket
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from pwd import getpwuid
from uuid import uuid4

from pydantic import BaseModel, Field

from statechart.utc import UtcDatetime

_COMMAND_LIMIT = 100  # a command line may have megabytes, and every lock file holds its own


class ProcessIdentity(BaseModel, frozen=True, extra="forbid"):
    """The identity of a process, which a later process of the same number does not share.

    Attributes:
        pid: The number of the process in its PID namespace.
        started: The start in clock ticks since boot; None outside Linux.
        boot_id: The kernel's random name of the boot; None outside Linux.
        pid_namespace: The kernel's name of the namespace that the number belongs to, if known.
            Containers of the same machine share the boot, but not the namespace.
    """

    pid: int
    started: int | None = None
    boot_id: str | None = None
    pid_namespace: str | None = None

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity:
        """Return the identity of a process that has not been collected by its parent."""
        # A short-lived child may be a zombie by now, and its number still belongs to it.
        started = start_ticks(pid, zombie=True)
        return cls(pid=pid, started=started, boot_id=boot_id(), pid_namespace=pid_namespace())

    @property
    def is_elsewhere(self) -> bool:
        """Whether the number belongs to another boot or another PID namespace."""
        namespaces = (self.pid_namespace, pid_namespace())
        return self.boot_id != boot_id() or (None not in namespaces and len(set(namespaces)) > 1)

    @property
    def is_alive(self) -> bool:
        """Whether the process is known to be running here."""
        known = self.started is not None and self.boot_id is not None
        return known and not self.is_elsewhere and start_ticks(self.pid) == self.started


class Holder(BaseModel, frozen=True, extra="forbid"):
    """The process that acquired a lock, as described by itself.

    Only information: the kernel's lock decides who holds it. `start_ticks` is the start in clock
    ticks since boot, `boot_id` the kernel's random name of the boot. Both are None outside Linux.
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
            boot_id=boot_id(),
            pid_namespace=pid_namespace(),
        )

    @classmethod
    def of(cls, pid: int, since: datetime) -> Holder:
        """Describe another process of this machine, as far as the system tells."""
        return cls(
            pid=pid,
            host=socket.gethostname(),
            user=_owner(pid),
            command=_command_line(pid),
            since=since,
            start_ticks=start_ticks(pid),
            boot_id=boot_id(),
            pid_namespace=pid_namespace(),
        )

    @property
    def identity(self) -> ProcessIdentity:
        """The identity of the process."""
        return ProcessIdentity(
            pid=self.pid,
            started=self.start_ticks,
            boot_id=self.boot_id,
            pid_namespace=self.pid_namespace,
        )

    @property
    def is_own(self) -> bool:
        """Whether the holder is this very process."""
        return (self.pid, self.boot_id, self.pid_namespace, self.start_ticks) == (
            os.getpid(),
            boot_id(),
            pid_namespace(),
            start_ticks(os.getpid()),
        )

    def describe(self) -> str:
        """Return a description: `envchart run, pid 71 of ann@lab, since 10:31:05Z (alive)`."""
        alive = {True: " (alive)", False: " (no longer alive)", None: ""}[self.is_alive()]
        doing = f"{self.command}, " if self.command else ""
        return f"{doing}pid {self.pid} of {self.user}@{self.host}, since {self.since:%H:%M:%SZ}{alive}"

    def fate(self) -> str:
        """Return the fate of a process that no longer holds its lock, as in `its process <fate>`."""
        if self.host != socket.gethostname():
            return f"ran on {self.host}, whose processes can't be seen from here; it holds no lock here"
        # Certain even for another namespace: no process outlives its boot.
        if self.boot_id is not None and boot_id() not in (None, self.boot_id):
            return "ended at the latest when the machine was restarted"
        if self.pid_namespace != pid_namespace():
            return "ran in another container, whose processes can't be seen from here; it holds no lock"
        return {
            True: "lives, but does not hold the lock any more",
            False: "is gone",
            None: "can't be seen from here; it holds no lock",
        }[self.is_alive()]

    def is_alive(self) -> bool | None:
        """Return whether the process is running; None if that can't be known from here."""
        if self.start_ticks is None or self.boot_id is None:
            return None
        if self.host != socket.gethostname() or self.pid_namespace != pid_namespace():
            return None
        return self.identity.is_alive


def start_ticks(pid: int, *, zombie: bool = False) -> int | None:
    """Return when a process started, in clock ticks since boot; None when it has ended.

    A zombie has ended, unless `zombie` says that it counts.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name in parentheses may hold spaces and parentheses of its own. Behind it, the state is the
    # first field and the start the twentieth: fields 3 and 22 of proc(5).
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" and not zombie else int(fields[19])


def _owner(pid: int) -> str:
    try:
        return _user_name(Path(f"/proc/{pid}").stat().st_uid)
    except OSError:
        return "unknown"


def _command_line(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return ""
    return " ".join(words).strip()[:_COMMAND_LIMIT]


@cache
def boot_id() -> str | None:
    """Return the kernel's random name of this boot, or None where there is none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None


def pid_namespace() -> str | None:
    """Return the kernel's name of this process's PID namespace, or None where there is none."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return None


def who() -> str:
    """Return the user of this process and the machine, such as `ann@lab`."""
    return f"{_user()}@{socket.gethostname()}"


@cache
def _user() -> str:
    """Return the name of this process's user, or the number of a user without a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in containers a process often has a number that no passwd file names
        return str(os.getuid())


def _user_name(uid: int) -> str:
    try:
        return getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
