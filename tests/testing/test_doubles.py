"""The test doubles that ship with the package."""

from __future__ import annotations

import signal

import pytest

from environments.errors import CommandFailed, OperationInterrupted, StepInDoubt
from environments.model.environment import Environment
from environments.model.spec import EnvironmentSpec
from environments.model.states import Created, Provisioned
from environments.recovery.settle import Assumption
from environments.testing import ScriptedProvider, ScriptedSpec, in_child
from environments.workspace import Workspace


@pytest.fixture
def demo(envchart_workspace: Workspace) -> Environment[Created]:
    return envchart_workspace.create(EnvironmentSpec(name="demo", provider=ScriptedSpec()))


async def test_without_a_script_every_step_succeeds(
    envchart_workspace: Workspace, demo: Environment[Created]
) -> None:
    assert isinstance((await envchart_workspace.provision(demo)).state, Provisioned)


async def test_the_installed_provider_decides_about_the_steps(
    envchart_workspace: Workspace, demo: Environment[Created], scripted_provider: ScriptedProvider
) -> None:
    scripted_provider.fails["second_provision"] = [OSError("out of disks")]

    with pytest.raises(CommandFailed, match="out of disks"):
        await envchart_workspace.provision(demo)
    await envchart_workspace.retry("demo")

    assert scripted_provider.done == ["first_provision", "second_provision"]


async def test_a_crash_leaves_an_interrupted_operation(
    envchart_workspace: Workspace, demo: Environment[Created], scripted_provider: ScriptedProvider
) -> None:
    scripted_provider.crashes.add("second_provision")

    assert await in_child(envchart_workspace.provision(demo)) == -signal.SIGKILL

    left = envchart_workspace.load("demo")
    assert left.operation is not None
    assert left.operation.step is not None
    assert (left.state.name, left.operation.step.name) == ("provisioning", "second_provision")
    with pytest.raises(OperationInterrupted):
        await envchart_workspace.configure("demo")
    with pytest.raises(StepInDoubt):
        await envchart_workspace.recover("demo")
    settled = await envchart_workspace.recover(
        "demo", decide=lambda _doubt: Assumption(False, "ann", "looked")
    )
    assert settled.environment.state.name == "provision_failed"


async def test_a_crash_does_not_kill_the_tests(
    envchart_workspace: Workspace, demo: Environment[Created], scripted_provider: ScriptedProvider
) -> None:
    scripted_provider.crashes.add("first_provision")

    with pytest.raises(CommandFailed, match=r"run the command with `await in_child\(...\)`"):
        await envchart_workspace.provision(demo)


async def test_a_child_that_raises_ends_with_code_1(
    envchart_workspace: Workspace, demo: Environment[Created], capfd: pytest.CaptureFixture[str]
) -> None:
    assert await in_child(envchart_workspace.provision(demo)) == 0
    assert await in_child(envchart_workspace.run("demo")) == 1

    assert "InvalidTransition" in capfd.readouterr().err
