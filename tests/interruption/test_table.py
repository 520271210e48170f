"""How a command can be interrupted: a row for each way, command, and manner of step.

Each row checks the state, the operation, the exit code, the output of `show`, that no process is left
running, and that the next commands work.
"""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from environments.cli.app import main
from environments.model.environment import AnyEnvironment, Environment
from environments.model.operation import OperationStatus
from environments.model.spec import EnvironmentSpec
from environments.storage.file import FileRepository
from environments.system import processes
from environments.system.clock import SystemClock
from environments.workspace import Workspace
from tests.interruption.halting import HaltingSpec


class Case(NamedTuple):
    """A command in a state, and the states after its failure and its success."""

    command: str
    before: str
    failed: str
    done: str


CASES = {
    "provision": Case("provision", "created", "provision_failed", "provisioned"),
    "configure": Case("configure", "provisioned", "configure_failed", "configured"),
    "release": Case("release", "configured", "release_failed", "released"),
    "run": Case("run", "released", "run_failed", "running"),
    "destroy": Case("destroy", "running", "running", "destroyed"),
    "provision anew": Case("provision", "running", "provision_failed", "provisioned"),
    "configure anew": Case("configure", "running", "configure_failed", "configured"),
    "restart": Case("run", "running", "run_failed", "running"),
    "stop": Case("stop", "running", "running", "released"),
    "stop after a failed run": Case("stop", "run_failed", "run_failed", "released"),
}
PARTLY = {"stop": "partly stopped", "destroy": "partly torn down"}
MANNERS = ("tool", "sleep", "python")
OF_EVERY_MANNER = ("provision", "destroy")
"""With a state of its own while it runs, and without: the short form tries all manners with these."""


def _row(case: str, manner: str) -> Any:
    short = manner == "tool" or case in OF_EVERY_MANNER
    return pytest.param(case, manner, marks=() if short else pytest.mark.soak)


ROWS = [_row(case, manner) for case in CASES for manner in MANNERS]
SIGNALS = (("SIGINT", "SIGINT"), ("SIGTERM",), ("SIGHUP",))


def _signalled() -> Iterator[Any]:
    """Yield each row with each signal: of those of one manner, the short form takes one signal each."""
    for number, case in enumerate(CASES):
        for manner in MANNERS:
            for signals in SIGNALS:
                taken = case in OF_EVERY_MANNER or (manner == "tool" and signals == SIGNALS[number % 3])
                marks = () if taken else pytest.mark.soak
                yield pytest.param(
                    case, manner, signals, marks=marks, id=f"{case}-{manner}-{' '.join(signals)}"
                )


@dataclass
class Place:
    """An environment before a command that will halt."""

    directory: Path
    case: Case

    @property
    def command(self) -> str:
        return self.case.command

    @property
    def repository(self) -> FileRepository:
        return FileRepository(self.directory / "data")

    @property
    def world(self) -> Path:
        return self.directory / "world"

    @property
    def environment(self) -> AnyEnvironment:
        return self.repository.load("demo")

    def words(self, command: str) -> list[str]:
        yes = ["--yes"] if command == "destroy" else []
        return ["--data-dir", str(self.directory / "data"), command, "demo", *yes]

    def start(self, *, terminal: bool = False) -> tuple[int, int]:
        """Start the command in its own process, and wait until the step has begun."""
        child, master = pty.fork() if terminal else (os.fork(), -1)
        if child == 0:
            self._become()
        self.until(lambda: (self.world / "begun").exists())
        return child, master

    def _become(self) -> None:
        os.chdir(self.directory)
        code = 99
        try:
            if not os.isatty(2):
                output = os.open("output", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                os.dup2(output, 1)
                os.dup2(output, 2)
                sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
            else:
                sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.default_int_handler if number == 2 else signal.SIG_DFL)
            code = main(self.words(self.command))
            sys.stdout.flush()
        finally:
            os._exit(code)

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, (self.directory / "output").read_text()
            time.sleep(0.005)

    def heard(self) -> bool:
        """Return whether the command, or a step that keeps it from telling so, knows of the stop."""
        said = "stopping after this step" in (self.directory / "output").read_text()
        return said or (self.world / "heard").exists()

    def let(self) -> None:
        """Let the step finish."""
        (self.world / "halt").unlink(missing_ok=True)

    def ended(self, child: int) -> int:
        """Wait for the command; return its exit code, or the negative number of a fatal signal."""
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)

    def left_running(self, operation: str) -> list[Any]:
        return processes.marked({"ENVCHART_OPERATION": operation})


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    case, manner = CASES[request.getfixturevalue("case")], request.getfixturevalue("manner")
    made = Place(tmp_path, case)
    made.world.mkdir()
    spec = HaltingSpec(world=made.world, manner=manner)
    if request.node.get_closest_marker("with_timeout"):
        spec = spec.model_copy(update={"timeout": timedelta(seconds=0.3)})
    created = Environment.new(EnvironmentSpec(name="demo", provider=spec), SystemClock().now())
    made.repository.create(created)
    if case.before != "created":
        target = "running" if case.before == "run_failed" else case.before
        assert main([*made.words("up"), "--to", target]) == 0
    if case.before == "run_failed":
        (made.world / "broken").touch()
        assert main(made.words("run")) == 6
        (made.world / "broken").unlink()
    for done in made.world.glob(f"*_{case.command}"):
        done.unlink()  # what is applied anew differs from what is there
    (made.world / "halt").touch()
    return made


