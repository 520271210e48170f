"""The progress of a command of another process, told from its records."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from environments.errors import CommandFailed, OperationInterrupted
from environments.execution.progress import (
    CommandEnded,
    CommandStarted,
    Progress,
    StepAttemptFailed,
    StepFinished,
    StepStarted,
)
from environments.following import attendance
from environments.model.environment import AnyEnvironment
from environments.model.states import Configured
from environments.testing import FixedClock
from environments.workspace import Workspace
from statechart.errors import NotFound
from tests.following.conftest import HeldProvider, begun, seen

NETWORK = OSError("no route to host")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the watcher end with the command: the process of a test lives on."""
    monkeypatch.setattr(attendance, "_BETWEEN", 0.0)


def words(told: list[Progress]) -> list[str]:
    return [f"{type(each).__name__} {getattr(each, 'step', each.command)}" for each in told]


@pytest.mark.usefixtures("at_once")
async def test_a_command_is_followed_from_where_it_is_to_its_end(
    worker: Workspace,
    watcher: Workspace,
    provider: HeldProvider,
    told: list[Progress],
    clock: FixedClock,
) -> None:
    provider.held["second_provision"] = asyncio.Event()
    provider.options["second_provision"] = {"timeout": timedelta(seconds=90)}
    working = asyncio.create_task(worker.provision("demo"))
    await begun(watcher, "second_provision")
    clock.move(timedelta(seconds=7))
    watching = asyncio.create_task(watcher.watch("demo"))
    await seen(told, StepStarted)
    provider.held["second_provision"].set()

    ended = await watching

    assert ended == await working
    assert words(told) == [
        "CommandStarted provision",
        "StepFinished first_provision",
        "StepStarted second_provision",
        "StepFinished second_provision",
        "CommandEnded provision",
    ]
    held, done = told[2], told[3]
    assert isinstance(held, StepStarted)
    assert isinstance(done, StepFinished)
    assert (held.number, held.of) == (2, 2)
    assert (held.elapsed, held.timeout) == (timedelta(seconds=7), timedelta(seconds=90))
    assert done.note == "second_provision is held"


async def test_the_next_command_of_the_process_is_followed(
    worker: Workspace,
    watcher: Workspace,
    provider: HeldProvider,
    told: list[Progress],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attendance, "_BETWEEN", 600.0)
    provider.held = {"first_provision": asyncio.Event(), "first_configure": asyncio.Event()}
    working = asyncio.create_task(worker.bring("demo", to=Configured))
    await begun(watcher, "first_provision")
    watching = asyncio.create_task(watcher.watch("demo"))
    await seen(told, StepStarted)

    provider.held["first_provision"].set()
    await seen(told, CommandStarted, 2)
    provider.held["first_configure"].set()
    await seen(told, CommandEnded, 2)

    watching.cancel()
    assert (await working).state.name == "configured"
    assert [each.command for each in told if isinstance(each, CommandEnded)] == ["provision", "configure"]


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("options", [{}, {"has_effect": False}], ids=["begun", "nothing_removed"])
async def test_a_failure_is_told_and_raised(
    worker: Workspace,
    watcher: Workspace,
    provider: HeldProvider,
    told: list[Progress],
    options: dict[str, object],
) -> None:
    provider.fails["first_provision"] = [NETWORK]
    with pytest.raises(CommandFailed):
        await worker.provision("demo")
    provider.held["first_destroy"] = asyncio.Event()
    provider.fails["first_destroy"] = [NETWORK]
    provider.options["first_destroy"] = options
    working = asyncio.create_task(worker.destroy("demo"))
    await begun(watcher, "first_destroy")
    watching = asyncio.create_task(watcher.watch("demo"))
    await seen(told, StepStarted)
    provider.held["first_destroy"].set()

    with pytest.raises(CommandFailed, match=r"destroy of 'demo' failed at first_destroy: .*no route"):
        await watching

    with pytest.raises(CommandFailed):
        await working
    failed, ended = told[-2], told[-1]
    assert isinstance(failed, StepAttemptFailed)
    assert isinstance(ended, CommandEnded)
    assert ended.failure is not None
    assert (failed.summary, ended.failure.step) == (ended.failure.summary, "first_destroy")


@pytest.mark.parametrize("again", [False, True], ids=["purged", "created_again"])
async def test_a_destroy_whose_record_is_purged_at_once_has_an_end(
    worker: Workspace, watcher: Workspace, provider: HeldProvider, told: list[Progress], again: bool
) -> None:
    provider.held["first_destroy"] = asyncio.Event()
    spec = watcher.load("demo").spec

    async def remove() -> None:
        await worker.remove("demo")
        if again:
            worker.create(spec)

    working = asyncio.create_task(remove())
    await begun(watcher, "first_destroy")
    watching = asyncio.create_task(watcher.watch("demo"))
    await seen(told, StepStarted)
    provider.held["first_destroy"].set()

    ended = await watching

    await working
    assert ended is not None
    assert ended.state.name == "destroyed"
    assert words(told)[-1] == "CommandEnded destroy"


async def test_a_process_that_died_is_told(
    worker: Workspace, watcher: Workspace, crash: Callable[..., AnyEnvironment]
) -> None:
    crash("provision", "provisioning", "first_provision")

    with pytest.raises(OperationInterrupted):
        await watcher.watch("demo")


async def test_nothing_under_way_is_told_at_once(
    worker: Workspace, watcher: Workspace, told: list[Progress]
) -> None:
    assert await watcher.watch("demo") is None
    assert told == []
    with pytest.raises(NotFound):
        await watcher.watch("other")
