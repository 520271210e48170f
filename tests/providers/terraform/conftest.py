"""A real SSH server on loopback, and a project on it with a real Terraform."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from environments import EnvironmentSpec, Workspace
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment, Environment
from environments.model.observation import Observation
from environments.model.steps import Probed, Step, StepContext
from environments.providers.common import ssh
from environments.providers.common.known_hosts import pin
from environments.providers.common.ssh import Target
from environments.providers.terraform import TerraformProvider
from environments.providers.terraform.remote.host import HostDirectory
from environments.providers.terraform.tofu import program
from environments.secrets.redaction import redactor
from environments.system.waiting import block_until
from tests.operations import own
from tests.ports import free_port

USER = getpass.getuser()
MODULE = """
variable "instance_name" { type = string }
variable "delay" { default = 0 }
variable "broken" { default = false }

resource "terraform_data" "host" {
  input = var.instance_name
  provisioner "local-exec" {
    command = "sleep ${var.delay}; ${var.broken ? "echo no room >&2; exit 3" : "true"}"
  }
}

resource "terraform_data" "ssh_server" {  # the host: it is gone when nothing lets us in any more
  input = "PID_FILE"
  provisioner "local-exec" {
    when    = destroy
    command = "kill $(cat '${self.input}') || true"
  }
}

output "instance_ip" { value = "127.0.0.1" }
output "host_key" { value = "{{ variables.host_key }}" }
variable "host_key" { default = "" }
"""
APP = """
import os
from http.server import BaseHTTPRequestHandler, HTTPServer


class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        token = os.environ["ENVCHART_INSTANCE_TOKEN"].encode()
        self.wfile.write(token if self.path == "/health" else b"one")


HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Answers).serve_forever()
"""
PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - name: write the settings
      copy: {content: "greeting={{ greeting }}\\n", dest: "{{ settings }}"}
"""


BINARY = "terraform or tofu"


def needed() -> list[str]:
    """Return the missing requirements of these tests."""
    tools = {"sshd": shutil.which("sshd", path="/usr/sbin:/sbin:" + os.environ["PATH"])}
    tools |= {BINARY: program.find(None), "ssh-keygen": shutil.which("ssh-keygen")}
    return [name for name, found in tools.items() if not found]


def make_key(path: Path, passphrase: str = "") -> Path:
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    return path


@dataclass
class Sshd:
    """An SSH server on loopback, which accepts a single key for the user who runs the tests."""

    directory: Path
    port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def key(self) -> Path:
        return self.directory / "id"

    @property
    def home(self) -> Path:
        """The home directory of sessions, so that tests do not depend on the user's own."""
        return self.directory / "home"

    @property
    def host_key(self) -> str:
        return " ".join((self.directory / "host.pub").read_text().split()[:2])

    @property
    def pid_file(self) -> Path:
        return self.directory / "sshd.pid"

    def start(self) -> None:
        settings = {
            "HostKey": f'"{self.directory / "host"}"',
            "AuthorizedKeysFile": f'"{self.directory / "id.pub"}"',
            "ListenAddress": "127.0.0.1\nListenAddress 127.0.0.2",
            "StrictModes": "no",
            "UsePAM": "no",
            "MaxStartups": "100",  # a busy machine is slow to log in, and sshd would drop connections
            "PasswordAuthentication": "no",
            "PidFile": f'"{self.pid_file}"',
            "Subsystem": "sftp internal-sftp",
            "SetEnv": f'"HOME={self.home}"',
            **self.settings,
        }
        config = self.directory / "sshd_config"
        config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        self._launch()
        if not block_until(self._listens, within=60, every=0.02):
            raise AssertionError((self.directory / "sshd.log").read_text())

    def _launch(self) -> None:
        program = shutil.which("sshd", path="/usr/sbin:/sbin:" + os.environ["PATH"])
        words = [str(program), "-D", "-e", "-f", str(self.directory / "sshd_config"), "-p", str(self.port)]
        with (self.directory / "sshd.log").open("ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def _listens(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            self._launch()  # somebody had the port for a moment, as the near end of a connection
        with socket.socket() as probe:
            # A port that nobody listens at may be connected with itself.
            reached = probe.connect_ex(("127.0.0.1", self.port)) == 0
            return reached and probe.getsockname() != probe.getpeername()

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def restart(self, **settings: str) -> None:
        self.stop()
        self.settings |= settings
        self.start()

    def sessions(self) -> list[psutil.Process]:
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def names(self) -> list[str]:
        """Return the names of the sessions' processes, without those that have just ended."""
        found = []
        for process in self.sessions():
            with suppress(psutil.NoSuchProcess):
                found.append(process.name())
        return found

    def target(self, known_hosts: Path, **changes: Any) -> Target:
        facts = {"host": "127.0.0.1", "port": self.port, "user": USER, "key": self.key}
        return Target(**{**facts, "known_hosts": known_hosts, **changes})


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    if missing := needed():
        reason = f"needs {', '.join(missing)}"
        if os.environ.get("CI") and missing != [BINARY]:  # no package brings Terraform
            pytest.fail(f"CI has to have it: {reason}")
        pytest.skip(reason)
    directory = tmp_path / "ssh server"  # a space in its path is no reason to fail
    directory.mkdir()
    (directory / "home").mkdir()
    make_key(directory / "id")
    make_key(directory / "host")
    server = Sshd(directory)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def known_hosts(sshd: Sshd, tmp_path: Path) -> Path:
    path = tmp_path / "known_hosts"
    pin(path, "127.0.0.1", sshd.port, sshd.host_key)
    return path


@pytest.fixture
async def host(sshd: Sshd, known_hosts: Path, tmp_path: Path) -> AsyncIterator[HostDirectory]:
    """An environment's directory on a connected host."""
    async with ssh.connect(sshd.target(known_hosts)) as remote:
        yield HostDirectory(remote, str(tmp_path / "opt" / "envchart-web"), "a lineage")


@dataclass
class Bench:
    """An environment without a host, whose steps can be run one by one."""

    directory: Path
    binary: str = "terraform"
    reports: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    environment: AnyEnvironment = field(init=False)

    def __post_init__(self) -> None:
        for place in (self.module, self.directory / "app", self.data):
            place.mkdir(parents=True, exist_ok=True)
        self.write(**{"main.tf": 'output "instance_ip" { value = "127.0.0.1" }\n'})
        spec = EnvironmentSpec(name="web", provider=self.spec)
        self.environment = Environment.new(spec, datetime.now(UTC))

    @property
    def module(self) -> Path:
        return self.directory / "module"

    @property
    def data(self) -> Path:
        return self.directory / "data" / "web"

    @property
    def copy(self) -> Path:
        return self.data / "build" / "terraform"

    @property
    def state(self) -> Path:
        return self.copy / "terraform.tfstate"

    @property
    def spec(self) -> TerraformProvider:
        given = {
            "directory": self.module,
            "binary": self.binary,
            "ssh": {"key": self.directory / "key", "port": 1},
            "app": self.directory / "app",
            **self.settings,
        }
        return TerraformProvider.model_validate(given)

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.module / name).write_text(text)

    def answer(self, *answers: str, stderr: str = "", code: int = 0) -> None:
        """Replace the program by one that prints these answers, a subcommand after the other."""
        place = self.directory / "program"
        place.mkdir(exist_ok=True)
        for number, text in enumerate(answers):
            (place / str(number)).write_text(text)
        (place / "stderr").write_text(stderr)
        script = (
            f'cd "{place}"\nn=$(cat count 2>/dev/null || echo 0)\necho $((n + 1)) >count\n'
            f"[ -e $n ] || n={len(answers) - 1}\ncat stderr >&2\ncat $n\nexit {code}\n"
        )
        self.program("terraform", script)

    def program(self, name: str, script: str) -> None:
        path = self.directory / name
        path.write_text(f"#!/bin/sh\n{script}")
        path.chmod(0o700)
        self.binary = str(path)

    @property
    def context(self) -> StepContext:
        return StepContext(
            environment=self.environment,
            operation_id=own("op"),
            directory=self.data,
            report=self.reports.append,
            redact=redactor(self.environment.spec),
        )

    def _step(self, command: str, name: str) -> Step:
        steps = self.spec.steps(CommandName(command), self.environment)
        return {step.name: step for step in steps}[name]

    async def run(self, command: str, *names: str) -> None:
        for name in names:
            outputs = await self._step(command, name).effect(self.context)
            update = {"outputs": self.environment.outputs.updated(dict(outputs or {}))}
            self.environment = self.environment.model_copy(update=update)

    async def provision(self) -> None:
        await self.run("provision", *INFRASTRUCTURE)

    async def probe(self, command: str, name: str) -> Probed:
        probe = self._step(command, name).probe
        assert probe is not None
        return await probe(self.context)

    async def observe(self) -> Observation:
        return await self.spec.observe(self.environment, self.data)


