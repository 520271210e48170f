"""A provider whose world is a log: each effect writes when it begins and when it ends, each probe reads."""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment
from environments.model.observation import Observation, ServiceState
from environments.model.provider_kinds import ProviderSpec, register_provider
from environments.model.records import HistoryEntry, StepRecord
from environments.model.steps import Probed, Step, StepContext, StepOutputs

PATH = ("provision", "configure", "release", "run")


class WorldSpec(ProviderSpec, frozen=True, extra="forbid"):
    """An environment in a world that is a file."""

    kind: Literal["world"] = "world"
    log: Path
    seconds: float = 0.05
    needs: str = ""  # a variable that a worker has to have

    def problems(self) -> tuple[str, ...]:
        return (f"{self.needs} is not set",) if self.needs and self.needs not in os.environ else ()

    def steps(self, command: CommandName, environment: AnyEnvironment) -> Sequence[Step]:
        return [self._step(f"{command}_{number}", environment.name) for number in (1, 2)]

    def supports(self, command: CommandName) -> bool:
        return command is not CommandName.REGISTER

    def logs(self, environment: AnyEnvironment, directory: Path) -> Sequence[Path]:
        return ()

    async def observe(self, environment: AnyEnvironment, directory: Path) -> Observation:
        up = environment.state.name == "running"
        return Observation(resources=True, service=ServiceState.UP if up else ServiceState.DOWN)

    def _step(self, name: str, environment: str) -> Step:
        async def effect(context: StepContext) -> StepOutputs:
            write(self.log, "begin", environment, name)
            await asyncio.sleep(self.seconds)
            write(self.log, "end", environment, name)
            return {}

        async def probe(context: StepContext) -> Probed:
            write(self.log, "probe", environment, name)
            ended = any(each.what == "end" and each.step == name for each in read(self.log, environment))
            return Probed.done("it is in the log") if ended else Probed.not_done("it is not in the log")

        return Step(name=name, effect=effect, probe=probe)


register_provider("world", f"{__name__}:WorldSpec")


class Line(NamedTuple):
    at: float
    pid: int
    what: str
    environment: str
    step: str


def write(log: Path, what: str, environment: str, step: str) -> None:
    line = f"{time.time():.4f} {os.getpid()} {what} {environment} {step}\n"
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)


def read(log: Path, environment: str | None = None) -> Iterator[Line]:
    if not log.exists():
        return
    for text in log.read_text().splitlines():
        at, pid, what, name, step = text.split()
        if environment in (None, name):
            yield Line(float(at), int(pid), what, name, step)


@dataclass
class Report:
    """What was wrong in a world, and how it went."""

    violations: list[str]
    probes: int


def judge(log: Path, histories: dict[str, Iterable[HistoryEntry]]) -> Report:
    """Compare a world with the journals: nothing at once, nothing twice, nothing again without a probe."""
    by_name = defaultdict(list)
    for line in read(log):
        if line.environment in histories:
            by_name[line.environment].append(line)
    violations = [*_of_journals(histories, by_name)]
    for name, lines in by_name.items():
        violations += _of_world(name, lines)
    return Report(violations, sum(line.what == "probe" for line in read(log)))


def _of_world(name: str, lines: list[Line]) -> Iterator[str]:
    open_: dict[tuple[int, str], Line] = {}
    ended: set[str] = set()
    begun: set[str] = set()  # since its last probe
    for line in lines:
        if line.what == "probe":
            begun.discard(line.step)
        elif line.what == "begin":
            if line.step in begun:
                yield f"{name}: {line.step} begun again without a probe"
            begun.add(line.step)
            open_[line.pid, line.step] = line
        else:
            if line.step in ended:
                yield f"{name}: {line.step} ended twice"
            ended.add(line.step)
            mine = open_.pop((line.pid, line.step))
            others = [other for other in open_.values() if other.pid != line.pid and other.at > mine.at]
            if others:
                yield f"{name}: {line.step} and {others[0].step} at once"


def _of_journals(
    histories: dict[str, Iterable[HistoryEntry]], world: dict[str, list[Line]]
) -> Iterator[str]:
    for name, entries in histories.items():
        ended = {line.step for line in world[name] if line.what == "end"}
        pending: set[str] = set()
        for entry in entries:
            record = entry.record
            if not isinstance(record, StepRecord):
                environment = getattr(record, "environment", None)
                operation = None if environment is None else environment.operation
                if environment is not None and (operation is None or not operation.is_active):
                    # A command that lost its lease or its database, and has recorded its failure, leaves a
                    # step in doubt; the next one probes before it begins the step, which the world shows.
                    pending.clear()
                continue
            if record.phase == "intent":
                if record.step in pending:
                    yield f"{name}: a second intent of {record.step} without a settlement"
                pending.add(record.step)
            elif record.phase in ("result", "failure"):
                pending.discard(record.step)
                if record.phase == "result" and record.step not in ended:
                    yield f"{name}: {record.step} is recorded, and not in the world"
