"""A command of demo that waits in its steps for the test, and a second workspace that looks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

import pytest

from environments.execution.progress import Progress
from environments.model.environment import Environment
from environments.model.states import Created
from environments.model.steps import Step, StepContext, StepOutputs
from environments.storage.file import FileRepository
from environments.system.waiting import until
from environments.testing import FixedClock, ScriptedProvider
from environments.workspace import Workspace

Told: TypeAlias = Callable[[Callable[[Progress], object]], object]


@dataclass
class HeldProvider(ScriptedProvider):
    """A scripted provider whose steps in `held` wait for their event."""

    held: dict[str, asyncio.Event] = field(default_factory=dict)

    def _step(self, name: str) -> Step:
        step = super()._step(name)

        async def effect(context: StepContext) -> StepOutputs | None:
            if name in self.held:
                context.report(f"{name} is held")
                await self.held[name].wait()
            return await step.effect(context)

        return replace(step, effect=effect)


@pytest.fixture
def repository(tmp_path: Path) -> FileRepository:
    return FileRepository(tmp_path / "data")


@pytest.fixture
def provider() -> Iterator[HeldProvider]:
    with HeldProvider().installed() as provider:
        assert isinstance(provider, HeldProvider)
        yield provider


@pytest.fixture
def worker(
    repository: FileRepository, clock: FixedClock, provider: HeldProvider, created: Environment[Created]
) -> Workspace:
    """The workspace of the process that works on demo."""
    return Workspace(repository=repository, clock=clock)


@pytest.fixture
def watcher(repository: FileRepository, clock: FixedClock, told: list[Progress]) -> Workspace:
    """A workspace that only looks."""
    return Workspace(repository=repository, clock=clock, observers=[told.append])


async def begun(workspace: Workspace, step: str) -> None:
    """Wait until the intent of a step of demo is on record."""
    assert await until(lambda: f"name={step!r}" in repr(workspace.load("demo").operation), within=60)


async def seen(told: list[Progress], kind: type[Progress], count: int = 1) -> None:
    """Wait until so many events of a kind were told."""
    found = await until(lambda: sum(isinstance(each, kind) for each in told) >= count, within=60)
    assert found, told
