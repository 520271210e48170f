"""Make thousands of environments with true histories: `python -m tests.benchmarks.many DIR [COUNT]`.

Each is written record by record, as its commands would have written it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final
from uuid import UUID

from pydantic import JsonValue

from environments import Environment, EnvironmentSpec, FileRepository, LocalProvider
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment
from environments.model.failure import Failure, FailureCause
from environments.model.operation import Operation, OperationStatus, StepInHand, StepResult
from environments.model.records import OperationRecord, StepRecord, TransitionRecord
from environments.model.states import EnvironmentState, enter
from environments.ports import Session
from environments.presentation.guidance import EVENTS
from statechart.holder import Holder

HELLO: Final = Path(__file__).parents[2] / "examples" / "hello"
TEAMS: Final = ("red", "green", "blue", "amber", "violet")
SERVICES: Final = ("web", "api", "queue", "search", "billing")
STAGES: Final = ("dev", "test", "staging", "production")

STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    "provision": ("create_directories", "choose_port"),
    "configure": ("write_configuration",),
    "release": ("copy_application", "check_release"),
    "run": ("start_service", "wait_until_healthy"),
    "stop": ("stop_service",),
    "destroy": ("stop_service", "remove_directories"),
}
_BEGUN: Final = {"provision": "provisioning", "configure": "configuring", "release": "releasing"}
_DONE: Final = {
    "provision": "provisioned", "configure": "configured", "release": "released",
    "run": "running", "stop": "released", "destroy": "destroyed",
}  # fmt: skip

PATHS: Final[Sequence[tuple[int, tuple[str, ...]]]] = (
    (560, ("provision", "configure", "release", "run")),
    (100, ("provision", "configure", "release", "run", "release", "run")),
    (60, ("provision",)),
    (60, ("provision", "configure")),
    (60, ("provision", "configure", "release")),
    (80, ("provision", "configure", "release", "run", "destroy")),
    (20, ("provision!",)),
    (20, ("provision", "configure!")),
    (15, ("provision", "configure", "release", "run!")),
    (10, ("provision", "configure", "release", "run", "destroy!")),
    (10, ("provision", "configure?",)),
    (5, ("provision", "configure", "release", "run", "destroy?")),
)  # fmt: skip
"""How many of 1,000 environments ran which commands; the last failed (`!`) or was interrupted (`?`)."""


@dataclass(slots=True)
class _Writer:
    """Writes the records of commands that never ran."""

    session: Session
    random: Random
    now: datetime
    number: int = 0
    operation: Operation | None = field(default=None)

    @property
    def environment(self) -> AnyEnvironment:
        return self.session.environment

    def run(self, command: str, ending: str) -> None:
        """Write the records of a command that succeeded, failed (`!`) or was interrupted (`?`)."""
        self._open(command)
        steps = STEPS[command]
        for number, step in enumerate(steps, 1):
            hand = StepInHand(name=step, number=number, of=len(steps), started_at=self._later(1))
            self.session.append_step(StepRecord(phase="intent", step=step, intent=hand))
            if ending and number == len(steps):
                if ending == "!":
                    self._fail(command, step)
                return
            result = StepResult(
                name=step, version=1, digest="0" * 64, outputs=self._outputs(step),
                duration=timedelta(seconds=self.random.uniform(0.2, 40)),
            )  # fmt: skip
            self.now += result.duration
            self.session.append_step(StepRecord(phase="result", step=step, result=result))
        state = enter(EnvironmentState(_DONE[command]))
        after = self.environment.achieving(state, at=self._later(1))
        self._enter("complete" if command in _BEGUN else command, after)

    def _open(self, command: str) -> None:
        at = self._later(600)
        holder = Holder.current(f"envchart {command}").model_copy(
            update={"user": self.random.choice(("ada", "grace", "edsger", "ci")), "pid": 2**22}
        )
        operation = Operation(
            id=UUID(int=self.random.getrandbits(128)).hex,
            command=CommandName(command), started_at=at, holder=holder,
        )  # fmt: skip
        if command in _BEGUN:
            state = enter(EnvironmentState(_BEGUN[command]))
            self._enter(command, self.environment.entering(state, at=at, operation=operation))
        else:
            opened = self.environment.with_operation(operation, at=at)
            self.session.commit(OperationRecord(change="opened", environment=opened))

    def _fail(self, command: str, step: str) -> None:
        operation, at = self.environment.operation, self._later(30)
        assert operation is not None
        failure = Failure(
            command=CommandName(command), step=step, cause=FailureCause.TIMEOUT,
            summary="no answer within 30 seconds",
            started_at=operation.started_at, failed_at=at, duration=at - operation.started_at,
            trace_id=operation.id,
        )  # fmt: skip
        ended = operation.model_copy(update={"status": OperationStatus.FAILED, "failure": failure})
        if command == "destroy":
            closed = self.environment.with_operation(ended, at=at)
            self.session.commit(
                OperationRecord(change="closed", reason=failure.summary, environment=closed)
            )
            return
        state = enter(EnvironmentState(f"{command}_failed"), failure)
        self._enter("fail", self.environment.entering(state, at=at, operation=ended))

    def _enter(self, event: str, after: AnyEnvironment) -> None:
        before = self.environment.state.name
        assert event in EVENTS[before], f"{event} from {before}"
        self.session.commit(
            TransitionRecord(event=event, from_state=before, to_state=after.state.name, environment=after)
        )

    def _later(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=self.random.uniform(0.1, seconds))
        return self.now

    def _outputs(self, step: str) -> dict[str, JsonValue]:
        release = f"r{self.random.randrange(1, 40):02}"
        match step:
            case "choose_port":
                return {"port": 20_000 + self.number % 40_000}
            case "copy_application":
                return {"release": release}
            case "wait_until_healthy":
                url = f"http://127.0.0.1:{self.environment.outputs.port}"
                return {"serving": self.environment.outputs.release, "url": url}
            case _:
                return {}


def make(root: Path, count: int = 10_000, *, seed: int = 16) -> list[str]:
    """Make environments in a data directory, and return their names; the same each time."""
    random = Random(seed)
    repository = FileRepository(root)
    weights, paths = zip(*PATHS, strict=True)
    names: list[str] = []
    for number in range(1, count + 1):
        team, service, stage = random.choice(TEAMS), random.choice(SERVICES), random.choice(STAGES)
        name = f"{service}-{stage}-{number:05}"
        spec = EnvironmentSpec(
            name=name, provider=LocalProvider(app=HELLO), labels={"team": team, "stage": stage}
        )
        begun = datetime.now(UTC) - timedelta(days=random.uniform(1, 60))
        repository.create(Environment.new(spec, begun))
        with repository.open(name, Holder.current("many")) as session:
            writer = _Writer(session, random, begun, number)
            for command in random.choices(paths, weights)[0]:
                writer.run(command.rstrip("!?"), command[len(command.rstrip("!?")) :])
        if (operation := writer.environment.operation) is not None and operation.is_active:
            # As a process leaves it that dies: not signed off.
            lock = root / ".locks" / f"{name}.lock"
            lock.write_text(f"{operation.holder.model_dump_json()}\n")
        names.append(name)
    return names


def main() -> None:
    """Make the environments that the command line asks for."""
    root, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    begun = time.perf_counter()
    make(root, count)
    taken = time.perf_counter() - begun
    print(f"{count} environments in {root}: {taken:.1f} s, {taken / count * 1000:.1f} ms each")


if __name__ == "__main__":
    main()
