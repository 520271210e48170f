"""Compare declarations with what commands have applied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import pytest

from environments import (
    AnyEnvironment,
    CommandName,
    EnvironmentSpec,
    MemoryRepository,
    Observation,
    Step,
    Workspace,
)
from environments.checks.drift import Detection
from environments.execution.runtime import Runtime
from environments.model.observation import ServiceState, Source
from environments.model.operation import Applied
from environments.model.provider_kinds import ProviderSpec
from environments.model.steps import StepContext, StepOutputs

CONTENT: dict[str, str] = {}
"""The content of files outside of the declaration, by name."""


class Site(ProviderSpec, frozen=True, extra="forbid"):
    kind: Literal["site"] = "site"
    size: int = 1
    title: str = "a"
    app: str = "one"
    note: str = ""
    key: str = "k1"
    blind: bool = False
    """Whether the steps name no inputs, as in packages of earlier versions."""

    def steps(self, command: CommandName, environment: AnyEnvironment) -> Sequence[Step]:
        inputs: dict[CommandName, dict[str, object]] = {
            CommandName.PROVISION: {"size": self.size, "key": self.key, "module": CONTENT.get("module")},
            CommandName.CONFIGURE: {"title": self.title, "key": self.key},
            CommandName.RELEASE: {"app": self.app},
            # Both the title and something that the command itself changes.
            CommandName.RUN: {"title": self.title, "previous": environment.outputs.previous},
        }

        async def effect(_context: StepContext) -> StepOutputs:
            if command is CommandName.RELEASE:
                return {"release": CONTENT.get("app", "1")}
            return {"previous": "0", "serving": environment.outputs.release} if command == "run" else {}

        given = {} if self.blind else inputs.get(command, {})
        return [Step(name=f"do_{command}", effect=effect, inputs=given, transient={"key"})]  # type: ignore[arg-type]  # JSON

    def supports(self, command: CommandName) -> bool:
        return True

    def logs(self, environment: AnyEnvironment, directory: Path) -> Sequence[Path]:
        return ()

    def source(self, directory: Path) -> Source | None:
        return Source(Path("/app"), CONTENT["app"]) if "app" in CONTENT else None

    def needs_provision(self, new: ProviderSpec) -> tuple[str, ...]:
        return ("size",) if isinstance(new, Site) and new.size != self.size else ()

    def needs_configure(self, new: ProviderSpec) -> tuple[str, ...]:
        return ("title",) if isinstance(new, Site) and new.title != self.title else ()

    async def observe(self, environment: AnyEnvironment, directory: Path) -> Observation:
        return Observation(resources=True, service=ServiceState.UP, serving=environment.outputs.serving)


@pytest.fixture(autouse=True)
def _content() -> Iterator[None]:
    yield
    CONTENT.clear()


@pytest.fixture
def repository() -> MemoryRepository:
    return MemoryRepository(providers=[Site])


async def running(repository: MemoryRepository, **fields: object) -> Workspace:
    workspace = Workspace(repository=repository)
    workspace.create(EnvironmentSpec(name="demo", provider=Site.model_validate(fields)))
    await workspace.bring("demo")
    return workspace


def told(workspace: Workspace, **fields: object) -> list[str]:
    """Return what is told if the given fields are declared instead."""
    on_record = workspace.load("demo")
    provider = on_record.spec.provider.model_copy(update=fields)
    spec = on_record.spec.model_copy(update={"provider": provider})
    plan = workspace.plan("demo", change=lambda _recorded: spec)
    return [f"{each.command}: {'; '.join(each.reasons)}" for each in plan.commands if not each.follows]


async def test_each_field_is_told_with_the_first_command_that_applies_it(
    repository: MemoryRepository,
) -> None:
    workspace = await running(repository)

    assert told(workspace) == []
    assert told(workspace, note="nobody reads it", key="k2") == []
    assert told(workspace, size=2) == ["provision: size: 1 → 2"]
    assert told(workspace, title="b") == ["configure: title: a → b"]
    assert told(workspace, size=2, title="b", app="two") == [
        "provision: size: 1 → 2",
        "configure: title: a → b",
        "release: app: one → two",
    ]


async def test_what_was_applied_is_no_difference_any_more(repository: MemoryRepository) -> None:
    workspace = await running(repository)
    changed = EnvironmentSpec(name="demo", provider=Site(title="b"))

    await workspace.converge(await workspace.update("demo", changed))

    assert told(workspace) == []
    assert told(workspace, title="a") == ["configure: title: b → a"]


async def test_files_outside_of_the_declaration_are_compared(repository: MemoryRepository) -> None:
    CONTENT.update(module="one")
    workspace = await running(repository)

    CONTENT.update(module="two")

    assert told(workspace) == ["provision: module differs"]
    assert told(workspace, size=2) == ["provision: size: 1 → 2; module differs"]


async def test_the_content_of_the_app_is_compared_and_not_its_place(repository: MemoryRepository) -> None:
    CONTENT.update(app="aaaaaaaaaaaa")
    workspace = await running(repository)

    assert told(workspace, app="elsewhere") == []
    CONTENT.update(app="bbbbbbbbbbbb")
    assert told(workspace) == ["release: app differs from release aaaaaa"]


async def test_a_provider_whose_steps_name_no_inputs_says_what_a_command_applies(
    repository: MemoryRepository,
) -> None:
    workspace = await running(repository, blind=True)

    assert told(workspace, size=2, title="b") == ["provision: size: 1 → 2", "configure: title: a → b"]
    assert told(workspace, size=2, app="two") == ["provision: size: 1 → 2", "release: app: one → two"]
    assert told(workspace, app="two") == ["release: app: one → two"], "the rest is of release"

    await workspace.update("demo", EnvironmentSpec(name="demo", provider=Site(blind=True, app="two")))
    await workspace.converge("demo")
    assert told(workspace, blind=True, app="two") == []


async def test_records_of_earlier_versions_are_compared_with_their_history(
    repository: MemoryRepository,
) -> None:
    CONTENT.update(module="one")
    workspace = await running(repository)
    detection = Detection(Runtime(repository))
    old = workspace.load("demo").model_copy(update={"applied": {}})

    CONTENT.update(module="two")
    assert detection.declared(old) == (), "nobody knows the content of that time"
    declared = old.model_copy(update={"spec": EnvironmentSpec(name="demo", provider=Site(title="b"))})
    (finding,) = detection.declared(declared)
    assert (finding.what, finding.mends, finding.then) == ("title: a → b", CommandName.CONFIGURE, "up")


async def test_without_its_history_a_difference_is_told_by_its_name(repository: MemoryRepository) -> None:
    workspace = await running(repository)
    on_record = workspace.load("demo")
    lost = Applied(revision=10_000, inputs={"title": "0", "key": "0"})
    applied = {**on_record.applied, CommandName.CONFIGURE: lost}

    (finding,) = Detection(Runtime(repository)).declared(on_record.model_copy(update={"applied": applied}))

    assert finding.what == "title differs"
