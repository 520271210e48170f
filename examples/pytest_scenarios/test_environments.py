"""The lifecycle of an environment, with a provider that follows the test's script."""

from __future__ import annotations

from datetime import timedelta

import pytest

from environments import (
    CommandFailed,
    Destroyed,
    EnvironmentSpec,
    FailureCause,
    OperationInterrupted,
    Provisioned,
    Running,
    StepFailed,
    Workspace,
)
from environments.testing import FixedClock, ScriptedProvider, ScriptedSpec, in_child

SPEC = EnvironmentSpec(name="demo", provider=ScriptedSpec())


async def test_an_environment_comes_up_and_is_destroyed(
    workspace: Workspace, scripted_provider: ScriptedProvider
) -> None:
    running = await workspace.bring(workspace.create(SPEC), to=Running)
    destroyed = await workspace.destroy(running)

    assert destroyed.state == Destroyed()
    assert scripted_provider.done[:2] == ["first_provision", "second_provision"]
    assert scripted_provider.done[-1] == "second_destroy"


async def test_a_failed_command_is_retried_from_the_failed_step(
    workspace: Workspace, scripted_provider: ScriptedProvider
) -> None:
    workspace.create(SPEC)
    scripted_provider.fails["second_provision"] = [StepFailed(FailureCause.NETWORK, "no route to host")]

    with pytest.raises(CommandFailed, match="failed at second_provision: no route to host"):
        await workspace.bring("demo")
    retried = await workspace.retry("demo")

    assert retried.state == Provisioned()
    assert scripted_provider.done == ["first_provision", "second_provision"]


async def test_an_interrupted_command_is_refused_and_recovered(
    workspace: Workspace, scripted_provider: ScriptedProvider
) -> None:
    workspace.create(SPEC)
    scripted_provider.options["second_provision"] = {"idempotent": True}
    scripted_provider.crashes.add("second_provision")

    killed = await in_child(workspace.provision("demo"))
    scripted_provider.crashes.clear()

    assert killed == -9
    with pytest.raises(OperationInterrupted, match="interrupted at step second_provision"):
        await workspace.bring("demo")
    recovered = await workspace.recover("demo")
    assert recovered.environment.state.name == "provision_failed"


async def test_the_pause_between_two_attempts_takes_no_time(
    workspace: Workspace, scripted_provider: ScriptedProvider, fixed_clock: FixedClock
) -> None:
    scripted_provider.options["first_provision"] = {"retries": 1, "backoff": timedelta(hours=1)}
    scripted_provider.fails["first_provision"] = [StepFailed(FailureCause.NETWORK, "no route to host")]

    provisioned = await workspace.provision(workspace.create(SPEC))

    assert provisioned.state == Provisioned()
    assert fixed_clock.slept == [3600]
