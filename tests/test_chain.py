from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from environments import Chain, Created, Environment, Running, Workspace
from environments.errors import CommandFailed, Stopped
from environments.execution.progress import CommandStarted, Progress
from environments.execution.stop import StopRequest
from environments.ports import EnvironmentRepository
from environments.testing import FixedClock, ScriptedProvider
from statechart.errors import InvalidTransition, NotFound


@pytest.fixture
def stop() -> StopRequest:
    return StopRequest()


@pytest.fixture
def workspace(
    repository: EnvironmentRepository, clock: FixedClock, told: list[Progress], stop: StopRequest
) -> Workspace:
    return Workspace(repository=repository, clock=clock, observers=[told.append], stop=stop)


@pytest.fixture
def begun(told: list[Progress]) -> Callable[[], list[str]]:
    return lambda: [str(each.command) for each in told if isinstance(each, CommandStarted)]


def up(workspace: Workspace, created: Environment[Created]) -> Chain[Running]:
    return workspace.chain(created).provision().configure().release().run()


async def test_a_chain_runs_its_commands_in_order_when_it_is_awaited(
    workspace: Workspace, created: Environment[Created], begun: Callable[[], list[str]]
) -> None:
    chain = up(workspace, created)
    assert begun() == []
    assert repr(chain) == "<Chain demo → provision → configure → release → run>"

    running = await chain

    assert str(running.state.name) == "running"
    assert begun() == ["provision", "configure", "release", "run"]
    assert workspace.load("demo") == running


async def test_a_chain_runs_once_and_a_longer_one_goes_on_from_its_result(
    workspace: Workspace, created: Environment[Created], begun: Callable[[], list[str]]
) -> None:
    chain = up(workspace, created)

    first, second = await asyncio.gather(chain, chain)
    assert first is second is await chain
    destroyed = await chain.stop().run(from_start=True).destroy()

    assert destroyed.state.name == "destroyed"
    assert begun() == ["provision", "configure", "release", "run", "stop", "run", "destroy"]


async def test_a_chain_from_a_name_takes_the_newest_revision(
    workspace: Workspace, created: Environment[Created]
) -> None:
    chain = workspace.chain("demo").configure()
    provisioned = await workspace.provision(created)

    assert (await chain).revision > provisioned.revision
    assert await workspace.chain("demo") == workspace.load("demo")
    with pytest.raises(NotFound):
        await workspace.chain("unknown").run()


async def test_a_wrong_order_is_refused_before_anything_is_done(
    workspace: Workspace, created: Environment[Created], begun: Callable[[], list[str]]
) -> None:
    with pytest.raises(InvalidTransition, match="run"):
        workspace.chain(created).provision().run()  # type: ignore[misc]
    with pytest.raises(InvalidTransition, match="destroy"):
        workspace.chain(created).destroy().destroy()
    with pytest.raises(InvalidTransition, match="does not change the infrastructure"):
        workspace.chain(created).register().provision()
    with pytest.raises(InvalidTransition, match="configure"):
        await workspace.chain("demo").configure()

    assert begun() == []


async def test_a_failure_ends_the_chain_and_is_raised_again(
    workspace: Workspace, created: Environment[Created], begun: Callable[[], list[str]]
) -> None:
    chain = up(workspace, created)

    with ScriptedProvider(fails={"first_configure": [OSError("no space")]}).installed():
        with pytest.raises(CommandFailed) as first:
            await chain
        with pytest.raises(CommandFailed) as second:
            await chain

    assert first.value is second.value
    assert begun() == ["provision", "configure"]


async def test_a_stop_request_ends_the_chain_between_two_commands(
    workspace: Workspace,
    created: Environment[Created],
    stop: StopRequest,
    begun: Callable[[], list[str]],
) -> None:
    provisioned = workspace.chain(created).provision()
    await provisioned
    stop.request("closing time")

    with pytest.raises(Stopped, match="configure was not begun"):
        await provisioned.configure()

    assert begun() == ["provision"]
