"""Commands that are cancelled, stopped or interrupted, and their records."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from environments.errors import CommandFailed, StepFailed
from environments.execution.commands import Command
from environments.execution.stop import StopRequest
from environments.model.environment import AnyEnvironment, Environment
from environments.model.failure import FailureCause
from environments.model.operation import OperationStatus
from environments.model.states import Created
from environments.ports import EnvironmentRepository
from environments.system.clock import SystemClock
from environments.testing import ScriptedProvider
from tests.scenarios.tasks import begin, cancel

MakeCommand = Callable[..., Command]
NETWORK = StepFailed(FailureCause.NETWORK, "no route to host")


async def test_a_cancelled_command_is_recorded_with_its_step_in_doubt(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    repository: EnvironmentRepository,
) -> None:
    provider.hangs.add("second_provision")

    await cancel(await begin(make_command("provision")))

    environment = repository.load("demo")
    assert environment.state.name == "provision_failed"
    assert (environment.failure.cause, environment.failure.step) == ("cancelled", "second_provision")
    assert environment.operation.step.name == "second_provision"
    assert environment.operation.status is OperationStatus.FAILED


async def test_a_cancelled_destroy_has_begun_the_teardown(
    place: Callable[..., AnyEnvironment],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    repository: EnvironmentRepository,
) -> None:
    place("running")
    provider.hangs.add("first_destroy")

    await cancel(await begin(make_command("destroy")))

    environment = repository.load("demo")
    assert environment.condition == "running, destroy failed at first_destroy: partly torn down"
    assert environment.is_error


async def test_a_cancellation_during_the_pause_before_a_retry_is_recorded(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    repository: EnvironmentRepository,
) -> None:
    provider.fails["first_provision"] = [NETWORK]
    provider.options["first_provision"] = {"retries": 1, "backoff": timedelta(hours=1)}

    await cancel(await begin(make_command("provision", clock=SystemClock())))

    environment = repository.load("demo")
    assert (environment.state.name, environment.failure.cause) == ("provision_failed", "cancelled")
    assert provider.done == []


async def test_a_task_cancelled_before_its_command_waits_stops_at_the_first_wait(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    repository: EnvironmentRepository,
) -> None:
    async def cancelled_between_steps() -> None:
        asyncio.current_task().cancel()
        await make_command("provision").attempt("demo")

    provider.hangs.add("second_provision")
    with pytest.raises(asyncio.CancelledError):
        await asyncio.ensure_future(cancelled_between_steps())

    environment = repository.load("demo")
    assert environment.failure.cause == "cancelled"
    assert [done.name for done in environment.operation.steps_done] == ["first_provision"]


async def test_a_stop_request_ends_the_command_after_the_current_step(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    repository: EnvironmentRepository,
) -> None:
    stop = StopRequest()
    provider.at_step = lambda _step, _context: stop.request("SIGINT")

    with pytest.raises(CommandFailed, match="stopped before this step: SIGINT") as failed:
        await make_command("provision", stop=stop).attempt(created)

    assert failed.value.failure.cause is FailureCause.CANCELLED
    assert failed.value.environment.operation.step is None
    assert failed.value.environment == repository.load("demo")
    assert provider.done == ["first_provision"]


async def test_a_stop_request_in_the_last_step_comes_too_late(
    created: Environment[Created], make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    stop = StopRequest()
    provider.at_step = lambda step, _context: stop.request("SIGINT") if step.startswith("second") else None

    done = await make_command("provision", stop=stop).attempt(created)

    assert done.state.name == "provisioned"


@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit])
def test_an_interruption_in_an_effect_is_recorded_and_raised(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    repository: EnvironmentRepository,
    ending: type[BaseException],
) -> None:
    provider.fails["second_provision"] = [ending()]

    with pytest.raises(ending):
        asyncio.run(make_command("provision").attempt(created))

    environment = repository.load("demo")
    assert (environment.state.name, environment.failure.cause) == ("provision_failed", "cancelled")
    assert environment.operation.step.name == "second_provision"
    assert repository.holder("demo") is None
