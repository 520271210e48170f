"""Drive workspace and command line against a model of the chart, with crashes between the commands."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from environments.checks.verify import verify
from environments.cli.app import main
from environments.errors import CommandFailed, NothingToRetry, OperationInterrupted
from environments.model.spec import EnvironmentSpec
from environments.model.states import EnvironmentState
from environments.presentation.guidance import next_steps
from environments.storage.file import FileRepository
from environments.workspace import Workspace
from statechart.errors import InvalidTransition, Locked
from statechart.holder import Holder
from tests.crash.staged import MAKES, StagedSpec

READY = {"configured", "release_failed", "released", "running", "run_failed"}
FROM = {
    "provision": {"created", "provision_failed", "provisioned", "configure_failed", *READY},
    "configure": {"provisioned", "configure_failed", *READY},
    "release": READY,
    "run": {"released", "run_failed", "running"},
    "stop": {"running", "run_failed"},
}
"""From where each command goes, written down here by itself: the chart is held against it."""

DONE = {
    "provision": "provisioned",
    "configure": "configured",
    "release": "released",
    "run": "running",
    "stop": "released",
}
AHEAD = {
    "created": ("provisioned", "configured", "released", "running"),
    "provision_failed": ("provisioned", "configured", "released", "running"),
    "provisioned": ("configured", "released", "running"),
    "configure_failed": ("configured", "released", "running"),
    "configured": ("released", "running"),
    "release_failed": ("released", "running"),
    "released": ("running",),
    "run_failed": ("running",),
}
WHICH = st.integers(0, 5)
"""Which command, counted from those that are most likely to lead somewhere."""
_MEMORY = Path("/dev/shm")


class Life(RuleBasedStateMachine):
    """The expected environment, beside the recorded one."""

    def __init__(self) -> None:
        super().__init__()
        where = _MEMORY if os.access(_MEMORY, os.W_OK) else None
        self.place = Path(tempfile.mkdtemp(dir=where, prefix="envchart-model-"))
        (self.place / "world").mkdir()
        self.state: str | None = None
        self.torn = False
        self.interrupted = False
        self.revision = 0
        self.failed: str | None = None

    def teardown(self) -> None:
        shutil.rmtree(self.place)

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.place / "data")

    @property
    def repository(self) -> FileRepository:
        return FileRepository(self.place / "data")

    def spec(self, description: str = "") -> EnvironmentSpec:
        provider = StagedSpec(world=self.place / "world")
        return EnvironmentSpec(name="demo", provider=provider, description=description)

    def allowed(self, command: str) -> bool:
        if command == "destroy":
            return self.state != "destroyed"
        return not self.torn and self.state in FROM[command]

    def typed(self, *words: str) -> int:
        return main(["--data-dir", str(self.place / "data"), *words])

    @initialize(up=st.booleans())
    def begin(self, up: bool) -> None:
        """Begin with a new environment, or on its second day."""
        self.create()
        if up:
            asyncio.run(self.workspace.bring("demo"))
            self._settle("running")

    def create(self) -> None:
        self.workspace.create(self.spec())
        self.state, self.revision = "created", 1

    @precondition(lambda self: self.state is None)
    @rule()
    def create_again(self) -> None:
        self.create()

    @precondition(lambda self: self.state is not None)
    @rule(which=WHICH, breaks=st.booleans(), typed=st.booleans())
    def command(self, which: int, breaks: bool, typed: bool) -> None:
        """Run a command on the command line or by a call; compare its end with the model."""
        command = self._chosen(which)
        breaks = breaks and command != "destroy"
        if breaks:
            (self.place / "world" / "broken").touch()
        expected = self._expected(command, breaks)
        assert (self._type(command) if typed else self._call(command)) == expected
        (self.place / "world" / "broken").unlink(missing_ok=True)
        if expected == "done":
            self._settle("destroyed" if command == "destroy" else DONE[command])
        elif expected == "failed":  # a failed stop stays where it is
            assert self.state is not None
            self._settle(self.state if command == "stop" else f"{command}_failed", failed=command)

    @precondition(lambda self: self.state in AHEAD and not self.torn and not self.interrupted)
    @rule(number=st.integers(0, 3))
    def bring(self, number: int) -> None:
        """Bring the environment to a state ahead."""
        assert self.state is not None
        target = AHEAD[self.state][number % len(AHEAD[self.state])]
        assert self.typed("up", "demo", "--to", target) == 0
        self._settle(target)

    def _expected(self, command: str, breaks: bool) -> str:
        if self.interrupted and command != "destroy":
            return "interrupted"
        if not self.allowed(command):
            return "refused"
        return "failed" if breaks else "done"

    def _chosen(self, which: int) -> str:
        """Return a command: allowed commands first, the later ones before the earlier, and destroy last."""
        commands = [*reversed(FROM), "destroy"]
        return sorted(commands, key=lambda each: (not self.allowed(each), each == "destroy"))[which]

    def _settle(self, state: str, *, failed: str | None = None) -> None:
        self.state, self.failed = state, failed
        self.interrupted = self.torn = False

    def _type(self, command: str) -> str:
        yes = ["--yes"] if command == "destroy" else []
        code = self.typed(command, "demo", *yes)
        return {0: "done", 4: "refused", 6: "failed", 9: "interrupted"}[code]

    def _call(self, command: str) -> str:
        try:
            asyncio.run(getattr(self.workspace, command)("demo"))
        except OperationInterrupted:
            return "interrupted"
        except InvalidTransition:
            return "refused"
        except CommandFailed:
            return "failed"
        return "done"

    @precondition(lambda self: self.state is not None and not self.interrupted)
    @rule(which=WHICH, at=st.integers(1, 12))
    def crash(self, which: int, at: int) -> None:
        """Kill a command's process after some of its records."""
        command = self._chosen(which)
        if not self.allowed(command):
            return
        before = self.repository.load("demo").revision
        _killed_in_child(self.place, command, at)
        environment = self.repository.load("demo")
        operation = environment.operation
        self.interrupted = operation is not None and operation.is_active
        if environment.revision == before:
            return
        self.state, self.torn = environment.state.name.value, environment.teardown_begun
        if not self.interrupted:
            self.failed = None
            assert self.state == ("destroyed" if command == "destroy" else DONE[command])

    @precondition(lambda self: self.state is not None)
    @rule(typed=st.booleans())
    def recover(self, typed: bool) -> None:
        """Recover an interrupted operation, and change nothing else."""
        before = self.repository.load("demo")
        if typed:
            assert self.typed("recover", "demo") == 0
        else:
            assert asyncio.run(self.workspace.recover("demo")).settled == self.interrupted
        after = self.repository.load("demo")
        assert (after == before) is not self.interrupted
        operation = after.operation
        self.failed = (
            operation.command.value if operation is not None else self.failed if after == before else None
        )
        self.state, self.torn, self.interrupted = after.state.name.value, after.teardown_begun, False

    @precondition(lambda self: self.state is not None)
    @rule()
    def retry(self) -> None:
        """Retry a failed operation, which succeeds, as no step breaks now."""
        if self.interrupted:
            assert self.typed("retry", "demo") == 9
        elif self.repository.load("demo").failure is None:
            with pytest.raises(NothingToRetry):
                asyncio.run(self.workspace.retry("demo"))
        else:
            command = self.repository.load("demo").failure.command.value
            assert self.typed("retry", "demo") == 0
            self._settle("destroyed" if command == "destroy" else DONE[command])

    @precondition(lambda self: self.state is not None)
    @rule(which=WHICH)
    def somebody_else_holds_it(self, which: int) -> None:
        """Check that no command changes an environment that another process holds."""
        command = self._chosen(which)
        before = self.repository.load("demo")
        with self.repository.open("demo", Holder.current("other")):
            with pytest.raises(Locked):
                asyncio.run(getattr(self.workspace, command)("demo"))
            assert self.typed("recover", "demo") == 5
        assert self.repository.load("demo") == before

    @precondition(
        lambda self: self.state not in (None, "destroyed") and not self.torn and not self.interrupted
    )
    @rule(description=st.text("ab", max_size=2))
    def update(self, description: str) -> None:
        """Change the description, and nothing else."""
        updated = asyncio.run(self.workspace.update("demo", self.spec(description)))
        assert updated.spec.description == description

    @precondition(lambda self: self.state is not None)
    @rule()
    def purge(self) -> None:
        """Purge a destroyed environment; check that others can't be purged."""
        code = self.typed("purge", "demo", "--yes")
        assert code == (0 if self.state == "destroyed" else 4)
        if code == 0:
            self.state, self.revision, self.torn, self.failed = None, 0, False, None

    @invariant()
    def what_is_on_record_is_what_should_be(self) -> None:
        if self.state is None:
            return
        environment = self.repository.load("demo")
        assert environment.state.name == self.state
        assert environment.teardown_begun == self.torn
        assert environment.revision >= self.revision
        self.revision = environment.revision
        assert verify(self.repository, "demo").findings == ()
        self._is_true(environment)

    def _is_true(self, environment: Any) -> None:
        """Check that the world matches the state, and that the next commands are allowed."""
        there = StagedSpec(world=self.place / "world").files()
        if environment.state.name is EnvironmentState.DESTROYED:
            assert there == set()
        runs = environment.state.name is EnvironmentState.RUNNING and not environment.is_error
        if runs and not self.torn and not self.interrupted:
            assert there == {name for names in MAKES.values() for name in names}
        for step in next_steps(self.state or "", environment.operation, held=False):
            command = step.split()[0]
            assert command not in {*FROM, "destroy"} or self.allowed(command)


def _killed_in_child(place: Path, command: str, at: int) -> None:
    """Run a command in a fork that is killed after one of its records."""
    child = os.fork()
    if child == 0:
        from statechart.storage.journal import Journal

        append, count = Journal.append, [0]

        def appending(journal: Journal, line: Any) -> None:
            append(journal, line)
            count[0] += 1
            if count[0] == at:
                os.kill(os.getpid(), signal.SIGKILL)

        Journal.append = appending  # type: ignore[method-assign]
        try:
            asyncio.run(getattr(Workspace(place / "data"), command)("demo"))
        finally:
            os._exit(0)
    os.waitpid(child, 0)


COMMON = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def test_any_sequence_of_operations_agrees_with_the_model() -> None:
    run_state_machine_as_test(Life, settings=settings(COMMON, max_examples=25, stateful_step_count=25))


@pytest.mark.soak
def test_in_the_long_form_any_sequence_agrees_with_the_model() -> None:
    run_state_machine_as_test(Life, settings=settings(COMMON, max_examples=800, stateful_step_count=40))
