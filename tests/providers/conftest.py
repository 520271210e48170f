from __future__ import annotations

import os
import signal
import textwrap
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment, Environment
from environments.model.observation import Observation
from environments.model.spec import EnvironmentSpec
from environments.model.steps import Probed, Step, StepContext
from environments.providers.common.service_variables import ENVIRONMENT
from environments.providers.local import LocalProvider
from environments.providers.local.layout import Layout
from environments.providers.local.service import Service
from environments.system import processes
from environments.system.files import OwnPath
from environments.system.waiting import until
from tests.operations import own

APP = """
import json, os, signal, socket, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STATUS, TOKEN, BEFORE = 200, os.environ["ENVCHART_INSTANCE_TOKEN"], []
{prelude}

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({{"token": TOKEN, "env": dict(os.environ), "cwd": os.getcwd()}}).encode()
        self.send_response(BEFORE.pop() if BEFORE else STATUS)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

with ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler) as server:
    print("listening", flush=True)
    server.serve_forever(0.02)
"""


@dataclass
class Bench:
    """An environment of the local provider, whose steps can be run one by one."""

    data: Path
    app: Path
    name: str = "demo"
    spec: LocalProvider = field(init=False)
    environment: AnyEnvironment = field(init=False)
    reports: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.spec = LocalProvider(
            app=self.app, start_timeout=timedelta(seconds=60), settle=timedelta(seconds=0.1)
        )
        spec = EnvironmentSpec(name=self.name, provider=self.spec)
        self.environment = Environment.new(spec, datetime.now(UTC))
        self.directory.mkdir(parents=True)

    @property
    def directory(self) -> Path:
        return self.data / self.name

    def path(self, place: OwnPath) -> Path:
        """Return a path with which a test does as it likes."""
        return Path(place)

    @property
    def layout(self) -> Layout:
        return Layout.of(self.environment, self.directory)

    @property
    def service(self) -> Service:
        return Service(self.layout)

    @property
    def pid(self) -> int:
        instance = self.service.instance
        assert instance is not None
        assert instance.process is not None
        return instance.process.pid

    def amend(self, **fields: object) -> None:
        self.spec = LocalProvider.model_validate({**self.spec.model_dump(), **fields})

    def program(self, prelude: str = "", code: str | None = None) -> None:
        """Write the application: the default with a prelude, or other code."""
        text = APP.format(prelude=textwrap.dedent(prelude)) if code is None else textwrap.dedent(code)
        self.app.mkdir(exist_ok=True)
        (self.app / "app.py").write_text(text)

    def context(self) -> StepContext:
        return StepContext(
            environment=self.environment,
            operation_id=own("op"),
            directory=self.directory,
            report=self.reports.append,
        )

    def steps(self, command: str) -> dict[str, Step]:
        steps = self.spec.steps(CommandName(command), self.environment)
        return {step.name: step for step in steps}

    async def step(self, command: str, name: str) -> None:
        outputs = await self.steps(command)[name].effect(self.context())
        update = {"outputs": self.environment.outputs.updated(dict(outputs or {}))}
        self.environment = self.environment.model_copy(update=update)

    async def probe(self, command: str, name: str) -> Probed:
        probe = self.steps(command)[name].probe
        assert probe is not None
        return await probe(self.context())

    async def run(self, *commands: str) -> None:
        for command in commands:
            for name in self.steps(command):
                await self.step(command, name)

    async def up(self) -> None:
        await self.run("provision", "configure", "release", "run")

    async def start(self) -> None:
        """Run all steps of `run` except the last, the health check."""
        for name in ("stop_previous", "switch_release", "start_service"):
            await self.step("run", name)

    async def listening(self) -> None:
        """Wait until the started application listens, however busy the machine is."""
        assert await until(lambda: "listening" in self.path(self.layout.log).read_text(), within=60)

    async def observe(self) -> Observation:
        return await self.spec.observe(self.environment, self.directory)

    def end_all(self) -> None:
        for each in processes.marked({ENVIRONMENT: self.environment.lineage}):
            with suppress(ProcessLookupError):
                os.kill(each.pid, signal.SIGKILL)
        if self.service.instance and self.service.instance.process:
            processes.forget(self.service.instance.process.pid)


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path / "data", tmp_path / "app")
    bench.program()
    yield bench
    bench.end_all()


@pytest.fixture
def neighbour(tmp_path, bench):
    neighbour = Bench(bench.data, bench.app, "neighbour")
    yield neighbour
    neighbour.end_all()
