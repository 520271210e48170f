"""Failures of real tools, and benches that cause and repair them with both providers.

Each failure is a row of one table. A bench lists the failures that do not apply to its provider,
with the reason.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

from environments import CommandName, EnvironmentSpec, LocalProvider, Workspace
from environments.model.failure import FailureCause
from environments.providers.terraform.tofu import program
from tests.providers.terraform.conftest import Project, make_key

APP = """
import os, socket, sys, threading, time
from http.server import BaseHTTPRequestHandler, HTTPServer
STATUS, BODY = 200, os.environ["ENVCHART_INSTANCE_TOKEN"]
{prelude}

class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(STATUS)
        self.end_headers()
        self.wfile.write(BODY.encode())

    def log_message(self, *args):
        pass

HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Answers).serve_forever(0.02)
"""

HOLDS = """
import fcntl, sys
file = open(sys.argv[1], "r+")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Limits:
    """Time limits in seconds: of steps that wait, which have all the time of a busy machine by default.

    Attributes:
        ssh: Until the host has to answer.
        start: Until the service has to be healthy.
        settle: For which the service has to stay healthy.
    """

    ssh: float = 60
    start: float = 60
    settle: float = 0.1


@dataclass(frozen=True, kw_only=True)
class Row:
    """A failure and the report that is expected.

    Attributes:
        layer: The layer that fails: resources, ssh, ansible, release or service.
        command: The command that fails.
        cause: The expected cause.
        said: A regular expression that the summary has to match.
        limits: The limits of the command that fails.
    """

    layer: str
    command: CommandName
    cause: FailureCause
    said: str
    limits: Limits


PROVISION, CONFIGURE = CommandName.PROVISION, CommandName.CONFIGURE
RELEASE, RUN, DESTROY = CommandName.RELEASE, CommandName.RUN, CommandName.DESTROY
Cause = FailureCause


SHORT = Limits(ssh=1, start=2)


def _row(
    layer: str, command: CommandName, cause: FailureCause, said: str, limits: Limits | None = None
) -> Row:
    default = SHORT if cause is FailureCause.TIMEOUT else Limits()
    return Row(layer=layer, command=command, cause=cause, said=said, limits=limits or default)


def _resources(cause: FailureCause, said: str, command: CommandName = PROVISION) -> Row:
    return _row("resources", command, cause, said)


def _service(cause: FailureCause, said: str, limits: Limits | None = None) -> Row:
    return _row("service", RUN, cause, said, limits)


FAILURES: dict[str, Row] = {
    # resources
    "the program is missing": _resources(Cause.CONFIGURATION, "not on the path"),
    "the module is missing": _resources(Cause.CONFIGURATION, "put the module back"),
    "a template can't be rendered": _resources(Cause.TEMPLATE_RENDERING, "more.tf.j2"),
    "the module has a syntax error": _resources(Cause.CONFIGURATION, "Unclosed|Argument|Invalid"),
    "a variable is missing": _resources(Cause.CONFIGURATION, "No value for required variable"),
    "a variable is invalid": _resources(Cause.CONFIGURATION, "Invalid value for variable"),
    "a provider can't be fetched": _resources(Cause.NETWORK, "provider"),
    "the creation of a resource fails": _resources(Cause.INFRASTRUCTURE, "local-exec provisioner error"),
    "the state is locked": _resources(Cause.INFRASTRUCTURE, "ann@lab holds the lock of Terraform's state"),
    "the state is damaged": _resources(Cause.FILE_SYSTEM, "can't be read"),
    "the module has no address": _resources(Cause.CONFIGURATION, "instance_ip"),
    "the port is taken when it is reserved": _resources(Cause.NETWORK, "port"),
    "the destruction of a resource fails": _resources(
        Cause.INFRASTRUCTURE, "local-exec provisioner error", DESTROY
    ),
    "the state is lost": _resources(Cause.INFRASTRUCTURE, "put it back from a backup", DESTROY),
    # ssh
    "no SSH server listens": _row("ssh", PROVISION, Cause.TIMEOUT, "did not answer within"),
    "the SSH server never answers": _row("ssh", PROVISION, Cause.TIMEOUT, "did not answer within"),
    "another kind of server answers": _row("ssh", PROVISION, Cause.TIMEOUT, "did not answer within"),
    "the host shows another key": _row("ssh", PROVISION, Cause.AUTHENTICATION, "pinned"),
    "the host rejects the key": _row("ssh", PROVISION, Cause.AUTHENTICATION, "does not let the key"),
    "the host is gone at configure": _row("ssh", CONFIGURE, Cause.TIMEOUT, "did not answer within"),
    "the host is gone at release": _row("ssh", RELEASE, Cause.NETWORK, "can't be reached"),
    # ansible
    "a task fails": _row("ansible", CONFIGURE, Cause.COMMAND_EXECUTION, "^try it: .*no room"),
    "a module can't be run": _row("ansible", CONFIGURE, Cause.COMMAND_EXECUTION, "/nowhere/python"),
    "a task's variable is missing": _row("ansible", CONFIGURE, Cause.CONFIGURATION, "nowhere"),
    "no play matches the host": _row("ansible", CONFIGURE, Cause.CONFIGURATION, "no play of the playbook"),
    "the playbook is not YAML": _row("ansible", CONFIGURE, Cause.CONFIGURATION, "could not be run"),
    "a task's module is unknown": _row("ansible", CONFIGURE, Cause.CONFIGURATION, "could not be run"),
    "the playbook is missing": _row("ansible", CONFIGURE, Cause.CONFIGURATION, "put it back"),
    # release
    "the application is missing": _row("release", RELEASE, Cause.CONFIGURATION, "is not a directory"),
    # service
    "the port is taken": _service(Cause.NETWORK, "port [0-9]+"),
    "the service ends at once": _service(Cause.COMMAND_EXECUTION, "no database"),
    "the service crashes after it was healthy": _service(
        Cause.COMMAND_EXECUTION, "exited|ended|stay|restart", Limits(settle=1)
    ),
    "the service's settings are wrong": _service(Cause.COMMAND_EXECUTION, "KeyError: 'DATABASE'"),
    "the service answers with an error": _service(Cause.TIMEOUT, "500", Limits(start=5)),
    "the service never listens": _service(Cause.TIMEOUT, "health"),
    "the service answers without its token": _service(
        Cause.CONFIGURATION, "token|another program", Limits(start=5)
    ),
    "the service's program is missing": _service(Cause.CONFIGURATION, "no-such-program"),
}
"""The failures that each provider has to report truthfully and to continue after."""

