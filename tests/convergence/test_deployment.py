"""Deploying: which commands run, which release is chosen, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Literal

import pytest

from environments.errors import CommandFailed, InvalidConfiguration, NotProvisioned, StepFailed
from environments.execution.progress import CommandDue, Noticed, Progress
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment, Outputs
from environments.model.failure import FailureCause
from environments.model.provider_kinds import ProviderSpec, register_provider
from environments.model.spec import EnvironmentSpec
from environments.model.states import Provisioned, Running
from environments.model.steps import Step, StepContext, StepOutputs
from environments.storage.memory import MemoryRepository
from environments.testing import FixedClock
from environments.workspace import Workspace
from statechart.errors import InvalidTransition, Stale

BROKEN = StepFailed(FailureCause.COMMAND_EXECUTION, "it never gets healthy")


class DeployedSpec(ProviderSpec, frozen=True, extra="forbid"):
    """A provider whose release is the name of the app, and which serves on while a new one is tried."""

    broken: ClassVar[set[str]] = set()
    kind: Literal["deployed"] = "deployed"
    app: Path = Path("/apps/one")
    pinned_release: str | None = None
    level: str = "info"
    size: int = 1

    def supports(self, command: object) -> bool:
        return True

    def needs_provision(self, new: ProviderSpec) -> tuple[str, ...]:
        return ()

    def steps(self, command: CommandName, environment: AnyEnvironment) -> Sequence[Step]:
        async def effect(context: StepContext) -> StepOutputs:
            outputs = context.environment.outputs
            if command in self.broken:
                raise BROKEN
            if command is CommandName.RELEASE:
                return {"release": self.pinned_release or self.app.name}
            if command is CommandName.STOP:
                return {"serving": None}
            if command is not CommandName.RUN:
                return {}
            if outputs.release in self.broken:
                raise BROKEN
            return {"serving": outputs.release, "served": outputs.release, "previous": outputs.rollback}

        inputs = {CommandName.CONFIGURE: {"level": self.level}, CommandName.PROVISION: {"size": self.size}}
        return [Step(name=f"do_{command}", effect=effect, inputs=inputs.get(command, {}))]


register_provider("deployed", f"{__name__}:DeployedSpec")


@pytest.fixture
def broken() -> Iterator[set[str]]:
    DeployedSpec.broken.clear()
    yield DeployedSpec.broken
    DeployedSpec.broken.clear()


@pytest.fixture
def told() -> list[Progress | Noticed]:
    return []


@pytest.fixture
def workspace(
    repository: MemoryRepository, clock: FixedClock, told: list[Progress], broken: set[str]
) -> Workspace:
    made = Workspace(repository=repository, clock=clock, observers=[told.append])
    made.create(EnvironmentSpec(name="demo", provider=DeployedSpec()))
    return made


def commands(told: list[Progress]) -> list[str]:
    found = [each.command.value for each in told if isinstance(each, CommandDue)]
    told.clear()
    return found


def notices(told: list[Progress]) -> list[str]:
    return [each.message for each in told if isinstance(each, Noticed)]


async def amend(workspace: Workspace, **changes: object) -> None:
    spec = workspace.load("demo").spec
    provider = spec.provider.model_copy(update=changes)
    await workspace.update("demo", spec.model_copy(update={"provider": provider}))


async def test_configure_runs_only_if_its_inputs_differ(workspace: Workspace, told: list[Progress]) -> None:
    await workspace.provision("demo")
    assert (await workspace.deploy("demo")).outputs.serving == "one"
    assert commands(told) == ["configure", "release", "run"]

    await workspace.deploy("demo")
    assert commands(told) == ["release", "run"]

    await amend(workspace, level="debug")
    await workspace.deploy("demo")
    assert commands(told) == ["configure", "release", "run"]


async def test_a_difference_of_the_infrastructure_is_told_and_left(
    workspace: Workspace, told: list[Progress]
) -> None:
    await workspace.bring("demo")
    await amend(workspace, size=2)
    told.clear()

    await workspace.deploy("demo")

    assert "deploy leaves the infrastructure alone (size: 1 → 2): up demo applies that" in notices(told)
    assert commands(told) == ["release", "run"]


async def deployed(workspace: Workspace, release: str) -> None:
    with suppress(CommandFailed):  # of a broken release
        await workspace.deploy("demo", app=f"/apps/{release}")


@pytest.mark.parametrize(
    ("releases", "broken_ones", "back"),
    [
        (("one", "two"), "", "one"),
        (("one", "two"), "two", "one"),
        (("one", "two", "three"), "three", "two"),
        (("one", "two", "three", "four"), "three four", "two"),
        (("one", "two", "one"), "", "two"),
        (("one", "two", "two"), "", "one"),
    ],
    ids=str,
)
async def test_a_rollback_leads_to_the_release_that_was_healthy_before(
    workspace: Workspace, broken: set[str], releases: tuple[str, ...], broken_ones: str, back: str
) -> None:
    await workspace.provision("demo")
    broken |= set(broken_ones.split())
    for release in releases:
        await deployed(workspace, release)

    assert (await workspace.deploy("demo", previous=True)).outputs.serving == back


async def test_a_rollback_after_a_stop_leads_to_the_release_before(workspace: Workspace) -> None:
    await workspace.provision("demo")
    for release in ("one", "two"):
        await deployed(workspace, release)
        await workspace.stop("demo")

    assert (await workspace.deploy("demo", previous=True)).outputs.serving == "one"


async def test_a_rollback_that_failed_leads_to_the_same_release_again(
    workspace: Workspace, broken: set[str]
) -> None:
    await workspace.provision("demo")
    for release in ("one", "two"):
        await deployed(workspace, release)
    broken.add("one")
    with pytest.raises(CommandFailed):
        await workspace.deploy("demo", previous=True)
    broken.clear()

    assert (await workspace.deploy("demo", previous=True)).outputs.serving == "one"


async def test_a_release_that_was_chosen_is_gone_after_recreation(
    workspace: Workspace, told: list[Progress]
) -> None:
    await workspace.provision("demo")
    for release in ("one", "two"):
        await deployed(workspace, release)
    await workspace.deploy("demo", previous=True)
    await workspace.destroy("demo")

    assert (await workspace.converge("demo", recreate=True, look=False)).outputs.serving == "two"
    assert "release one, which was chosen, is gone: the application is released as it is now" in notices(
        told
    )


async def test_an_environment_that_is_not_provisioned_is_not_deployed_to(
    workspace: Workspace, broken: set[str]
) -> None:
    with pytest.raises(NotProvisioned, match="it is created, nothing was ever provisioned"):
        await workspace.deploy("demo")
    broken.add("provision")
    with pytest.raises(CommandFailed):
        await workspace.provision("demo")
    with pytest.raises(NotProvisioned, match="it is provision_failed, its last provision failed"):
        await workspace.deploy("demo")


async def test_a_deploy_is_refused_before_anything_is_done(workspace: Workspace) -> None:
    provisioned = await workspace.provision("demo")
    with pytest.raises(InvalidConfiguration, match="no previous release"):
        await workspace.deploy("demo", previous=True)
    with pytest.raises(InvalidConfiguration, match="choose either"):
        await workspace.deploy("demo", app="/apps/two", previous=True)
    assert workspace.load("demo") == provisioned.expect(Provisioned)

    await amend(workspace, level="debug")
    with pytest.raises(Stale):
        await workspace.deploy(provisioned)
    await workspace.destroy("demo")
    with pytest.raises(InvalidTransition):
        await workspace.deploy("demo")


async def test_a_restart_says_whether_the_service_runs(workspace: Workspace, told: list[Progress]) -> None:
    await workspace.bring("demo")
    await workspace.restart("demo")
    assert notices(told) == ["demo is running: its service is restarted"]

    await workspace.stop("demo")
    told.clear()
    assert isinstance((await workspace.restart("demo")).state, Running)
    assert notices(told) == ["demo is released, so its service is started"]


@pytest.mark.parametrize(
    ("outputs", "back"),
    [
        ({}, None),
        ({"release": "b", "serving": "b", "served": "b", "previous": "a"}, "a"),
        ({"release": "c", "serving": "b", "served": "b", "previous": "a"}, "b"),
        ({"release": "c", "served": "b", "previous": "a"}, "b"),
        ({"release": "a", "served": "a", "previous": "a"}, None),
        # Recorded by an earlier version, or by a provider that tells less.
        ({"release": "b", "previous": "a"}, "a"),
        ({"serving": "b", "previous": "a"}, "a"),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else str(value),
)
def test_the_release_to_go_back_to_was_healthy_before(outputs: dict[str, str], back: str | None) -> None:
    assert Outputs.model_validate(outputs).rollback == back
