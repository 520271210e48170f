"""Two commands on one environment at the same time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from environments.errors import StepFailed
from environments.execution.commands import COMMANDS, Command
from environments.model.environment import Environment
from environments.model.failure import FailureCause
from environments.model.spec import EnvironmentSpec
from environments.model.states import Created
from environments.ports import EnvironmentRepository
from environments.system.clock import SystemClock
from environments.testing import FixedClock, ScriptedProvider, ScriptedSpec
from statechart.errors import InvalidTransition, Locked
from statechart.holder import Holder
from tests.scenarios.tasks import begin, cancel

MakeCommand = Callable[..., Command]
NETWORK = StepFailed(FailureCause.NETWORK, "no route to host")


async def test_the_environment_is_held_for_the_whole_command(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    repository: EnvironmentRepository,
) -> None:
    seen: list[str | None] = []

    def look(*_about: object) -> None:
        holder = repository.holder("demo")
        seen.append(holder and holder.command)

    provider.at_step = look
    await make_command("provision", observers=[look]).attempt(created)

    assert seen == ["envchart provision"] * 10
    assert repository.holder("demo") is None


async def test_a_second_command_is_refused_with_the_holder(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    repository: EnvironmentRepository,
) -> None:
    provider.hangs.add("first_provision")
    first = await begin(make_command("provision"))

    with pytest.raises(Locked, match="envchart provision, pid") as locked:
        await make_command("destroy").attempt("demo")

    assert locked.value.holder == repository.holder("demo")
    await cancel(first)


async def test_a_second_command_may_wait_and_then_goes_on(
    created: Environment[Created], make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    provider.fails["first_provision"] = [NETWORK]
    provider.options["first_provision"] = {"retries": 1, "backoff": timedelta(milliseconds=50)}
    first = await begin(make_command("provision", clock=SystemClock()))

    configured = await make_command("configure", lock_timeout=60).attempt("demo")

    assert first.done()
    assert configured.state.name == "configured"


async def test_waiting_for_the_lock_ends_after_the_timeout(
    created: Environment[Created], make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    provider.hangs.add("first_provision")
    first = await begin(make_command("provision"))
    asked = time.monotonic()

    with pytest.raises(Locked):
        await make_command("destroy", lock_timeout=0.05).attempt("demo")

    assert time.monotonic() - asked >= 0.05
    await cancel(first)


async def test_a_command_that_waits_can_be_cancelled_and_leaves_nothing(
    created: Environment[Created], make_command: MakeCommand, repository: EnvironmentRepository
) -> None:
    with repository.open("demo", Holder.current("somebody")):
        await cancel(await begin(make_command("provision", lock_timeout=60)))

    assert repository.load("demo") == created
    assert repository.holder("demo") is None


@pytest.mark.parametrize("ending", [None, NETWORK])
async def test_the_environment_is_free_after_a_command(
    created: Environment[Created],
    make_command: MakeCommand,
    provider: ScriptedProvider,
    repository: EnvironmentRepository,
    ending: Exception | None,
) -> None:
    provider.fails["first_provision"] = [ending] if ending else []

    await asyncio.gather(make_command("provision").attempt(created), return_exceptions=True)

    assert repository.holder("demo") is None


@pytest.fixture
def both(any_repository: EnvironmentRepository, clock: FixedClock) -> EnvironmentRepository:
    """Each storage, with demo."""
    spec = EnvironmentSpec(name="demo", provider=ScriptedSpec())
    any_repository.create(Environment.new(spec, clock.now()))
    return any_repository


def done_once(command: str, repository: EnvironmentRepository, provider: ScriptedProvider) -> bool:
    fired = [entry for entry in repository.history("demo") if getattr(entry.record, "event", "") == command]
    return len(fired) == 1 and provider.done == [f"first_{command}", f"second_{command}"]


async def test_of_two_tasks_exactly_one_runs_its_command(
    both: EnvironmentRepository, provider: ScriptedProvider, clock: FixedClock
) -> None:
    provider.fails["first_provision"] = [NETWORK]
    provider.options["first_provision"] = {"retries": 1}
    commands = [COMMANDS["provision"](both, provider, clock=clock) for _ in range(2)]

    ended = await asyncio.gather(*(each.attempt("demo") for each in commands), return_exceptions=True)

    assert sorted(type(each).__name__ for each in ended) == ["Environment", "Locked"]
    assert done_once("provision", both, provider)


@pytest.mark.parametrize(("lock_timeout", "other"), [(0.0, Locked), (60.0, InvalidTransition)])
def test_of_two_threads_exactly_one_runs_its_command(
    both: EnvironmentRepository, provider: ScriptedProvider, lock_timeout: float, other: type[Exception]
) -> None:
    at_once, one_has_ended = threading.Barrier(2), threading.Event()
    ended: list[object] = []
    # The one that is refused has to come while the other is at work.
    provider.at_step = lambda _step, _context: one_has_ended.wait(0.1 if lock_timeout else 60)

    def attempt() -> None:
        command = COMMANDS["destroy"](both, provider, lock_timeout=lock_timeout)
        at_once.wait()
        ended.extend(asyncio.run(_gathered(command)))
        one_has_ended.set()

    threads = [threading.Thread(target=attempt) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {type(each) for each in ended} == {Environment, other}
    assert done_once("destroy", both, provider)


async def _gathered(command: Command) -> list[object]:
    return await asyncio.gather(command.attempt("demo"), return_exceptions=True)
