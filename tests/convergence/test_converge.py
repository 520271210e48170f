"""Converging: who is in between, and what is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from environments import (
    AnyEnvironment,
    CommandDue,
    CommandEnded,
    EnvironmentSpec,
    InvalidConfiguration,
    MemoryRepository,
    Observation,
    Progress,
    ServiceState,
    Stopped,
    StopRequest,
    Workspace,
)
from environments.model.records import AmendedRecord
from environments.testing import FixedClock, ScriptedProvider, ScriptedSpec
from statechart.errors import Conflict
from statechart.holder import Holder

SPEC = EnvironmentSpec(name="demo", provider=ScriptedSpec())


@pytest.fixture
def script() -> Iterator[ScriptedProvider]:
    outputs = {"second_release": {"release": "1"}, "second_run": {"serving": "1"}}
    with ScriptedProvider(outputs=outputs).installed() as script:
        yield script


def amended(repository: MemoryRepository, clock: FixedClock) -> AnyEnvironment:
    """Change the declaration, as another process does."""
    with repository.open("demo", Holder.current("update")) as session:
        spec = SPEC.model_copy(update={"description": "by somebody else"})
        environment = session.environment.with_spec(spec, at=clock.now())
        session.commit(AmendedRecord(fields=("description",), environment=environment))
        return session.environment


async def test_a_declaration_that_was_changed_meanwhile_is_a_conflict_and_nothing_is_done(
    script: ScriptedProvider, clock: FixedClock
) -> None:
    repository = MemoryRepository()
    workspace = Workspace(repository=repository, clock=clock)
    created = workspace.create(SPEC)
    amended(repository, clock)

    with pytest.raises(Conflict):
        await workspace.converge(created)

    assert script.done == []
    assert workspace.load("demo").spec.description == "by somebody else"


async def test_between_two_commands_a_change_is_a_conflict(
    script: ScriptedProvider, clock: FixedClock
) -> None:
    repository = MemoryRepository()

    def between(progress: Progress) -> None:
        if isinstance(progress, CommandDue) and progress.number == 2:
            amended(repository, clock)

    workspace = Workspace(repository=repository, clock=clock, observers=[between])
    workspace.create(SPEC)

    with pytest.raises(Conflict):
        await workspace.converge("demo")

    assert script.done == ["first_provision", "second_provision"]
    assert workspace.load("demo").spec.description == "by somebody else"


@pytest.mark.parametrize("verb", [Workspace.converge, Workspace.bring, Workspace.deploy])
async def test_those_who_want_the_same_at_once_wait_for_each_other(
    script: ScriptedProvider, clock: FixedClock, verb: Callable[[Workspace, str], Awaitable[object]]
) -> None:
    workspace = Workspace(repository=MemoryRepository(), clock=clock, lock_timeout=60)
    workspace.create(SPEC)
    await workspace.provision("demo")

    await asyncio.gather(*(verb(workspace, "demo") for _ in range(3)))

    assert workspace.load("demo").condition == "running"


async def test_between_two_commands_a_stop_is_heard(script: ScriptedProvider, clock: FixedClock) -> None:
    stop = StopRequest()

    def after(progress: Progress) -> None:
        if isinstance(progress, CommandEnded):
            stop.request("enough")

    workspace = Workspace(repository=MemoryRepository(), clock=clock, observers=[after], stop=stop)
    workspace.create(SPEC)

    with pytest.raises(Stopped, match="enough: 'demo' is provisioned, and configure was not begun"):
        await workspace.converge("demo")


async def test_the_lock_is_free_for_others_when_nothing_is_to_do(
    script: ScriptedProvider, clock: FixedClock
) -> None:
    workspace = Workspace(repository=MemoryRepository(), clock=clock)
    workspace.create(SPEC)
    running = await workspace.converge("demo")

    assert await workspace.converge(running) == running
    assert workspace.holder("demo") is None
    assert script.done[-1] == "second_run"


async def test_a_declaration_that_cannot_be_used_is_refused_before_a_state_is_lost(
    script: ScriptedProvider, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(repository=MemoryRepository(), clock=clock)
    workspace.create(SPEC)
    running = await workspace.converge("demo")
    script.observed = Observation(resources=True, service=ServiceState.DOWN)
    monkeypatch.setattr(ScriptedSpec, "problems", lambda _spec: ("app: it is gone",))

    with pytest.raises(InvalidConfiguration, match="app: it is gone"):
        await workspace.converge("demo")

    assert workspace.load("demo") == running
