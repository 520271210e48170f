"""Waiting for a state that another process brings about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from environments.errors import CommandFailed, NotReached, OperationInterrupted, StateUnreachable
from environments.execution.progress import Noticed, Progress
from environments.model.environment import AnyEnvironment
from environments.model.states import (
    Configured,
    Created,
    Destroyed,
    EnvironmentState,
    Provisioned,
    Running,
)
from environments.workspace import Workspace
from statechart.errors import NotFound
from tests.following.conftest import HeldProvider, seen

NETWORK = OSError("no route to host")


async def test_a_state_that_is_there_is_reached_at_once(worker: Workspace, watcher: Workspace) -> None:
    reached = await watcher.wait("demo", Running, Created, timeout=0)

    assert isinstance(reached.state, Created)
    with pytest.raises(ValueError, match="name a state"):
        await watcher.wait("demo")


async def test_a_state_that_was_passed_counts(
    worker: Workspace, watcher: Workspace, told: list[Progress]
) -> None:
    waiting = asyncio.create_task(watcher.wait("demo", Provisioned))
    await seen(told, Noticed)

    await worker.bring("demo", to=Configured)

    reached = await waiting
    assert reached.state.name is EnvironmentState.PROVISIONED
    assert watcher.load("demo").state.name is EnvironmentState.CONFIGURED
    assert told[0] == Noticed(name="demo", message="demo is created; no command is under way")


async def test_a_failure_in_the_meantime_ends_the_wait(
    worker: Workspace, watcher: Workspace, provider: HeldProvider, told: list[Progress]
) -> None:
    provider.fails["second_configure"] = [NETWORK]
    waiting = asyncio.create_task(watcher.wait("demo", Running))
    await seen(told, Noticed)

    with pytest.raises(CommandFailed):
        await worker.bring("demo")

    with pytest.raises(CommandFailed, match="configure of 'demo' failed at second_configure"):
        await waiting


async def test_an_earlier_failure_does_not_end_the_wait(
    worker: Workspace, watcher: Workspace, provider: HeldProvider, told: list[Progress]
) -> None:
    provider.fails["second_provision"] = [NETWORK]
    with pytest.raises(CommandFailed):
        await worker.provision("demo")
    waiting = asyncio.create_task(watcher.wait("demo", Provisioned))
    await seen(told, Noticed)

    await worker.retry("demo")

    assert isinstance((await waiting).state, Provisioned)


async def test_a_state_that_cannot_be_reached_any_more_is_told_at_once(
    worker: Workspace, watcher: Workspace, provider: HeldProvider
) -> None:
    await worker.provision("demo")
    with pytest.raises(StateUnreachable, match="'demo' is provisioned, and can't become created any more"):
        await watcher.wait("demo", Created)

    provider.fails["second_destroy"] = [NETWORK]
    with pytest.raises(CommandFailed):
        await worker.destroy("demo")
    with pytest.raises(StateUnreachable, match="partly torn down, and can't become running"):
        await watcher.wait("demo", Running)
    with pytest.raises(NotReached):
        await watcher.wait("demo", Running, Destroyed, timeout=0)

    await worker.destroy("demo")
    with pytest.raises(StateUnreachable, match="'demo' is destroyed"):
        await watcher.wait("demo", Running)


async def test_a_process_that_died_ends_the_wait(
    watcher: Workspace, worker: Workspace, crash: Callable[..., AnyEnvironment]
) -> None:
    crash("provision", "provisioning", "first_provision")

    with pytest.raises(OperationInterrupted):
        await watcher.wait("demo", Running)


async def test_the_purge_can_be_waited_for(
    worker: Workspace, watcher: Workspace, told: list[Progress]
) -> None:
    waiting = asyncio.create_task(watcher.wait("demo", gone=True))
    left = asyncio.create_task(watcher.wait("demo", Destroyed, Running))
    await seen(told, Noticed, 2)

    await worker.destroy("demo")
    assert isinstance((await left).state, Destroyed)
    await worker.purge("demo")

    assert await waiting is None
    assert await watcher.wait("demo", gone=True) is None
    with pytest.raises(NotFound):
        await watcher.wait("demo", Running)


async def test_a_purge_means_that_it_was_destroyed(
    worker: Workspace, watcher: Workspace, told: list[Progress]
) -> None:
    waiting = asyncio.create_task(watcher.wait("demo", Destroyed))
    await seen(told, Noticed)

    await worker.remove("demo")

    assert isinstance((await waiting).state, Destroyed)


async def test_time_is_up(worker: Workspace, watcher: Workspace) -> None:
    with pytest.raises(NotReached, match=r"did not become running within 0\.01 s: it is created") as late:
        await watcher.wait("demo", Running, timeout=0.01)

    assert isinstance(late.value, TimeoutError)