Change: TypeAlias = Callable[[], object]


@dataclass(frozen=True)
class Way:
    """The way to cause and repair a failure.

    Attributes:
        breaks: Causes the failure.
        mends: Repairs the cause.
        before: The command before which to cause the failure; None for the command that fails.
        again: The commands to run after the repair; None for retry.
    """

    breaks: Change
    mends: Change
    before: CommandName | None = None
    again: tuple[CommandName, ...] | None = None


class Squatter:
    """A foreign server on a port, which answers with `said`, or keeps connections open if None."""

    def __init__(self, port: int, said: bytes | None, *, host: str = "127.0.0.1") -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((host, port))
        self.socket.listen()
        self.said = said
        self.clients: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.socket.accept()
                if self.said is None:
                    self.clients.append(client)
                    continue
                with client:
                    client.settimeout(1)
                    with suppress(OSError):
                        client.recv(1024)
                        client.sendall(self.said)

    def close(self) -> None:
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for client in self.clients:
            client.close()


OK = b"HTTP/1.0 200 OK\r\n\r\nI am somebody else\n"


@dataclass
class Bench:
    """An environment named demo, with the ways to cause its failures."""

    directory: Path
    squatters: list[Squatter] = field(default_factory=list)
    limits: Limits = field(default=Limits(), init=False)
    workspace: Workspace = field(init=False)

    def spec(self) -> EnvironmentSpec:
        """Return the environment's spec as it has to be now."""
        raise NotImplementedError

    async def limit(self, limits: Limits) -> None:
        """Give the steps other limits."""
        if limits != self.limits:
            self.limits = limits
            await self.workspace.update("demo", self.spec())

    def write_app(self, prelude: str = "") -> None:
        (self.directory / "app").mkdir(exist_ok=True)
        (self.directory / "app" / "app.py").write_text(APP.format(prelude=prelude))

    def app(self, prelude: str) -> Way:
        return Way(lambda: self.write_app(prelude), self.write_app, before=RELEASE, again=(RELEASE, RUN))

    def squat(self, port: Callable[[], int], said: bytes | None = OK) -> Way:
        return Way(lambda: self.squatters.append(Squatter(port(), said)), self.leave)

    def leave(self) -> None:
        while self.squatters:
            self.squatters.pop().close()

    def moved(self, path: Path) -> Way:
        away = path.with_name(f"{path.name}.away")
        return Way(lambda: path.rename(away), lambda: away.rename(path))

    def service_ways(self, port: Callable[[], int]) -> dict[str, Way]:
        crashing = "threading.Timer(0.6, lambda: os._exit(1)).start()"
        return {
            "the application is missing": self.moved(self.directory / "app"),
            "the port is taken": self.squat(port),
            "the service ends at once": self.app("print('no database', flush=True); sys.exit(1)"),
            "the service crashes after it was healthy": self.app(crashing),
            "the service's settings are wrong": self.app("os.environ['DATABASE']"),
            "the service answers with an error": self.app("STATUS = 500"),
            "the service never listens": self.app("time.sleep(600)"),
            "the service answers without its token": self.app("BODY = 'hello'"),
        }


