"""Machine: one host of a test, made and looked at by the script of the example's module."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from environments.system.waiting import block_until

MODULE = Path(__file__).parents[2] / "examples" / "terraform-ansible" / "terraform"
_PATIENCE = 30


@dataclass(frozen=True, slots=True)
class Keys:
    """The key that machines let in and the key that they show, known before there is any machine."""

    directory: Path

    @classmethod
    def make(cls, directory: Path) -> Keys:
        """Make both in a directory."""
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
        """Return a file by which an address has to show the host key, and no other."""
        known = self.directory / f"known_hosts.{address}"
        known.write_text(f"{address} {self.host.with_suffix('.pub').read_text()}")
        return known


@dataclass(slots=True)
class Machine:
    """A host, which may not be there yet or any more.

    Attributes:
        name: Its own, and that of its network namespace.
        state_dir: Where the script has it on record.
        keys: Those that it is made with.
        base: The root file system that it starts from.
        settings: More for the script, such as `MACHINE_INIT`.
    """

    name: str
    state_dir: Path
    keys: Keys
    base: Path = Path("/")
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Its address, which is known while it is on record."""
        return (self.state_dir / self.name / "address").read_text().strip()

    @property
    def pid(self) -> int:
        """Its first process, as it is seen from here."""
        return int((self.state_dir / self.name / "pid").read_text())

    def command(self, action: str, *words: str) -> list[str]:
        return [str(MODULE / "machine"), action, self.name, *words]

    def environ(self, **changes: str) -> dict[str, str]:
        """Return what the script is told."""
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
        """Run the script, and return how it ended."""
        command, environ = self.command(action, *words), self.environ(**changes)
        return subprocess.run(command, env=environ, capture_output=True, text=True)

    def create(self, address: str, **changes: str) -> None:
        ended = self.run("create", address, **changes)
        assert ended.returncode == 0, ended.stderr

    def destroy(self) -> str:
        """Take it away, and return what was said."""
        ended = self.run("destroy")
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def status(self) -> str:
        return self.run("status").stdout.strip()

    def kill(self) -> None:
        """End all of its processes at once; what is on record stays."""
        os.kill(self.pid, signal.SIGKILL)
        await_that(lambda: self.status() != "running")

    def delete(self) -> None:
        """Take it away behind the script's back, as in a cloud's console; what is on record stays."""
        self.kill()
        subprocess.run(["ip", "netns", "delete", self.name], check=True)

    def ssh(self, command: str, user: str = "root") -> subprocess.CompletedProcess[str]:
        """Run a command on it, which has to show its key, and return how that ended."""
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
        """Run a command on it that has to succeed, and return what it printed."""
        ended = self.ssh(command, user)
        assert ended.returncode == 0, f"{command}: {ended.returncode}: {ended.stderr}"
        return ended.stdout.strip()

    def await_ssh(self) -> None:
        await_that(lambda: self.ssh("true").returncode == 0)


def await_that(holds: Callable[[], bool], patience: float = _PATIENCE) -> None:
    """Wait until something holds; the patience is for machines that are slow, not part of any test."""
    assert block_until(holds, within=patience), "it never came to hold"
