"""Resume commands after a failure."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from environments.errors import CommandFailed, StepFailed
from environments.execution.commands import Command
from environments.model.environment import AnyEnvironment, Environment
from environments.model.failure import FailureCause
from environments.model.states import Created
from environments.model.steps import Probed
from environments.testing import ScriptedProvider
from tests.scenarios.tasks import begin, cancel

MakeCommand = Callable[..., Command]
NETWORK = StepFailed(FailureCause.NETWORK, "no route to host")


async def test_a_failed_command_resumes_at_the_step_that_failed(
    created: Environment[Created], make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    provider.fails["second_provision"] = [NETWORK]
    provider.outputs["first_provision"] = {"port": 81}
    with pytest.raises(CommandFailed) as failed:
        await make_command("provision").attempt(created)

    done = await make_command("provision").attempt("demo")

    assert failed.value.environment.outputs.port == done.outputs.port == 81
    assert provider.done == ["first_provision", "second_provision"]


async def test_resuming_goes_on_over_two_failures(
    created: Environment[Created], make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    provider.steps_of = {"provision": ["one", "two", "three"]}
    provider.fails = {"two": [NETWORK], "three": [NETWORK]}
    for _ in range(2):
        with pytest.raises(CommandFailed):
            await make_command("provision").attempt("demo")

    await make_command("provision").attempt("demo")

    assert provider.done == ["one", "two", "three"]


async def test_from_start_repeats_all_steps(
    created: Environment[Created], make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    provider.fails["second_provision"] = [NETWORK]
    with pytest.raises(CommandFailed):
        await make_command("provision").attempt(created)

    await make_command("provision", from_start=True).attempt("demo")

    assert provider.done == ["first_provision", "first_provision", "second_provision"]


@pytest.mark.parametrize("options", [{"version": 2}, {"inputs": {"size": 2}}])
async def test_a_step_of_another_version_is_repeated(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    options: dict[str, object],
) -> None:
    provider.fails["second_provision"] = [NETWORK]
    with pytest.raises(CommandFailed):
        await make_command("provision").attempt(created)
    provider.options["first_provision"] = options

    await make_command("provision").attempt("demo")

    assert provider.done == ["first_provision", "first_provision", "second_provision"]


async def test_a_step_is_repeated_if_its_effect_is_gone(
    created: Environment[Created], make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    provider.fails["second_provision"] = [NETWORK]
    provider.probes["first_provision"] = Probed.not_done("the server is gone")
    with pytest.raises(CommandFailed):
        await make_command("provision").attempt(created)

    await make_command("provision").attempt("demo")

    assert provider.done == ["first_provision", "first_provision", "second_provision"]


async def test_another_command_does_not_resume(
    place: Callable[..., AnyEnvironment], make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    place("released")
    provider.fails["second_run"] = [NETWORK]
    with pytest.raises(CommandFailed):
        await make_command("run").attempt("demo")

    released = await make_command("release").attempt("demo")

    assert released.operation is None
    assert provider.done == ["first_run", "first_release", "second_release"]


async def test_a_cancelled_step_is_probed_before_it_is_run_again(
    created: Environment[Created], make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    provider.hangs.add("second_provision")
    await cancel(await begin(make_command("provision")))
    provider.hangs.clear()
    provider.probes["second_provision"] = Probed.done(instance_ip="10.0.0.1")

    done = await make_command("provision").attempt("demo")

    assert done.outputs.instance_ip == "10.0.0.1"
    assert provider.done == ["first_provision"]