class LocalBench(Bench):
    """A bench for the local provider."""

    NOT_FOR_IT: Mapping[str, str] = {
        **{
            name: f"it has no {row.layer} of that kind"
            for name, row in FAILURES.items()
            if row.layer in ("ssh", "ansible")
        },
        **{
            name: "it drives no Terraform"
            for name, row in FAILURES.items()
            if row.layer == "resources" and name != "the port is taken when it is reserved"
        },
    }

    def __init__(self, directory: Path, port: int) -> None:
        super().__init__(directory)
        self.write_app()
        self.port = port
        self.workspace = Workspace(directory / "data")
        self.command: tuple[str, ...] = ()
        self.workspace.create(self.spec())

    def spec(self) -> EnvironmentSpec:
        provider = LocalProvider(
            app=self.directory / "app",
            port=self.port,
            command=self.command,
            start_timeout=timedelta(seconds=self.limits.start),
            settle=timedelta(seconds=self.limits.settle),
            stop_grace=timedelta(seconds=1),
        )
        return EnvironmentSpec(name="demo", provider=provider)

    async def choose(self, *command: str) -> None:
        self.command = command
        await self.workspace.update("demo", self.spec())

    @property
    def ways(self) -> dict[str, Way]:
        return {
            **self.service_ways(lambda: self.port),
            "the port is taken when it is reserved": self.squat(lambda: self.port),
            "the service's program is missing": Way(lambda: self.choose("no-such-program"), self.choose),
        }

    def is_gone(self) -> bool:
        return not (self.directory / "data" / "demo" / "local").exists()


