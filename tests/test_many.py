"""Work on several environments at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from typing import Any

import pytest

from environments.errors import CommandFailed, InvalidSelection, NothingMatches, NotStarted, StepFailed
from environments.execution.stop import StopRequest
from environments.many import Outcome
from environments.model.failure import FailureCause
from environments.model.spec import EnvironmentSpec
from environments.selection import Selection
from environments.storage.memory import MemoryRepository
from environments.system.waiting import until
from environments.testing import ScriptedProvider, ScriptedSpec
from environments.workspace import Workspace
from statechart.errors import Locked, NotFound
from statechart.holder import Holder

NAMES = ("a", "b", "c", "d")


@pytest.fixture
def stop() -> StopRequest:
    return StopRequest()


@pytest.fixture
def workspace(repository: MemoryRepository, stop: StopRequest, monkeypatch: Any) -> Workspace:
    script = ScriptedProvider()
    monkeypatch.setattr(ScriptedSpec, "steps", lambda _spec, command, it: script.steps(command, it))
    found = Workspace(repository=repository, stop=stop)
    found.script = script  # type: ignore[attr-defined]
    for name in NAMES:
        found.create(EnvironmentSpec(name=name, provider=ScriptedSpec()))
    return found


async def gathered(outcomes: Any) -> dict[str, Outcome[Any]]:
    return {outcome.name: outcome async for outcome in outcomes}


async def test_each_environment_has_one_outcome(workspace: Workspace) -> None:
    found = await gathered(workspace.many(NAMES, Workspace.provision))

    assert sorted(found) == list(NAMES)
    assert {outcome.unwrap().state.name for outcome in found.values()} == {"provisioned"}


async def test_no_more_than_parallel_are_worked_on_at_once(workspace: Workspace) -> None:
    at_work: set[str] = set()
    most = 0

    async def work(_workspace: Workspace, name: str) -> None:
        nonlocal most
        at_work.add(name)
        most = max(most, len(at_work))
        await asyncio.sleep(0)
        at_work.remove(name)

    await gathered(workspace.many(NAMES, work, parallel=3))

    assert most == 3


async def test_an_environment_that_is_locked_or_fails_leaves_the_others_alone(
    workspace: Workspace, repository: MemoryRepository
) -> None:
    async def work(workspace: Workspace, name: str) -> object:
        if name == "c":
            raise RuntimeError("a bug")
        return await workspace.provision(name)

    with repository.open("b", Holder.current("somebody")):
        found = await gathered(workspace.many(NAMES, work))

    assert isinstance(found["b"].error, Locked)
    assert isinstance(found["c"].error, RuntimeError)
    assert [repository.load(name).state.name for name in NAMES] == [
        "provisioned",
        "created",
        "created",
        "provisioned",
    ]
    with pytest.raises(Locked):
        found["b"].unwrap()


@pytest.mark.parametrize(
    ("names", "parallel", "error"),
    [
        (["a", "z"], 4, NotFound),
        ("ab", 4, NotFound),  # a string is one name
        (Selection(("z*",)), 4, NothingMatches),
        (Selection.read([]), 4, InvalidSelection),  # not all of them
        (["a"], 0, ValueError),
    ],
)
def test_work_that_can_not_be_done_is_refused_before_any_is_started(
    workspace: Workspace, names: Selection | Iterable[str], parallel: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        workspace.many(names, Workspace.provision, parallel=parallel)


async def test_a_stop_request_lets_steps_end_and_starts_no_more(
    workspace: Workspace, stop: StopRequest, repository: MemoryRepository
) -> None:
    workspace.script.at_step = lambda _step, _context: stop.request("Ctrl-C")  # type: ignore[attr-defined]

    found = await gathered(workspace.many(NAMES, Workspace.provision, parallel=1))

    assert isinstance(found["a"].error, CommandFailed)
    assert repository.load("a").failure.cause is FailureCause.CANCELLED
    assert {name for name in found if isinstance(found[name].error, NotStarted)} == {"b", "c", "d"}
    assert str(found["b"].error) == "'b' was not begun: Ctrl-C"
    assert repository.load("b").state.name == "created"


async def test_a_stop_request_ends_the_wait_for_a_lock(
    repository: MemoryRepository, workspace: Workspace, stop: StopRequest
) -> None:
    patient = Workspace(repository=repository, stop=stop, lock_timeout=3600)
    with repository.open("a", Holder.current("somebody")):
        asyncio.get_running_loop().call_later(0.01, stop.request, "Ctrl-C")
        found = await gathered(patient.many(["a", "b"], Workspace.provision, parallel=1))

    assert [type(outcome.error) for outcome in found.values()] == [NotStarted, NotStarted]


async def test_a_cancellation_is_raised_after_the_outcomes(
    workspace: Workspace, repository: MemoryRepository
) -> None:
    workspace.script.hangs.add("first_provision")  # type: ignore[attr-defined]
    found: list[Outcome[Any]] = []

    async def work() -> None:
        async for outcome in workspace.many(NAMES, Workspace.provision, parallel=2):
            found.append(outcome)  # noqa: PERF401 — those before a cancellation are kept

    task = asyncio.create_task(work())
    await until(lambda: repository.load("b").operation is not None, within=30, every=0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    errors = {outcome.name: type(outcome.error) for outcome in found}
    assert errors == dict.fromkeys("ab", asyncio.CancelledError) | dict.fromkeys("cd", NotStarted)
    assert [repository.load(name).state.name for name in "abc"] == [*["provision_failed"] * 2, "created"]


async def test_leaving_early_waits_for_the_work_under_way(
    workspace: Workspace, repository: MemoryRepository
) -> None:
    workspace.script.hangs.add("second_provision")  # type: ignore[attr-defined]
    workspace.script.fails["first_provision"] = [StepFailed(FailureCause.NETWORK, "no route")]

    async with aclosing(workspace.many(NAMES, Workspace.provision, parallel=2)) as outcomes:  # type: ignore[type-var]
        first = await anext(outcomes)

    assert isinstance(first.error, CommandFailed)
    assert sorted(repository.load(name).state.name for name in NAMES) == [
        "created",
        "created",
        "provision_failed",
        "provision_failed",
    ]
    assert all(repository.holder(name) is None for name in NAMES)


async def test_a_task_knows_only_of_its_own_step(stop: StopRequest) -> None:
    inside = asyncio.Event()
    looked = asyncio.Event()

    async def step() -> None:
        with stop.step():
            inside.set()
            await looked.wait()
            assert stop.in_step

    task = asyncio.create_task(step())
    await inside.wait()
    assert not stop.in_step
    looked.set()
    await task
