"""Workers of a fleet as processes, by the command line, with the provider whose world is a log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from environments import EnvironmentSpec, Workspace
from environments.fleet.fleet import Fleet
from environments.fleet.wishes import WishStatus
from environments.fleet.worker_status import WorkerStatus
from tests.fleet.world import Report, WorldSpec, judge

ROOT = Path(__file__).parents[2]
PATIENCE = 120  # seconds; a busy machine takes long to start a process


@dataclass
class Crowd:
    """A fleet with its workers, as a test sees it."""

    url: str
    directory: Path
    seconds: float = 0.1
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    patience: float = PATIENCE
    dead_after: float = 20  # seconds; a busy machine keeps a worker waiting for more than the usual ones

    @property
    def log(self) -> Path:
        return self.directory / "world"

    @property
    def fleet(self) -> Fleet:
        return Fleet(self.url, workspace=self.workspace)

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.url)

    def create(self, *names: str, **fields: object) -> None:
        provider = WorldSpec(**{"log": self.log, "seconds": self.seconds, **fields})  # type: ignore[arg-type]
        with pytest.MonkeyPatch.context() as patched:
            if provider.needs:  # the machine of the submitter has what a worker may lack
                patched.setenv(provider.needs, "1")
            self.names += names
            for name in names:
                self.workspace.create(EnvironmentSpec(name=name, provider=provider))

    def start(self, name: str, *words: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start a worker."""
        options = ("--name", name, "--dead-after", str(self.dead_after), *words)
        with (self.directory / f"{name}.log").open("ab") as output:
            self.workers[name] = subprocess.Popen(
                [sys.executable, "-m", "tests.fleet.work", "fleet", "worker", *options],
                cwd=ROOT,
                env={
                    **os.environ,
                    "ENVCHART_STORE": self.url,
                    "ENVCHART_SCRATCH": str(self.directory / name),
                    **variables,
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,
            )
        return self.workers[name]

    def ready(self, count: int) -> list[WorkerStatus]:
        """Wait until so many workers are there."""
        wait_for(lambda: len(self.fleet.workers()) == count, self.told, patience=self.patience)
        return list(self.fleet.workers())

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """End a worker, and return its exit code."""
        worker = self.workers.pop(name)
        worker.send_signal(number)
        return worker.wait(PATIENCE)

    def finished(self) -> list[WishStatus]:
        """Wait until no wish is left, and return all."""
        wait_for(lambda: not self.fleet.list(unfinished=True), self.told, patience=self.patience)
        return list(self.fleet.list())

    def judged(self, *names: str) -> Report:
        """Compare the world of environments, by default of all, with their journals."""
        workspace = self.workspace
        return judge(self.log, {name: workspace.history(name) for name in names or self.names})

    def told(self) -> str:
        """Return what the workers have said."""
        return "\n".join(f"{each.name}: {each.read_text()}" for each in self.directory.glob("*.log"))


@contextmanager
def crowd(url: str, directory: Path, seconds: float = 0.1) -> Iterator[Crowd]:
    """Make the tables of a fleet in an empty database, and end its workers afterwards."""
    made = Crowd(url, directory, seconds)
    made.fleet.migrate()
    try:
        yield made
    finally:
        for worker in made.workers.values():
            worker.kill()
            worker.wait()


def wait_for(
    condition: Callable[[], object], told: Callable[[], str] = str, *, patience: float = PATIENCE
) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, told()
        time.sleep(0.1)