class TerraformBench(Bench):
    """A bench for the terraform provider, with this machine as the host, over SSH."""

    NOT_FOR_IT: Mapping[str, str] = {
        "the port is taken when it is reserved": "ports of a host of its own are not reserved",
    }

    def __init__(self, project: Project) -> None:
        super().__init__(project.directory)
        self.project = project
        self.module = project.directory / "module"
        self.playbook = project.directory / "site.yml"
        self.write_app()
        self.workspace = project.workspace
        self.program = project.directory / "terraform"
        self.program.symlink_to(str(program.find(None)))
        self.changes: dict[str, Any] = {}
        self.workspace.create(self.spec())

    def spec(self) -> EnvironmentSpec:
        limits = self.limits
        settings = {
            "binary": str(self.program),
            "timeouts": {"ssh": limits.ssh},
            "playbook": None,
            "service": self.project.service(settle=limits.settle, start_timeout=limits.start),
        }
        provider = self.project.provider(**{**settings, **self.changes})
        return EnvironmentSpec(name="demo", provider=provider)

    def change(self, **changes: Any) -> Callable[[], Awaitable[object]]:
        async def changed() -> None:
            self.changes = changes
            await self.workspace.update("demo", self.spec())

        return changed

    def changed(self, **changes: Any) -> Way:
        return Way(self.change(**changes), self.change())

    def more(self, text: str, name: str = "more.tf") -> Way:
        path = self.module / name
        return Way(lambda: path.write_text(text), path.unlink)

    def tasks(self, text: str, hosts: str = "all") -> Way:
        good = "- hosts: all\n  gather_facts: false\n  tasks: [{name: say it, debug: {msg: good}}]\n"

        async def breaks() -> None:
            self.playbook.write_text(f"- hosts: {hosts}\n  gather_facts: false\n  tasks: {text}\n")
            await self.change(playbook=self.playbook)()

        return Way(breaks, lambda: self.playbook.write_text(good))

    def edited(self, path: Path, old: str, new: str) -> Way:
        def put(this: str, that: str) -> None:
            text = path.read_text()
            assert this in text
            path.write_text(text.replace(this, that))

        return Way(lambda: put(old, new), lambda: put(new, old))

    @property
    def variables(self) -> dict[str, Any]:
        return dict(self.project.provider().playbook_variables)

    @property
    def ways(self) -> dict[str, Way]:
        return {
            **self.service_ways(lambda: self.project.port),
            **self.resource_ways(),
            **self.ssh_ways(),
            **self.ansible_ways(),
            "the service's program is missing": self.changed(
                service=self.project.service(command=["no-such-program"])
            ),
        }

    def resource_ways(self) -> dict[str, Way]:
        key = {"host_key": self.project.sshd.host_key}
        state = self.project.data / "demo" / "build" / "terraform" / "terraform.tfstate"
        needing = 'variable "size" { type = number }\n'
        foreign = 'terraform {\n  required_providers {\n    x = { source = "localhost:9/x/x" }\n  }\n}\n'
        return {
            "the program is missing": self.moved(self.program),
            "the module is missing": self.moved(self.module),
            "a template can't be rendered": self.more("# {{ nothing.there }}\n", "more.tf.j2"),
            "the module has a syntax error": self.more('output "more" {\n'),
            "a variable is missing": self.more(needing),
            "a variable is invalid": self.more(
                'variable "size" {\n  default = 1\n  validation {\n    condition = var.size > 1\n'
                '    error_message = "The size must be more than 1."\n  }\n}\n'
            ),
            "a provider can't be fetched": self.more(foreign),
            "the creation of a resource fails": Way(
                self.change(variables={**key, "broken": True}), self.change(variables=key)
            ),
            "the state is damaged": Way(lambda: _write(state, "{ no state"), lambda: state.write_text("")),
            "the module has no address": self.edited(
                self.module / "main.tf.j2", 'value = "127.0.0.1"', "value = null"
            ),
            "the state is lost": self.moved(state),
            "the state is locked": self.locked(state),
            "the destruction of a resource fails": self.edited(
                state.with_name("main.tf"), "kill $(cat", "exit 3; kill $(cut -f 1"
            ),
        }

    def locked(self, state: Path) -> Way:
        """Hold the state's lock as another Terraform would: a lock on the file, and the holder's name."""
        # In a process of its own: this one loses the lock when it closes any other descriptor of the file.
        holder: list[subprocess.Popen[str]] = []
        info = state.with_name(f".{state.name}.lock.info")

        def breaks() -> None:
            _write(state, "")
            words = [sys.executable, "-c", HOLDS, str(state)]
            pipe = subprocess.PIPE
            holder.append(subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True))
            assert holder[0].stdout is not None
            assert holder[0].stdout.readline() == "held\n"
            facts = {"ID": "1", "Operation": "OperationTypeApply", "Who": "ann@lab", "Version": "1.11.4"}
            info.write_text(json.dumps({**facts, "Created": "2026-01-01T00:00:00Z", "Path": str(state)}))

        def mends() -> None:
            info.unlink()
            holder.pop().communicate()

        return Way(breaks, mends)

    def ssh_ways(self) -> dict[str, Way]:
        sshd = self.project.sshd

        def instead(said: bytes | None) -> Way:
            squatting = self.squat(lambda: sshd.port, said)
            return Way(lambda: (sshd.stop(), squatting.breaks()), lambda: (squatting.mends(), sshd.start()))

        def restarted(change: Change) -> Callable[[], None]:
            def work() -> None:
                sshd.stop()
                change()
                sshd.start()

            return work

        key, other = sshd.directory / "host", sshd.directory / "other"
        allowed = sshd.directory / "id.pub"
        gone = Way(sshd.stop, sshd.start)
        return {
            "no SSH server listens": gone,
            "the host is gone at configure": gone,
            "the host is gone at release": gone,
            "the SSH server never answers": instead(None),
            "another kind of server answers": instead(b"HTTP/1.0 400 Bad Request\r\n\r\n"),
            "the host shows another key": Way(
                restarted(lambda: (key.rename(other), make_key(key))),
                restarted(lambda: (Path(f"{key}.pub").unlink(), other.rename(key))),
            ),
            "the host rejects the key": self.moved(allowed),
        }

    def ansible_ways(self) -> dict[str, Way]:
        return {
            "a task fails": self.tasks("[{name: try it, shell: 'echo no room >&2; exit 3'}]"),
            "a module can't be run": Way(
                self.change(
                    playbook=self.playbook,
                    playbook_variables={**self.variables, "ansible_python_interpreter": "/nowhere/python"},
                ),
                self.change(playbook=self.playbook),
            ),
            "a task's variable is missing": self.tasks("[{name: try it, debug: {msg: '{{ nowhere }}'}}]"),
            "no play matches the host": self.tasks("[]", hosts="others"),
            "the playbook is not YAML": self.tasks("["),
            "a task's module is unknown": self.tasks("[{no_such_module: {}}]"),
            "the playbook is missing": self.playbook_gone(),
        }

    def playbook_gone(self) -> Way:
        moving = self.moved(self.playbook)

        async def breaks() -> None:
            await self.change(playbook=self.playbook)()
            moving.breaks()

        return Way(breaks, moving.mends)

    def is_gone(self) -> bool:
        return not (self.project.data / "demo" / "build").exists()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