INFRASTRUCTURE = (
    "render_module",
    "initialise",
    "validate",
    "plan_infrastructure",
    "apply_infrastructure",
    "read_outputs",
)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@dataclass
class Project:
    """A directory with a module, a playbook, an application and a workspace."""

    directory: Path
    sshd: Sshd
    port: int = field(default_factory=free_port)
    data_name: str = "data"

    @property
    def data(self) -> Path:
        return self.directory / self.data_name

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.data)

    def provider(self, **changes: Any) -> TerraformProvider:
        return TerraformProvider.model_validate(
            {
                "directory": self.directory / "module",
                "outputs": {"ssh_host_key": "host_key"},
                "variables": {"host_key": self.sshd.host_key},
                "ssh": {
                    "key": self.sshd.key,
                    "port": self.sshd.port,
                    "user": USER,
                },
                "playbook": self.directory / "site.yml",
                "playbook_variables": {
                    "greeting": "hello",
                    "settings": str(self.directory / "settings"),
                    "ansible_python_interpreter": sys.executable,
                },
                "app": self.directory / "app",
                "service": self.service(),
                **changes,
            }
        )

    def service(self, **changes: Any) -> dict[str, Any]:
        return {
            "directory": str(self.directory / "opt"),
            "port": self.port,
            "command": [sys.executable, "app.py"],
            "settle": 0.2,
            "stop_grace": 1,
            **changes,
        }

    def spec(self, **changes: Any) -> EnvironmentSpec:
        return EnvironmentSpec(name="web", provider=self.provider(**changes))

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "environments", "--data-dir", str(self.data), *words]

    def write_app(self, said: str) -> None:
        (self.directory / "app" / "app.py").write_text(APP.replace('b"one"', f'b"{said}"'))


@pytest.fixture
def project(tmp_path: Path, sshd: Sshd) -> Iterator[Project]:
    directory = tmp_path / "a project"
    for name in ("module", "app"):
        (directory / name).mkdir(parents=True)
    (directory / "module" / "main.tf.j2").write_text(MODULE.replace("PID_FILE", str(sshd.pid_file)))
    (directory / "site.yml").write_text(PLAYBOOK)
    made = Project(directory, sshd)
    made.write_app("one")
    yield made
    record = directory / "opt" / "envchart-web" / "instance.json"
    assert not record.exists(), "a service of the test may still run"
