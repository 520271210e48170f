"""Projects: a user's directory with module, keys, playbook and application."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psutil
from ruamel.yaml import YAML

from tests.e2e.machine import MODULE, Keys, Machine, await_that

_MARK = "ENVCHART_E2E_PROJECT"
_HELLO = MODULE.parents[1] / "hello"
_PLAYBOOK = """
- hosts: all
  gather_facts: false
  become: true
  tasks:
    - name: write the settings
      ansible.builtin.copy:
        content: "greeting={{ greeting }}\\n"
        dest: /etc/hello.conf
        mode: "0644"
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """The exit code and the outputs of a run of the command line."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # Any: JSON
        """The JSON document that was printed."""
        return json.loads(self.out)


@dataclass
class Project:
    """A user's directory, and the environment that is described in it.

    Attributes:
        directory: The directory.
        state_dir: The directory of the machines' records.
        base: The root file system of the machines.
        systemd: Whether the machines have systemd and cloud-init.
        name: The environment's name.
        user: The SSH user.
        variables: More variables for the module.
        provider: Settings of the provider that replace the default ones.
        environ: More environment variables for the command line and its children.
    """

    directory: Path
    state_dir: Path
    base: Path
    systemd: bool = False
    name: str = "web"
    user: str = "root"
    variables: dict[str, Any] = field(default_factory=dict)
    provider: dict[str, Any] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)

    def write(self) -> None:
        """Write the files of the project."""
        shutil.copytree(MODULE, self.directory / "terraform")
        shutil.copytree(_HELLO, self.app)
        (self.directory / "site.yml").write_text(_PLAYBOOK)
        Keys.make(self.directory / "keys")

    @property
    def app(self) -> Path:
        return self.directory / "app"

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def keys(self) -> Keys:
        return Keys(self.directory / "keys")

    @cached_property
    def machine(self) -> Machine:
        """The environment's host, whether or not it exists."""
        return Machine(f"envchart-{self.name}", self.state_dir, self.keys, self.base)

    def described(self) -> dict[str, Any]:
        """Return the content of the environment's spec file."""
        variables = {
            "state_dir": str(self.state_dir),
            "base": str(self.base),
            "init": "systemd" if self.systemd else "sshd",
            "authorized_key_file": str(self.keys.own.with_suffix(".pub")),
            "host_key_file": str(self.keys.host),
            **self.variables,
        }
        provider = {
            "kind": "terraform",
            "directory": "terraform",
            "outputs": {"ssh_host_key": "ssh_host_key"},
            "variables": variables,
            "ssh": {"user": self.user, "key": "keys/id"},
            "playbook": "site.yml",
            "playbook_variables": {"greeting": "hello"},
            "app": "app",
            "service": {"env": {"GREETING": "Hello"}, "settle": 0.2, "stop_grace": 2},
            **self.provider,
        }
        return {"name": self.name, "provider": provider}

    def file(self) -> Path:
        """Write the environment's spec file and return the path."""
        file = self.directory / f"{self.name}.yaml"
        YAML().dump(self.described(), file)
        return file

    def command(self, *words: str | Path) -> list[str]:
        """Return the arguments that start the command line."""
        options = ["--data-dir", str(self.data), "--json"]
        return [sys.executable, "-m", "environments", *map(str, words), *options]

    def start(self, *words: str | Path) -> subprocess.Popen[str]:
        """Start the command line in a session of its own, and return the process."""
        environ = {**os.environ, **self.environ, _MARK: str(self.directory)}
        return subprocess.Popen(
            self.command(*words),
            cwd=self.directory,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def envchart(self, *words: str | Path, check: int | None = 0) -> Ended:
        """Run the command line, check the exit code, and return the result."""
        process = self.start(*words)
        out, err = process.communicate()
        assert check is None or process.returncode == check, f"{words}: {process.returncode}\n{out}{err}"
        return Ended(process.returncode, out, err)

    def end_processes(self) -> None:
        """Kill all processes that the command lines have started, and wait for their end."""
        await_that(lambda: not self._killed())

    def _killed(self) -> list[int]:
        killed = []
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()
            killed.append(process.pid)
        return killed

    def _processes(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                ours = process.environ().get(_MARK) == str(self.directory)
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    yield process

    def create(self) -> Ended:
        """Create the environment as described now."""
        return self.envchart("create", "--file", self.file())

    def page(self, path: str = "/") -> str:
        """Return the service's answer."""
        with urllib.request.urlopen(f"http://{self.machine.address}:8080{path}", timeout=5) as answer:
            return str(answer.read().decode())

    def answer(self) -> str:
        """Return the service's answer, or an empty string if it gives none."""
        try:
            return self.page()
        except (OSError, HTTPException):  # refused, reset, or broken off, as a killed service may do each
            return ""

    def machine_status(self) -> str:
        return self.machine.status()

    def delete_machine_behind_its_back(self) -> None:
        self.machine.delete()

    def on_host(self, command: str, user: str = "root") -> str:
        return self.machine.on_host(command, user)

    def service(self) -> dict[str, Any]:
        """Return the record of the service on the host."""
        return dict(json.loads(self.on_host(f"cat /opt/{self.machine.name}/instance.json")))

    def kill_service(self) -> None:
        """Kill the service's processes on the host, as in a crash."""
        self.on_host(f"kill -KILL -- -{self.service()['pid']}")
