"""Environments that expire: proposed, or destroyed where their spec says so, once each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from environments import EnvironmentSpec, Workspace
from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.storage.memory import MemoryRepository
from environments.testing import FixedClock, ScriptedProvider
from environments.testing.doubles import ScriptedSpec
from environments.timers.runner import ExpiryRunner, Fired, expiries
from statechart.holder import Holder
from statechart.storage.sql.errors import StoreUnreachable

HOUR = timedelta(hours=1)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ScriptedProvider:
    script = ScriptedProvider()
    monkeypatch.setattr(ScriptedSpec, "steps", lambda _spec, command, it: script.steps(command, it))
    return script


@pytest.fixture
def workspace(repository: MemoryRepository, clock: FixedClock, script: ScriptedProvider) -> Workspace:
    return Workspace(repository=repository, clock=clock)


@pytest.fixture
def declare(workspace: Workspace) -> Callable[..., None]:
    def declared(name: str, expires: timedelta | None = HOUR, on_expiry: str = "destroy") -> None:
        spec = {"name": name, "provider": ScriptedSpec(), "expires": expires, "on_expiry": on_expiry}
        workspace.create(EnvironmentSpec.model_validate(spec))

    return declared


def outcomes(fired: list[Fired]) -> list[tuple[str, str]]:
    return [(each.expiry.name, each.outcome) for each in fired]


async def test_what_has_expired_is_proposed_or_destroyed_once(
    workspace: Workspace, clock: FixedClock, declare: Callable[..., None]
) -> None:
    declare("a")
    declare("b", on_expiry="propose")
    declare("later", 3 * HOUR)
    declare("never", None, "propose")
    runner = ExpiryRunner(workspace, clock=clock)
    assert [each.name for each in expiries(workspace)] == ["a", "b", "later"]
    assert await runner.once() == []

    clock.move(2 * HOUR)

    assert outcomes(await runner.once()) == [("a", "destroyed"), ("b", "proposed")]
    assert await runner.once() == []
    assert workspace.load("a").state.name == "destroyed"
    assert workspace.load("b").state.name == "created"


async def test_a_teardown_that_fails_is_tried_again_and_keeps_nobody_waiting(
    workspace: Workspace, clock: FixedClock, declare: Callable[..., None], script: ScriptedProvider
) -> None:
    declare("a")
    declare("b")
    script.fails["first_destroy"] = [StepFailed(FailureCause.NETWORK, "no route to host")]
    clock.move(2 * HOUR)
    runner = ExpiryRunner(workspace, clock=clock)

    failed, destroyed = await runner.once()

    assert (failed.outcome, failed.again) == ("failed", clock.now() + timedelta(seconds=30))
    assert "no route to host" in str(failed.problem)
    assert outcomes([destroyed]) == [("b", "destroyed")]
    assert await runner.once() == []
    clock.move(timedelta(seconds=30))
    assert outcomes(await runner.once()) == [("a", "destroyed")]


async def test_an_environment_that_another_process_holds_is_tried_again(
    workspace: Workspace, repository: MemoryRepository, clock: FixedClock, declare: Callable[..., None]
) -> None:
    declare("a")
    clock.move(2 * HOUR)
    runner = ExpiryRunner(workspace, clock=clock)

    with repository.open("a", Holder.current("another")):
        assert outcomes(await runner.once()) == [("a", "failed")]
    clock.move(timedelta(minutes=1))
    assert outcomes(await runner.once()) == [("a", "destroyed")]


async def test_two_runners_destroy_each_environment_once(
    workspace: Workspace, clock: FixedClock, declare: Callable[..., None], script: ScriptedProvider
) -> None:
    for name in ("a", "b", "c"):
        declare(name)
    clock.move(2 * HOUR)

    found = await asyncio.gather(*(ExpiryRunner(workspace, clock=clock).once() for _ in range(2)))

    done = [name for fired in found for name, outcome in outcomes(fired) if outcome == "destroyed"]
    assert sorted(done) == ["a", "b", "c"]
    assert script.done.count("first_destroy") == 3


async def test_a_runner_follows_what_is_declared_later(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    told: asyncio.Queue[Fired] = asyncio.Queue()
    running = asyncio.create_task(ExpiryRunner(workspace, told.put_nowait).run())
    spec: dict[str, Any] = {"provider": ScriptedSpec(), "on_expiry": "propose"}
    workspace.create(EnvironmentSpec(name="soon", expires=timedelta(milliseconds=300), **spec))
    workspace.create(EnvironmentSpec(name="late", expires=HOUR, **spec))

    fired = await asyncio.wait_for(told.get(), 60)

    assert (fired.expiry.name, fired.outcome) == ("soon", "proposed")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert told.empty()


async def test_an_environment_that_could_not_be_read_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path)
    workspace.create(
        EnvironmentSpec(
            name="a", provider=ScriptedSpec(), expires=timedelta(milliseconds=1), on_expiry="propose"
        )
    )
    read = Workspace.summary
    failures = [StoreUnreachable("the database", "it is away")]

    def summary(self: Workspace, name: str) -> Any:
        if failures:
            raise failures.pop()
        return read(self, name)

    monkeypatch.setattr(Workspace, "summary", summary)
    told: asyncio.Queue[Fired] = asyncio.Queue()
    running = asyncio.create_task(ExpiryRunner(workspace, told.put_nowait).run())

    fired = await asyncio.wait_for(told.get(), 60)

    assert (fired.expiry.name, failures) == ("a", [])
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def test_a_teardown_without_an_expiry_is_refused() -> None:
    with pytest.raises(ValueError, match="give expires, as 8h"):
        EnvironmentSpec(name="a", provider=ScriptedSpec(), on_expiry="destroy")
