"""Machines: the hosts of tests, managed by the script of the example's module."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psutil

from environments.system.waiting import block_until

MODULE = Path(__file__).parents[2] / "examples" / "terraform-ansible" / "terraform"
PAUSE = "600"
"""The `MACHINE_PAUSE` of tests, in seconds: longer than any of them."""

_PATIENCE = 120


@dataclass(frozen=True, slots=True)
class Keys:
    """The user's key and the host key of machines, created in advance."""

    directory: Path

    @classmethod
    def make(cls, directory: Path) -> Keys:
        """Create both keys in a directory."""
        directory.mkdir(parents=True)
        for name in ("id", "host"):
            words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(directory / name)]
            subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
        return cls(directory)

    @property
    def own(self) -> Path:
        return self.directory / "id"

    @property
    def host(self) -> Path:
        return self.directory / "host"

    def pin(self, address: str) -> Path:
        """Write and return a known_hosts file that pins the host key for an address."""
        known = self.directory / f"known_hosts.{address}"
        known.write_text(f"{address} {self.host.with_suffix('.pub').read_text()}")
        return known


@dataclass(slots=True)
class Machine:
    """A host, which may not exist yet or any more.

    Attributes:
        name: The name of the host and its network namespace.
        state_dir: The directory of the script's records.
        keys: The keys that the host is created with.
        base: The root file system that the host starts from.
        settings: Environment variables for the script, such as `MACHINE_INIT`.
    """

    name: str
    state_dir: Path
    keys: Keys
    base: Path = Path("/")
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The address, known while the host is recorded."""
        return (self.state_dir / self.name / "address").read_text().strip()

    @property
    def pid(self) -> int:
        """The pid of the first process, as seen from here."""
        return int((self.state_dir / self.name / "pid").read_text())

    def command(self, action: str, *words: str) -> list[str]:
        return [str(MODULE / "machine"), action, self.name, *words]

    def environ(self, **changes: str) -> dict[str, str]:
        """Return the environment variables for the script."""
        told = {
            "MACHINE_STATE_DIR": self.state_dir,
            "MACHINE_BASE": self.base,
            "MACHINE_AUTHORIZED_KEY_FILE": self.keys.own.with_suffix(".pub"),
            "MACHINE_HOST_KEY_FILE": self.keys.host,
            "MACHINE_GENERATION": uuid4(),
        }
        return {
            **os.environ,
            **{name: str(value) for name, value in told.items()},
            **self.settings,
            **changes,
        }

    def run(self, action: str, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Run the script and return the completed process."""
        command, environ = self.command(action, *words), self.environ(**changes)
        return subprocess.run(command, env=environ, capture_output=True, text=True)

    def create(self, address: str, **changes: str) -> None:
        ended = self.run("create", address, **changes)
        assert ended.returncode == 0, ended.stderr

    def destroy(self) -> str:
        """Destroy the host and return the output."""
        ended = self.run("destroy")
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def status(self) -> str:
        return self.run("status").stdout.strip()

    def kill(self) -> None:
        """Kill all processes of the host, but keep the record."""
        os.kill(self.pid, signal.SIGKILL)
        await_that(lambda: self.status() != "running")

    def delete(self) -> None:
        """Delete the host without the script, as in a cloud's console, but keep the record."""
        self.kill()
        subprocess.run(["ip", "netns", "delete", self.name], check=True)

    def ssh(self, command: str, user: str = "root") -> subprocess.CompletedProcess[str]:
        """Run a command on the host, with a pinned host key, and return the completed process."""
        options = {
            "UserKnownHostsFile": f'"{self.keys.pin(self.address)}"',
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "IdentitiesOnly": "yes",
            "BatchMode": "yes",
            "ConnectTimeout": "10",
        }
        words = ["ssh", "-F", "none", "-i", str(self.keys.own)]
        words += [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        words += [f"{user}@{self.address}", command]
        return subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL)

    def on_host(self, command: str, user: str = "root") -> str:
        """Run a command on the host that has to succeed, and return the output."""
        ended = self.ssh(command, user)
        assert ended.returncode == 0, f"{command}: {ended.returncode}: {ended.stderr}"
        return ended.stdout.strip()

    def await_ssh(self) -> None:
        await_that(lambda: self.ssh("true").returncode == 0)


def end_pauses(processes: Iterable[psutil.Process]) -> bool:
    """Let the script go on where `MACHINE_PAUSE_AT` made it wait, and return whether it waited anywhere.

    It may be about to wait: then it has to be asked again.
    """
    found = False
    for process in processes:
        with suppress(psutil.Error):
            if process.cmdline() == ["sleep", PAUSE]:  # and no other sleep of the script's
                process.send_signal(signal.SIGUSR1)
                found = True
    return found


def await_that(holds: Callable[[], bool], patience: float = _PATIENCE) -> None:
    """Wait until a condition holds; the patience is for slow machines, not part of any test."""
    assert block_until(holds, within=patience), "the condition never held"