def assert_failed(place: Place, at: str, cause: str, *, in_doubt: bool) -> None:
    """Check that the command failed at a step, in doubt or not, and left no process."""
    environment = place.environment
    operation = environment.operation
    assert operation is not None
    assert (operation.status, environment.failure.cause) == (OperationStatus.FAILED, cause)
    assert environment.state.name == place.case.failed
    assert environment.failure.step == f"{at}_{place.command}"
    assert [step.name for step in operation.in_doubt] == ([f"{at}_{place.command}"] if in_doubt else [])
    assert operation.effects_begun
    assert place.left_running(operation.id) == []
    if place.command in PARTLY:
        where = f"{place.command} failed at {at}_{place.command}: {PARTLY[place.command]}"
        assert environment.condition == f"{place.case.failed}, {where}"
    else:
        assert environment.condition == f"{place.case.failed} (failed at: {at}_{place.command})"


def assert_shown(place: Place, capsys: pytest.CaptureFixture[str], first: str) -> None:
    """Check that `show` prints the condition and the next command."""
    capsys.readouterr()
    assert main(place.words("show")[:4]) == 0
    said = capsys.readouterr().out
    assert (
        said.startswith(f"demo: {place.environment.condition}\n") or "interrupted" in said.splitlines()[0]
    )
    assert f"\nnext: envchart {first} demo --data-dir " in said


def assert_leads_out(place: Place) -> None:
    """Check that the command can be resumed, and that destroy removes everything."""
    place.let()
    again = "destroy" if place.command == "destroy" else "retry"
    assert main(place.words(again)) == 0
    assert place.environment.state.name == place.case.done
    if place.command != "destroy":
        assert main(place.words("destroy")) == 0
    assert place.environment.state.name == "destroyed"


def first_way_out(place: Place) -> str:
    return "destroy" if place.command == "destroy" else "retry"


@pytest.mark.parametrize(("case", "manner"), ROWS)
def test_ctrl_c_lets_the_current_step_finish(place: Place, capsys: Any, case: str, manner: str) -> None:
    child, _ = place.start()

    os.kill(child, signal.SIGINT)
    place.until(place.heard)
    place.let()

    assert place.ended(child) == 130
    assert_failed(place, "last", "cancelled", in_doubt=False)
    assert_shown(place, capsys, first_way_out(place))
    assert_leads_out(place)


@pytest.mark.parametrize(("case", "manner", "signals"), list(_signalled()))
def test_a_second_ctrl_c_or_another_signal_ends_the_step_now(
    place: Place, capsys: Any, case: str, manner: str, signals: tuple[str, ...]
) -> None:
    child, _ = place.start()

    for number, name in enumerate(signals):
        if number:
            place.until(place.heard)  # the kernel makes one signal of two that come at once
        os.kill(child, signal.Signals[name])

    assert place.ended(child) == 128 + signal.Signals[signals[-1]]
    assert_failed(place, "halt", "cancelled", in_doubt=True)
    assert_shown(place, capsys, first_way_out(place))
    assert_leads_out(place)


