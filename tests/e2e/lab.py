"""The lab: isolated namespaces for the machines of end-to-end tests.

    python -m tests.e2e.lab            list missing requirements
    python -m tests.e2e.lab build      build the images, which needs a network

Source: unshare(2), setns(2), ip-netns(8).
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from environments.providers.common.ansible import playbook
from environments.providers.terraform.tofu import program
from tests.e2e.image import ImageError, cache, image, place
from tests.e2e.machine import Keys, Machine

_CLONE_FS, _CLONE_NEWNS, _CLONE_NEWNET = 0x200, 0x20000, 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)
_NETNS = Path("/run/netns")
_OUTSIDE = ("192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1")  # RFC 5737, RFC 3849
_NO_WAY = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL}
_PROBE = """
mount -t tmpfs tmpfs /mnt
mkdir /mnt/up /mnt/work /mnt/root /mnt/netns
mount -t overlay -o lowerdir=/,upperdir=/mnt/up,workdir=/mnt/work overlay /mnt/root
mount --bind /mnt/netns "$1"
ip link set lo up
ip netns add probe
ip link add m-probe type veth peer name eth0 netns probe
unshare --pid --uts --ipc --fork --kill-child true
"""
_PROBE_GROUPS = """
for each in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
    if [ -e $each/cgroup.procs ]; then mkdir $each/envchart-probe-$$ && rmdir $each/envchart-probe-$$; fi
done
"""


class LabError(Exception):
    """Raised when the lab is not isolated, or can't be cleaned up."""


@dataclass(frozen=True, slots=True)
class Lack:
    """A missing requirement of the end-to-end tests.

    Attributes:
        reason: The requirement, in words.
        installable: Whether a package provides it, so that CI has to have it.
    """

    reason: str
    installable: bool = False

    def __str__(self) -> str:
        return self.reason


def missing(*, systemd: bool = False) -> list[Lack]:
    """Return the missing requirements of machines, with or without systemd, found by trying."""
    if os.geteuid() != 0:
        return [Lack("only root can make namespaces")]
    tools = {"ip": "iproute2", "sshd": "openssh-server", "ssh": "openssh-client", "unshare": "util-linux"}
    if systemd:
        tools["systemd-nspawn"] = "systemd-container"
    if not place(systemd=systemd).is_dir():
        tools["mmdebstrap"] = "mmdebstrap"
    path = f"/usr/sbin:/sbin:{os.environ.get('PATH', os.defpath)}"
    lacks = [
        Lack(f"{tool} is missing: apt-get install {package}", installable=True)
        for tool, package in tools.items()
        if shutil.which(tool, path=path) is None
    ]
    if playbook.find() is None:
        lacks.append(
            Lack("ansible-playbook is missing: pip install 'envchart[terraform]'", installable=True)
        )
    if program.find(None) is None:
        lacks.append(Lack("neither tofu nor terraform is on the path"))
    return lacks or _refused(_PROBE + _PROBE_GROUPS * systemd)


def _refused(script: str) -> list[Lack]:
    """Try the calls that create machines, in a process with namespaces of its own."""
    _NETNS.mkdir(exist_ok=True)
    words = ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-euc", script, "sh"]
    ended = subprocess.run([*words, str(_NETNS)], capture_output=True, text=True)
    return [Lack(f"the kernel does not let us: {ended.stderr.strip()}")] if ended.returncode else []


