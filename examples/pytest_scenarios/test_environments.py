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
    envchart_workspace: Workspace, scripted_provider: ScriptedProvider
) -> None:
    running = await envchart_workspace.bring(envchart_workspace.create(SPEC), to=Running)
    destroyed = await envchart_workspace.destroy(running)

    assert destroyed.state == Destroyed()
    assert scripted_provider.done[:2] == ["first_provision", "second_provision"]
    assert scripted_provider.done[-1] == "second_destroy"


async def test_a_failed_command_is_retried_from_the_failed_step(
    envchart_workspace: Workspace, scripted_provider: ScriptedProvider
) -> None:
    envchart_workspace.create(SPEC)
    scripted_provider.fails["second_provision"] = [StepFailed(FailureCause.NETWORK, "no route to host")]

    with pytest.raises(CommandFailed, match="failed at second_provision: no route to host"):
        await envchart_workspace.bring("demo")
    retried = await envchart_workspace.retry("demo")

    assert retried.state == Provisioned()
    assert scripted_provider.done == ["first_provision", "second_provision"]


async def test_an_interrupted_command_is_refused_and_recovered(
    envchart_workspace: Workspace, scripted_provider: ScriptedProvider
) -> None:
    envchart_workspace.create(SPEC)
    scripted_provider.options["second_provision"] = {"idempotent": True}
    scripted_provider.crashes.add("second_provision")

    killed = await in_child(envchart_workspace.provision("demo"))
    scripted_provider.crashes.clear()

    assert killed == -9
    with pytest.raises(OperationInterrupted, match="interrupted at step second_provision"):
        await envchart_workspace.bring("demo")
    recovered = await envchart_workspace.recover("demo")
    assert recovered.environment.state.name == "provision_failed"


async def test_the_pause_between_two_attempts_takes_no_time(
    envchart_workspace: Workspace, scripted_provider: ScriptedProvider, envchart_fixed_clock: FixedClock
) -> None:
    scripted_provider.options["first_provision"] = {"retries": 1, "backoff": timedelta(hours=1)}
    scripted_provider.fails["first_provision"] = [StepFailed(FailureCause.NETWORK, "no route to host")]

    provisioned = await envchart_workspace.provision(envchart_workspace.create(SPEC))

    assert provisioned.state == Provisioned()
    assert envchart_fixed_clock.slept == [3600]
