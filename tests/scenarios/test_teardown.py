"""Destroy after failures and after interrupted commands."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from environments.errors import CommandFailed, OperationInterrupted, StepFailed
from environments.execution.commands import Command
from environments.model.environment import AnyEnvironment, Environment
from environments.model.failure import FailureCause
from environments.model.states import Created
from environments.ports import EnvironmentRepository
from environments.testing import ScriptedProvider
from statechart.errors import InvalidTransition
from tests.operations import own

MakeCommand = Callable[..., Command]
NETWORK = StepFailed(FailureCause.NETWORK, "no route to host")
SOURCES = {"release": "configured", "run": "released", "provision": "created", "configure": "provisioned"}


@pytest.mark.parametrize("command", ["provision", "configure", "release", "run"])
async def test_only_destroy_may_follow_an_interrupted_command(
    created: Environment[Created],
    make_command: MakeCommand,
    crash: Callable[..., AnyEnvironment],
    repository: EnvironmentRepository,
    command: str,
) -> None:
    crash("provision", "provisioning", "first_provision")

    with pytest.raises(OperationInterrupted, match="was interrupted at step first_provision") as refused:
        await make_command(command).attempt("demo")

    assert refused.value.operation == repository.load("demo").operation


async def test_an_interrupted_run_blocks_a_redeploy(
    place: Callable[..., AnyEnvironment], make_command: MakeCommand, crash: Callable[..., AnyEnvironment]
) -> None:
    place("released")
    crash("run")

    with pytest.raises(OperationInterrupted, match="between two steps"):
        await make_command("release").attempt("demo")


@pytest.mark.parametrize(("command", "state"), [("provision", "provisioning"), ("destroy", None)])
async def test_destroy_takes_over_from_an_interrupted_command(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    crash: Callable[..., AnyEnvironment],
    repository: EnvironmentRepository,
    command: str,
    state: str | None,
) -> None:
    crash(command, state, f"first_{command}")
    superseded = []
    provider.at_step = lambda _step, context: superseded.append(context.environment.operation.supersedes)

    done = await make_command("destroy").attempt("demo")

    assert done.state.name == "destroyed"
    assert set(superseded) == {own(f"{command}-that-died")}
    assert provider.done == ["first_destroy", "second_destroy"]


async def test_a_destroy_without_effect_leaves_all_commands_allowed(
    place: Callable[..., AnyEnvironment], make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    place("released")
    provider.options["first_destroy"] = {"has_effect": False}
    provider.fails["first_destroy"] = [StepFailed(FailureCause.AUTHENTICATION, "no credentials")]
    with pytest.raises(CommandFailed) as failed:
        await make_command("destroy").attempt("demo")

    environment = failed.value.environment
    assert environment.condition == "released, destroy failed at first_destroy"
    assert not environment.is_error
    assert (await make_command("run").attempt(environment)).state.name == "running"


@pytest.mark.parametrize("command", SOURCES)
async def test_only_destroy_may_follow_a_begun_teardown(
    place: Callable[..., AnyEnvironment],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    command: str,
) -> None:
    place(SOURCES[command])
    provider.fails["first_destroy"] = [NETWORK]
    with pytest.raises(CommandFailed):
        await make_command("destroy").attempt("demo")

    with pytest.raises(InvalidTransition, match="teardown has begun") as refused:
        await make_command(command).attempt("demo")

    assert refused.value.allowed == ("destroy",)
    assert (await make_command("destroy").attempt("demo")).state.name == "destroyed"


@pytest.mark.parametrize("from_start", [True, False])
async def test_a_teardown_stays_begun_when_the_next_destroy_fails_at_once(
    place: Callable[..., AnyEnvironment],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    from_start: bool,
) -> None:
    place("running")
    provider.options["first_destroy"] = {"has_effect": False}
    provider.fails = {"second_destroy": [NETWORK], "first_destroy": []}
    with pytest.raises(CommandFailed):
        await make_command("destroy").attempt("demo")
    provider.fails["first_destroy" if from_start else "second_destroy"] = [NETWORK]

    with pytest.raises(CommandFailed) as failed:
        await make_command("destroy", from_start=from_start).attempt("demo")

    assert failed.value.environment.teardown_begun


async def test_a_teardown_stays_begun_when_its_process_died(
    place: Callable[..., AnyEnvironment],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    crash: Callable[..., AnyEnvironment],
) -> None:
    place("running")
    crash("destroy", None, "second_destroy")
    provider.options["first_destroy"] = {"has_effect": False}
    provider.fails["first_destroy"] = [NETWORK]

    with pytest.raises(CommandFailed) as failed:
        await make_command("destroy").attempt("demo")

    assert (
        failed.value.environment.condition == "running, destroy failed at first_destroy: partly torn down"
    )


async def test_a_failed_destroy_resumes(
    place: Callable[..., AnyEnvironment], make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    place("running")
    provider.fails["second_destroy"] = [NETWORK]
    with pytest.raises(CommandFailed):
        await make_command("destroy").attempt("demo")

    await make_command("destroy").attempt("demo")

    assert provider.done == ["first_destroy", "second_destroy"]