def _call(function: str, *arguments: int) -> None:
    if _LIBC[function](*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")


@dataclass(slots=True)
class Namespaces:
    """A network namespace without a way out, and a mount namespace with its own network names.

    They apply to the thread that enters them and its children, and exist as long as this object.
    """

    _inside: list[int] = field(default_factory=list)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Enter the namespaces for the duration of a block."""
        if threading.current_thread() is not threading.main_thread():
            raise LabError("only the main thread may enter: its children have to be inside as well")
        outside = _handles()
        try:
            if self._inside:
                _enter(self._inside)
            else:
                self._make()
            check_no_way_out()
            yield
        finally:
            _enter(outside)
            _close(outside)

    def _make(self) -> None:
        _call("unshare", _CLONE_NEWNS | _CLONE_NEWNET)
        _NETNS.mkdir(exist_ok=True)
        for words in (
            ["mount", "--make-rprivate", "/"],
            ["mount", "-t", "tmpfs", "tmpfs", str(_NETNS)],
            ["ip", "link", "set", "lo", "up"],
        ):
            subprocess.run(words, check=True)
        self._inside = _handles()

    def close(self) -> None:
        _close(self._inside)
        self._inside = []


def _handles() -> list[int]:
    return [os.open(f"/proc/thread-self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in ("net", "mnt")]


def _enter(handles: list[int]) -> None:
    directory = Path.cwd()
    _call("unshare", _CLONE_FS)  # setns refuses while threads share a working directory
    for handle in handles:
        _call("setns", handle, 0)
    os.chdir(directory)


def _close(handles: list[int]) -> None:
    for handle in handles:
        os.close(handle)


def check_no_way_out() -> None:
    """Check that packets from here can't leave the lab.

    Raises:
        LabError: They can.
    """
    for family in ("-4", "-6"):
        words = ["ip", family, "route", "show", "default"]
        if route := subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip():
            raise LabError(f"there is a way out of the lab: {route}")
    for address in _OUTSIDE:
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(kind) as client:
            client.settimeout(2)
            if (refused := client.connect_ex((address, 80))) not in _NO_WAY:
                raise LabError(f"{address} may be reached from the lab: {os.strerror(refused)}")


@dataclass(slots=True)
class Lab:
    """The namespaces of a process, and the machines in them.

    Machines are recorded in a directory named after the process. If the process is killed, its
    machines stay until a later lab finds and destroys them.
    """

    namespaces: Namespaces = field(default_factory=Namespaces)
    directory: Path = field(default_factory=lambda: _runs() / _owner(os.getpid()))

    @contextmanager
    def opened(self) -> Iterator[Lab]:
        """Sweep, provide the lab for a block, and destroy all machines at the end."""
        with self.namespaces.entered():
            sweep()
        try:
            yield self
        finally:
            with self.namespaces.entered():
                self.destroy_all()
            self.namespaces.close()
            shutil.rmtree(self.directory, ignore_errors=True)

    def new_directory(self) -> Path:
        """Create and return a directory for records of machines."""
        made = self.directory / str(len(list(self.directory.glob("*"))))
        made.mkdir(parents=True)
        return made

    def destroy_all(self) -> None:
        _destroy_below(self.directory)


def _runs() -> Path:
    return cache() / "runs"


def _owner(pid: int) -> str:
    """Return a name for a process that no later process gets: pid and start time."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return f"{pid}-{fields[19]}"


def _lives(owner: str) -> bool:
    with suppress(OSError):
        return _owner(int(owner.partition("-")[0])) == owner
    return False


def sweep() -> None:
    """Destroy the machines of killed runs."""
    _runs().mkdir(parents=True, exist_ok=True)
    with FileLock(_runs() / ".lock"):
        for run in _runs().glob("[0-9]*-[0-9]*"):
            if not _lives(run.name):
                _destroy_below(run)
                shutil.rmtree(run)


def _destroy_below(run: Path) -> None:
    """Destroy the recorded machines of a run."""
    failed = []
    for record in run.glob("*/*/address"):
        machine = Machine(record.parent.name, record.parents[1], Keys(run))
        ended = machine.run("destroy")
        if ended.returncode != 0:
            failed.append(ended.stderr)
    if failed:
        raise LabError("; ".join(failed))


def _build() -> int:
    """Build both images at once, and return the exit code."""
    with ThreadPoolExecutor() as pool:
        attempts = [pool.submit(image, systemd=systemd) for systemd in (False, True)]
    for attempt in attempts:
        try:
            print(attempt.result())
        except ImageError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


def main(words: list[str]) -> int:
    """Print missing requirements or build the images, and return the exit code.

    With missing requirements, no image is built, and the tests are skipped with the reason.
    """
    lacks = missing(systemd=True)
    if words == ["build"] and not lacks:
        return _build()
    print("\n".join(map(str, lacks)) or "nothing is missing")
    return 1 if lacks and not words else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