@pytest.mark.parametrize(("case", "manner"), ROWS)
def test_a_closed_terminal_ends_the_step_now(place: Place, capsys: Any, case: str, manner: str) -> None:
    child, master = place.start(terminal=True)

    os.close(master)

    assert place.ended(child) == 129
    assert_failed(place, "halt", "cancelled", in_doubt=True)
    assert_shown(place, capsys, first_way_out(place))
    assert_leads_out(place)


@pytest.mark.parametrize(("case", "manner"), ROWS)
def test_a_cancelled_task_ends_the_step_at_its_current_wait(
    place: Place, capsys: Any, case: str, manner: str
) -> None:
    loop_and_task: list[Any] = []

    async def work() -> None:
        loop_and_task[:] = [asyncio.get_running_loop(), asyncio.current_task()]
        await getattr(Workspace(place.directory / "data"), place.command)("demo")

    def cancel() -> None:
        place.until(lambda: (place.world / "begun").exists())
        loop, task = loop_and_task
        loop.call_soon_threadsafe(task.cancel)
        if manner == "python":  # only it can end what keeps the loop to itself
            place.let()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(work())
    canceller.join()

    assert_failed(place, "last" if manner == "python" else "halt", "cancelled", in_doubt=True)
    assert_shown(place, capsys, first_way_out(place))
    assert_leads_out(place)


@pytest.mark.with_timeout
@pytest.mark.parametrize(("case", "manner"), ROWS)
def test_a_step_that_exceeds_its_timeout_is_ended(
    place: Place, capsys: Any, case: str, manner: str
) -> None:
    child, _ = place.start()
    if manner == "python":  # nothing can end it but itself
        time.sleep(0.4)
        place.let()

    assert place.ended(child) == 6
    assert_failed(place, "halt", "timeout", in_doubt=True)
    assert_shown(place, capsys, first_way_out(place))
    assert_leads_out(place)


@pytest.mark.parametrize(("case", "manner"), ROWS)
def test_a_killed_command_is_interrupted_and_recovered(
    place: Place, capsys: Any, case: str, manner: str
) -> None:
    child, _ = place.start()
    operation = place.environment.operation
    assert operation is not None

    os.kill(child, signal.SIGKILL)

    assert place.ended(child) == -signal.SIGKILL
    assert len(place.left_running(operation.id)) >= (manner == "tool")
    assert_shown(place, capsys, "recover")
    assert main(place.words("run" if place.command == "provision" else "provision")) == 9
    assert main(place.words("recover")) == 0
    assert place.left_running(operation.id) == []
    recovered = place.environment
    assert recovered.operation.status is OperationStatus.INTERRUPTED
    assert (recovered.state.name, recovered.failure.cause) == (place.case.failed, "interrupted")
    assert_shown(place, capsys, first_way_out(place))
    assert_leads_out(place)


@pytest.mark.parametrize("manner", ["tool"])
@pytest.mark.parametrize("case", CASES)
def test_destroy_takes_over_from_a_killed_command(place: Place, case: str, manner: str) -> None:
    child, _ = place.start()
    operation = place.environment.operation
    assert operation is not None
    os.kill(child, signal.SIGKILL)
    place.ended(child)
    (place.world / "begun").unlink()
    (place.world / "halt").rename(place.world / "halted")

    assert main(place.words("destroy")) == 0

    assert place.left_running(operation.id) == []
    assert place.environment.state.name == "destroyed"


@pytest.mark.parametrize("manner", ["tool"])
@pytest.mark.parametrize("case", CASES)
def test_a_killed_tool_fails_its_step(place: Place, capsys: Any, case: str, manner: str) -> None:
    child, _ = place.start()

    os.kill(int((place.world / "begun").read_text()), signal.SIGKILL)

    assert place.ended(child) == 6
    assert_failed(place, "halt", "command_execution", in_doubt=False)
    assert "was killed by SIGKILL" in place.environment.failure.summary
    assert_shown(place, capsys, first_way_out(place))
    assert_leads_out(place)
