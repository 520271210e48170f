"""Recover interrupted commands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from environments.errors import CommandFailed, StepFailed, StepInDoubt
from environments.execution.runtime import Runtime
from environments.model.failure import FailureCause
from environments.model.operation import Operation, OperationStatus, StepInHand, StepResult, ToolProcess
from environments.model.records import OperationRecord, StepRecord
from environments.model.steps import Probed, marks
from environments.ports import EnvironmentRepository
from environments.recovery.recover import Recovery
from environments.recovery.settle import Assumption
from environments.testing import FixedClock, ScriptedProvider
from statechart.errors import Locked
from statechart.holder import Holder
from tests.conftest import MakeCommand, Place
from tests.operations import own

COMMANDS = {
    "provision": ("created", "provisioning", "provisioned", "provision_failed"),
    "configure": ("provisioned", "configuring", "configured", "configure_failed"),
    "release": ("configured", "releasing", "released", "release_failed"),
    "run": ("released", None, "running", "run_failed"),
}


@pytest.fixture
def repository(any_repository: EnvironmentRepository) -> EnvironmentRepository:
    return any_repository


@pytest.fixture
def recovery(repository: EnvironmentRepository, provider: ScriptedProvider, clock: FixedClock) -> Recovery:
    return Recovery(Runtime(repository, provider, clock))


@pytest.fixture
def step_done(repository: EnvironmentRepository, provider: ScriptedProvider) -> Callable[[str], None]:
    """Record a result for a step of the dead command."""

    def done(name: str) -> None:
        with repository.open("demo", Holder.current("test")) as session:
            environment = session.environment
            assert environment.operation is not None
            command = environment.operation.command
            step = next(each for each in provider.steps(command, environment) if each.name == name)
            hand = StepInHand(name=name, number=1, of=2, started_at=environment.updated_at)
            session.append_step(StepRecord(phase="intent", step=name, intent=hand))
            result = StepResult(name=name, version=step.version, digest=step.digest)
            session.append_step(StepRecord(phase="result", step=name, result=result))

    return done


@pytest.mark.parametrize("command", COMMANDS)
async def test_an_undone_step_becomes_the_failed_step(
    place: Place, crash: Callable[..., Any], recovery: Recovery, provider: ScriptedProvider, command: str
) -> None:
    before, begun, _, failed = COMMANDS[command]
    place(before)
    crash(command, begun, f"first_{command}")
    provider.probes[f"first_{command}"] = Probed.not_done("it is not there")

    recovered = await recovery.run("demo")

    environment = recovered.environment
    assert (environment.state.name, environment.operation.status) == (failed, OperationStatus.INTERRUPTED)
    assert environment.condition == f"{failed} (interrupted at: first_{command})"
    assert environment.failure.cause is FailureCause.INTERRUPTED
    assert "which was not done: it is not there" in environment.failure.summary
    assert environment.operation.in_doubt == ()


async def test_a_step_that_failed_before_the_end_was_recorded_is_not_called_unbegun(
    place: Place, crash: Callable[..., Any], recovery: Recovery, repository: EnvironmentRepository
) -> None:
    place("created")
    crash("provision", "provisioning", "first_provision")
    with repository.open("demo", Holder.current("test")) as session:
        session.append_step(StepRecord(phase="failure", step="first_provision", summary="no space left"))

    recovered = await recovery.run("demo")

    assert recovered.findings == (
        "first_provision: failed before the command was interrupted: no space left",
    )
    assert recovered.environment.failure.summary.endswith("no space left")


async def test_retries_and_time_limits_survive_the_death_of_a_command(
    place: Place,
    crash: Callable[..., Any],
    recovery: Recovery,
    repository: EnvironmentRepository,
    provider: ScriptedProvider,
    make_command: MakeCommand,
    clock: FixedClock,
) -> None:
    place("created")
    crash("provision", "provisioning", "first_provision")
    with repository.open("demo", Holder.current("test")) as session:
        again = StepInHand(name="first_provision", number=1, of=2, started_at=clock.now())
        session.append_step(StepRecord(phase="intent", step="first_provision", intent=again))
    refused = StepFailed(FailureCause.NETWORK, "no route to host")
    provider.options["first_provision"] = {"retries": 2, "timeout": timedelta(minutes=5)}
    provider.probes["first_provision"] = Probed.not_done("it is not there")
    provider.fails["first_provision"] = [refused] * 4

    recovered = await recovery.run("demo")
    for slept in (0, 2):  # one attempt was left; the next command has all of them
        clock.slept.clear()
        with pytest.raises(CommandFailed):
            await make_command("provision").attempt("demo")
        assert len(clock.slept) == slept

    assert recovered.findings[0].startswith("first_provision: the time limit of its attempt ends at ")
    assert provider.fails["first_provision"] == []


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_command_with_all_steps_done_achieves_its_state(
    place: Place,
    crash: Callable[..., Any],
    step_done: Callable[[str], None],
    recovery: Recovery,
    provider: ScriptedProvider,
    command: str,
) -> None:
    before, begun, achieved, _ = COMMANDS[command]
    place(before)
    crash(command, begun)
    step_done(f"first_{command}")
    step_done(f"second_{command}")
    provider.probes[f"second_{command}"] = Probed.done("it is all there")

    recovered = await recovery.run("demo")

    assert (recovered.environment.state.name, recovered.environment.operation) == (achieved, None)
    assert recovered.findings == (f"second_{command}: it is all there",)


async def test_a_state_that_cannot_be_verified_is_not_achieved(
    place: Place,
    crash: Callable[..., Any],
    step_done: Callable[[str], None],
    recovery: Recovery,
    provider: ScriptedProvider,
) -> None:
    place("released")
    crash("run")
    step_done("first_run")
    step_done("second_run")
    provider.probes["second_run"] = Probed.not_done("nothing answers")

    recovered = await recovery.run("demo")

    assert recovered.environment.condition == "run_failed (interrupted at: second_run)"
    assert "it can't be verified: nothing answers" in recovered.environment.failure.summary


async def test_a_step_found_done_keeps_the_outputs_of_its_probe(
    place: Place, crash: Callable[..., Any], recovery: Recovery, provider: ScriptedProvider
) -> None:
    place("created")
    crash("provision", "provisioning", "first_provision")
    provider.probes["first_provision"] = Probed.done("it is there", port=8000)

    recovered = await recovery.run("demo")

    environment = recovered.environment
    assert environment.condition == "provision_failed (interrupted at: second_provision)"
    assert environment.outputs.port == 8000
    assert [done.name for done in environment.operation.steps_done] == ["first_provision"]
    assert recovered.findings == (
        "first_provision: done, its probe says: it is there",
        "second_provision: not begun",
    )


async def test_retry_resumes_after_the_steps_found_done(
    place: Place,
    crash: Callable[..., Any],
    recovery: Recovery,
    make_command: MakeCommand,
    provider: ScriptedProvider,
) -> None:
    place("created")
    crash("provision", "provisioning", "first_provision")
    provider.probes["first_provision"] = Probed.done("it is there")
    await recovery.run("demo")

    provisioned = await make_command("provision").attempt("demo")

    assert provisioned.state.name == "provisioned"
    assert provider.done == ["second_provision"]


async def test_an_undecidable_step_waits_for_a_person_and_changes_nothing(
    place: Place,
    crash: Callable[..., Any],
    recovery: Recovery,
    repository: EnvironmentRepository,
) -> None:
    place("created")
    interrupted = crash("provision", "provisioning", "first_provision")

    with pytest.raises(StepInDoubt, match="whether first_provision of 'demo' was done is not known"):
        await recovery.run("demo")

    assert repository.load("demo") == interrupted


@pytest.mark.parametrize(("done", "at"), [(True, "second_provision"), (False, "first_provision")])
async def test_the_decision_of_a_person_is_recorded_with_name_and_reason(
    place: Place,
    crash: Callable[..., Any],
    recovery: Recovery,
    repository: EnvironmentRepository,
    done: bool,
    at: str,
) -> None:
    place("created")
    crash("provision", "provisioning", "first_provision")
    recovery.decide = lambda doubt: Assumption(done, "ann@lab", f"I looked at {doubt.step}")

    recovered = await recovery.run("demo")

    assert recovered.environment.failure.step == at
    settled = next(
        entry.record.settled
        for entry in repository.history("demo")
        if isinstance(entry.record, StepRecord) and entry.record.settled
    )
    assert (settled.by, settled.who, settled.reason) == ("person", "ann@lab", "I looked at first_provision")


async def test_an_idempotent_step_stays_in_doubt_without_a_question(
    place: Place, crash: Callable[..., Any], recovery: Recovery, provider: ScriptedProvider
) -> None:
    place("created")
    crash("provision", "provisioning", "first_provision")
    provider.options["first_provision"] = {"idempotent": True}

    recovered = await recovery.run("demo")

    assert recovered.environment.condition == "provision_failed (interrupted at: first_provision)"
    assert [step.name for step in recovered.environment.operation.in_doubt] == ["first_provision"]


async def test_an_invisible_process_is_reported_as_such(
    place: Place, recovery: Recovery, repository: EnvironmentRepository, clock: FixedClock
) -> None:
    place("released")
    elsewhere = Holder.current("envchart run").model_copy(update={"host": "build-7"})
    operation = Operation(id="1", command="run", started_at=clock.now(), holder=elsewhere)
    with repository.open("demo", Holder.current("test")) as session:
        opened = session.environment.with_operation(operation, at=clock.now())
        session.commit(OperationRecord(change="opened", environment=opened))

    recovered = await recovery.run("demo")

    assert recovered.environment.condition == "run_failed (interrupted at: first_run)"
    assert "ran on build-7, whose processes can't be seen from here" in recovered.findings[0]


async def test_recovering_twice_changes_nothing_more(
    place: Place,
    crash: Callable[..., Any],
    recovery: Recovery,
    repository: EnvironmentRepository,
    provider: ScriptedProvider,
) -> None:
    place("created")
    crash("provision", "provisioning", "first_provision")
    provider.probes["first_provision"] = Probed.not_done("it is not there")
    await recovery.run("demo")
    length = len(repository.history("demo"))

    again = await recovery.run("demo")

    assert (again.settled, again.findings, len(repository.history("demo"))) == (False, (), length)


async def test_a_dry_run_reports_the_outcome_and_changes_nothing(
    place: Place,
    crash: Callable[..., Any],
    recovery: Recovery,
    repository: EnvironmentRepository,
    provider: ScriptedProvider,
) -> None:
    place("created")
    interrupted = crash("provision", "provisioning", "first_provision")
    provider.probes["first_provision"] = Probed.not_done("it is not there")

    would_be = await recovery.run("demo", dry_run=True)

    assert would_be.environment.condition == "provision_failed (interrupted at: first_provision)"
    assert repository.load("demo") == interrupted
    assert repository.holder("demo") is None


async def test_a_dry_run_stops_at_a_step_that_a_person_has_to_decide(
    place: Place, crash: Callable[..., Any], recovery: Recovery
) -> None:
    place("created")
    crash("provision", "provisioning", "first_provision")

    would_be = await recovery.run("demo", dry_run=True)

    assert would_be.undecided is not None
    assert would_be.undecided.step == "first_provision"


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_running_command_is_not_recovered(
    place: Place,
    crash: Callable[..., Any],
    recovery: Recovery,
    repository: EnvironmentRepository,
    dry_run: bool,
) -> None:
    place("created")
    crash("provision", "provisioning", "first_provision")

    with repository.open("demo", Holder.current("envchart provision")), pytest.raises(Locked):
        await recovery.run("demo", dry_run=dry_run)


async def test_a_begun_teardown_stays_recorded(
    place: Place,
    crash: Callable[..., Any],
    recovery: Recovery,
    provider: ScriptedProvider,
    make_command: MakeCommand,
) -> None:
    place("running")
    crash("destroy", None, "first_destroy")
    provider.probes["first_destroy"] = Probed.not_done("it still runs")

    recovered = await recovery.run("demo")

    assert (
        recovered.environment.condition == "running, destroy interrupted at first_destroy: partly torn down"
    )
    assert recovered.environment.teardown_begun
    destroyed = await make_command("destroy").attempt("demo")
    assert destroyed.state.name == "destroyed"


async def test_a_teardown_with_all_steps_done_is_completed(
    place: Place,
    crash: Callable[..., Any],
    step_done: Callable[[str], None],
    recovery: Recovery,
    provider: ScriptedProvider,
) -> None:
    place("running")
    crash("destroy")
    step_done("first_destroy")
    step_done("second_destroy")
    provider.probes["second_destroy"] = Probed.done("nothing is left")

    recovered = await recovery.run("demo")

    assert (recovered.environment.state.name, recovered.environment.operation) == ("destroyed", None)


async def test_a_destroy_without_effect_restores_the_operation_before(
    place: Place,
    crash: Callable[..., Any],
    recovery: Recovery,
    provider: ScriptedProvider,
    make_command: MakeCommand,
) -> None:
    place("created")
    provider.fails["second_provision"] = [StepFailed(FailureCause.NETWORK, "no way there")]
    with pytest.raises(CommandFailed) as failed:
        await make_command("provision").attempt("demo")
    crash("destroy", None, "first_destroy", has_effect=False)
    provider.options["first_destroy"] = {"has_effect": False}

    recovered = await recovery.run("demo")

    assert recovered.environment.operation == failed.value.environment.operation
    assert recovered.environment.condition == "provision_failed (failed at: second_provision)"


async def test_the_operation_that_a_dead_destroy_replaced_is_settled_too(
    place: Place, crash: Callable[..., Any], recovery: Recovery, provider: ScriptedProvider
) -> None:
    place("created")
    crash("provision", "provisioning", "first_provision")
    crash("destroy", None, "first_destroy", has_effect=False)
    provider.options["first_destroy"] = {"has_effect": False}
    provider.probes["first_provision"] = Probed.not_done("it is not there")

    recovered = await recovery.run("demo")

    assert recovered.environment.condition == "provision_failed (interrupted at: first_provision)"


async def test_a_step_unknown_to_this_version_stays_in_doubt(
    place: Place, crash: Callable[..., Any], recovery: Recovery
) -> None:
    place("created")
    crash("provision", "provisioning", "an_old_step")

    recovered = await recovery.run("demo")

    assert recovered.environment.condition == "provision_failed (interrupted at: an_old_step)"
    assert [step.name for step in recovered.environment.operation.in_doubt] == ["an_old_step"]


@pytest.fixture
def survivor() -> Iterator[subprocess.Popen[bytes]]:
    """A tool of first_provision that outlives its command."""
    marked = {**os.environ, **marks(own("provision-that-died"), "first_provision")}
    program = "import time; print('up', flush=True); time.sleep(60)"
    child = subprocess.Popen(
        [sys.executable, "-c", program], env=marked, start_new_session=True, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    yield child
    with child:
        child.kill()


@pytest.mark.parametrize("recorded", [True, False], ids=["its group is on record", "only its marks tell"])
async def test_a_surviving_tool_is_ended_before_any_probe(
    place: Place,
    crash: Callable[..., Any],
    recovery: Recovery,
    repository: EnvironmentRepository,
    provider: ScriptedProvider,
    survivor: subprocess.Popen[bytes],
    recorded: bool,
) -> None:
    place("created")
    crash("provision", "provisioning", "first_provision")
    if recorded:
        with repository.open("demo", Holder.current("test")) as session:
            tool = ToolProcess.of(survivor.pid, "python")
            session.append_step(StepRecord(phase="process", step="first_provision", process=tool))
    provider.probes["first_provision"] = Probed.not_done("it is not there")

    recovered = await recovery.run("demo")

    assert survivor.wait(60) == -signal.SIGTERM
    assert "still ran, and was ended" in recovered.findings[0]


async def test_destroy_ends_the_tools_of_an_interrupted_command(
    place: Place, crash: Callable[..., Any], make_command: MakeCommand, survivor: subprocess.Popen[bytes]
) -> None:
    place("created")
    crash("provision", "provisioning", "first_provision")

    destroyed = await make_command("destroy").attempt("demo")

    assert destroyed.state.name == "destroyed"
    assert survivor.wait(60) == -signal.SIGTERM


class Called(dict[str, Probed]):
    """Results of probes that note which probe was called."""

    def __init__(self, called: list[str], results: dict[str, Probed]) -> None:
        super().__init__(results)
        self.called = called

    def __getitem__(self, name: str) -> Probed:
        self.called.append(name)
        return super().__getitem__(name)


async def test_a_dry_run_leaves_survivors_alone(
    place: Place, crash: Callable[..., Any], recovery: Recovery, survivor: subprocess.Popen[bytes]
) -> None:
    place("created")
    crash("provision", "provisioning", "first_provision")

    would_be = await recovery.run("demo", dry_run=True)

    assert "still runs, and would be ended" in would_be.findings[0]
    assert survivor.poll() is None


@pytest.mark.parametrize("of_the_dead", [True, False])
async def test_a_dry_run_does_not_call_a_probe_that_could_have_effects_or_meet_them(
    place: Place,
    crash: Callable[..., Any],
    recovery: Recovery,
    provider: ScriptedProvider,
    request: pytest.FixtureRequest,
    of_the_dead: bool,
) -> None:
    place("created")
    if of_the_dead:
        request.getfixturevalue("survivor")  # a tool that still changes the world between two looks
    provider.options["first_provision"] = {"idempotent": True, "probe_has_effects": not of_the_dead}
    crash("provision", "provisioning", "first_provision")
    called: list[str] = []
    provider.probes = Called(called, {"first_provision": Probed.done("it is there")})

    would_be = await recovery.run("demo", dry_run=True)
    assert called == []
    assert "first_provision: not known (recover " in would_be.findings[-1]
    assert would_be.environment.condition == "provision_failed (interrupted at: first_provision)"

    await recovery.run("demo")
    assert called == ["first_provision"]
