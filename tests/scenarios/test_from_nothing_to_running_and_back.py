"""A lifecycle without failures, with redeploys, on every storage."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from environments.errors import CommandFailed, StepFailed
from environments.execution.commands import (
    Command,
    ConfigureCommand,
    DestroyCommand,
    ProvisionCommand,
    ReleaseCommand,
    RunCommand,
)
from environments.model.environment import Environment
from environments.model.failure import FailureCause
from environments.model.states import Created, Destroyed
from environments.ports import EnvironmentRepository
from environments.testing import ScriptedProvider
from environments.workspace import Workspace

MakeCommand = Callable[..., Command]
NETWORK = StepFailed(FailureCause.NETWORK, "no route to host")
UNHEALTHY = StepFailed(FailureCause.COMMAND_EXECUTION, "it never got healthy", "last log lines")


@pytest.fixture
def repository(any_repository: EnvironmentRepository) -> EnvironmentRepository:
    return any_repository


async def bring_up(make_command: MakeCommand) -> None:
    for command in ("provision", "configure", "release", "run"):
        await make_command(command).attempt("demo")


async def test_the_five_commands_lead_from_created_to_destroyed(
    created: Environment[Created], repository: EnvironmentRepository, provider: ScriptedProvider
) -> None:
    provisioned = await ProvisionCommand(repository, provider).execute(created)
    configured = await ConfigureCommand(repository, provider).execute(provisioned)
    released = await ReleaseCommand(repository, provider).execute(configured)
    running = await RunCommand(repository, provider).execute(released)
    destroyed = await DestroyCommand(repository, provider).execute(running)

    assert isinstance(destroyed.state, Destroyed)
    assert destroyed == repository.load("demo")
    assert [environment.revision for environment in (created, provisioned, configured, released)] == [
        1,
        3,
        5,
        7,
    ]
    assert (running.revision, destroyed.revision) == (9, 11)


async def test_the_history_has_every_step(
    created: Environment[Created], make_command: MakeCommand, journal: Callable[[], list[str]]
) -> None:
    await bring_up(make_command)
    await make_command("destroy").attempt("demo")

    assert [record for record in journal() if not record.startswith(("intent", "result"))] == [
        "created",
        "provision -> provisioning",
        "complete -> provisioned",
        "configure -> configuring",
        "complete -> configured",
        "release -> releasing",
        "complete -> released",
        "opened",
        "run -> running",
        "opened",
        "destroy -> destroyed",
    ]


async def test_the_outputs_of_steps_are_kept_to_the_end(
    created: Environment[Created], make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    provider.outputs = {
        "first_provision": {"port": 8081, "details": {"pid": 71}},
        "second_release": {"release": "r1"},
        "second_run": {"url": "http://127.0.0.1:8081", "serving": "r1"},
    }
    await bring_up(make_command)

    outputs = (await make_command("destroy").attempt("demo")).outputs

    assert (outputs.port, outputs.details) == (8081, {"pid": 71})
    assert (outputs.release, outputs.serving, outputs.url) == ("r1", "r1", "http://127.0.0.1:8081")


async def test_a_redeploy_leads_back_to_running(
    created: Environment[Created], make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    provider.outputs = {"second_release": {"release": "r1"}, "second_run": {"serving": "r1"}}
    await bring_up(make_command)

    provider.outputs = {
        "second_release": {"release": "r2"},
        "second_run": {"serving": "r2", "previous": "r1"},
    }
    released = await make_command("release").attempt("demo")
    running = await make_command("run").attempt(released)

    assert (released.state.name, released.outputs.release, released.outputs.serving) == (
        "released",
        "r2",
        "r1",
    )
    assert (running.state.name, running.outputs.serving, running.outputs.previous) == (
        "running",
        "r2",
        "r1",
    )


async def test_a_failed_redeploy_can_be_followed_by_another(
    created: Environment[Created], make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    await bring_up(make_command)
    provider.fails = {"second_release": [NETWORK], "second_run": [UNHEALTHY]}

    states = []
    for command in ("release", "release", "run", "release", "run"):
        try:
            states.append((await make_command(command).attempt("demo")).state.name)
        except CommandFailed as failed:
            states.append(failed.environment.state.name)

    assert states == ["release_failed", "released", "run_failed", "released", "running"]


async def test_a_purged_name_can_be_created_again(
    created: Environment[Created], repository: EnvironmentRepository, make_command: MakeCommand
) -> None:
    await make_command("provision").attempt(created)
    destroyed = await make_command("destroy").attempt("demo")
    workspace = Workspace(repository=repository)
    await workspace.purge(destroyed)

    again = workspace.create(created.spec)
    await bring_up(make_command)

    assert repository.load("demo").state.name == "running"
    assert repository.load("demo").lineage == again.lineage != created.lineage
