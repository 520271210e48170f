"""Failures in a lifecycle and the commands that follow, on every storage."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from environments.errors import CommandFailed, OperationInterrupted, StepFailed
from environments.execution.commands import Command, ProvisionCommand
from environments.execution.stop import StopRequest
from environments.model.environment import AnyEnvironment, Environment
from environments.model.failure import FailureCause
from environments.model.spec import EnvironmentSpec
from environments.model.states import Created
from environments.model.steps import Probed
from environments.ports import EnvironmentRepository
from environments.storage.file import FileRepository
from environments.testing import FixedClock, ScriptedProvider, ScriptedSpec
from statechart.errors import InvalidTransition

MakeCommand = Callable[..., Command]
COMMANDS = ("provision", "configure", "release", "run", "destroy")
NETWORK = StepFailed(FailureCause.NETWORK, "no route to host", "ping: 3 packets lost")


@pytest.fixture
def repository(any_repository: EnvironmentRepository) -> EnvironmentRepository:
    return any_repository


async def test_a_lifecycle_in_which_every_command_fails_once(
    created: Environment[Created], make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    states = []
    for command in COMMANDS:
        provider.fails[f"second_{command}"] = [NETWORK]
        with pytest.raises(CommandFailed) as failed:
            await make_command(command).attempt("demo")
        states.append(failed.value.environment.state.name)
        states.append((await make_command(command).attempt(failed.value.environment)).state.name)

    assert states[0::2] == [
        "provision_failed",
        "configure_failed",
        "release_failed",
        "run_failed",
        "running",
    ]
    assert states[1::2] == ["provisioned", "configured", "released", "running", "destroyed"]
    assert provider.done == [f"{which}_{command}" for command in COMMANDS for which in ("first", "second")]


async def test_the_provisioned_address_is_kept_after_a_later_failure(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    repository: EnvironmentRepository,
) -> None:
    provider.outputs["first_provision"] = {"instance_ip": "10.0.0.7"}
    provider.fails["second_provision"] = [NETWORK]

    with pytest.raises(CommandFailed):
        await make_command("provision").attempt(created)

    assert repository.load("demo").outputs.instance_ip == "10.0.0.7"


async def test_a_cancelled_step_is_probed_before_it_is_repeated(
    created: Environment[Created], make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    provider.hangs.add("first_provision")
    task = asyncio.ensure_future(make_command("provision").attempt(created))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    provider.hangs.clear()
    provider.probes["first_provision"] = Probed.done("the server is there", instance_ip="10.0.0.7")

    provisioned = await make_command("provision").attempt("demo")

    assert provisioned.outputs.instance_ip == "10.0.0.7"
    assert provider.done == ["second_provision"]


async def test_a_stopped_command_resumes_without_repeating_a_step(
    created: Environment[Created], make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    stop = StopRequest()
    provider.at_step = lambda _step, _context: stop.request("SIGINT")
    with pytest.raises(CommandFailed):
        await make_command("provision", stop=stop).attempt(created)

    provisioned = await make_command("provision").attempt("demo")

    assert provisioned.state.name == "provisioned"
    assert provider.done == ["first_provision", "second_provision"]


async def test_an_interrupted_command_leaves_a_single_way_out(
    created: Environment[Created],
    make_command: MakeCommand,
    crash: Callable[..., AnyEnvironment],
    repository: EnvironmentRepository,
) -> None:
    crash("provision", "provisioning", "first_provision")
    for command in ("provision", "configure", "release", "run"):
        with pytest.raises(OperationInterrupted):
            await make_command(command).attempt("demo")

    destroyed = await make_command("destroy").attempt("demo")

    assert (destroyed.state.name, destroyed.operation) == ("destroyed", None)
    repository.delete(destroyed)
    assert not repository.exists("demo")


async def test_a_begun_teardown_can_only_be_completed(
    place: Callable[..., AnyEnvironment], make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    place("running")
    provider.fails["second_destroy"] = [NETWORK]
    with pytest.raises(CommandFailed, match="destroy of 'demo' failed at second_destroy") as failed:
        await make_command("destroy").attempt("demo")
    assert str(failed.value.environment).endswith(
        "running, destroy failed at second_destroy: partly torn down"
    )

    with pytest.raises(InvalidTransition, match="teardown has begun"):
        await make_command("release").attempt("demo")

    assert (await make_command("destroy").attempt("demo")).state.name == "destroyed"
    assert provider.done == ["first_destroy", "second_destroy"]


async def test_a_failure_names_its_trace_file(
    tmp_path: Path, provider: ScriptedProvider, clock: FixedClock
) -> None:
    repository = on_disk(tmp_path, clock)
    provider.fails["second_provision"] = [NETWORK]

    with pytest.raises(CommandFailed) as failed:
        await ProvisionCommand(repository, provider, clock=clock).execute("demo")

    trace = repository.directory("demo") / str(failed.value.failure.trace_file)
    assert "ping: 3 packets lost" in trace.read_text()
    assert trace.stat().st_mode & 0o777 == 0o600


async def test_a_missing_trace_does_not_hide_the_failure(
    tmp_path: Path, provider: ScriptedProvider, clock: FixedClock
) -> None:
    repository = on_disk(tmp_path, clock)
    (repository.directory("demo") / "traces").write_text("a file in its place")
    provider.fails["second_provision"] = [NETWORK]

    with pytest.raises(CommandFailed, match="no route to host") as failed:
        await ProvisionCommand(repository, provider, clock=clock).execute("demo")

    assert failed.value.persistence_error is None
    assert failed.value.failure.trace_file is None
    assert FileRepository(tmp_path).load("demo") == failed.value.environment


def on_disk(data_dir: Path, clock: FixedClock) -> FileRepository:
    """Return a repository on disk with demo."""
    repository = FileRepository(data_dir)
    spec = EnvironmentSpec(name="demo", provider=ScriptedSpec())
    repository.create(Environment.new(spec, clock.now()))
    return repository
