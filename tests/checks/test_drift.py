"""Compare records with the observations of a provider."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from environments import (
    CommandName,
    Drift,
    DriftKind,
    EnvironmentSpec,
    MemoryRepository,
    OperationInterrupted,
    RunFailed,
    Running,
    StepFailed,
    UnexpectedState,
    Workspace,
)
from environments.checks.drift import Detection
from environments.execution.runtime import Runtime
from environments.model.failure import FailureCause
from environments.model.observation import HostState, Observation, ServiceState
from environments.system.waiting import until
from environments.testing import FixedClock, ScriptedProvider, ScriptedSpec, in_child
from statechart.errors import Locked, Stale

ONE, TWO = "111111111111", "222222222222"


def world(**facts: Any) -> Observation:
    """Return an observation without drift, changed by the given facts."""
    return Observation(
        **{"resources": True, "service": ServiceState.UP, "serving": ONE, "detail": "so it is", **facts}
    )


NOTHING = world(resources=False, service=ServiceState.DOWN, serving=None)


@pytest.fixture
def provider() -> Iterator[ScriptedProvider]:
    outputs = {"second_release": {"release": ONE}, "second_run": {"serving": ONE}}
    with ScriptedProvider(outputs=outputs).installed() as script:
        yield script


@pytest.fixture
def workspace(provider: ScriptedProvider) -> Workspace:
    made = Workspace(repository=MemoryRepository(), clock=FixedClock())
    made.create(EnvironmentSpec(name="demo", provider=ScriptedSpec()))
    return made


async def seen(workspace: Workspace, provider: ScriptedProvider, found: Observation) -> Drift:
    provider.observed = found
    return await workspace.drift("demo")


REFUTING = {
    "its host is gone": (
        world(resources=False, service=ServiceState.UNKNOWN, serving=None),
        [(DriftKind.HOST_GONE, "fail", "destroy")],
        FailureCause.INFRASTRUCTURE,
    ),
    "its host is half dead": (
        world(host=HostState.HALF_DEAD, service=ServiceState.UNKNOWN),
        [(DriftKind.HOST_HALF_DEAD, "fail", "up")],
        FailureCause.INFRASTRUCTURE,
    ),
    "its host can't be reached": (
        world(host=HostState.UNREACHABLE, service=ServiceState.UNKNOWN),
        [(DriftKind.HOST_UNREACHABLE, "fail", "up")],
        FailureCause.NETWORK,
    ),
    "its host is another one": (
        world(host=HostState.STRANGE, service=ServiceState.UNKNOWN),
        [(DriftKind.HOST_STRANGE, "fail", "up")],
        FailureCause.AUTHENTICATION,
    ),
    "its service is down": (
        world(service=ServiceState.DOWN, serving=None),
        [(DriftKind.SERVICE_DOWN, "fail", "up")],
        FailureCause.COMMAND_EXECUTION,
    ),
    "its service is not well": (
        world(service=ServiceState.UNHEALTHY),
        [(DriftKind.SERVICE_UNHEALTHY, "fail", "up")],
        FailureCause.COMMAND_EXECUTION,
    ),
    "somebody else answers": (
        world(service=ServiceState.FOREIGN, serving=None),
        [(DriftKind.SERVICE_FOREIGN, "fail", "up")],
        FailureCause.CONFIGURATION,
    ),
    "another release is served": (
        world(serving=TWO),
        [(DriftKind.OTHER_RELEASE, "fail", "up")],
        FailureCause.CONFIGURATION,
    ),
}


@pytest.mark.parametrize(("found", "expected", "cause"), REFUTING.values(), ids=REFUTING)
async def test_a_difference_that_refutes_running_is_recorded_on_request(
    workspace: Workspace,
    provider: ScriptedProvider,
    found: Observation,
    expected: list[tuple[DriftKind, str, str]],
    cause: FailureCause,
) -> None:
    running = await workspace.bring("demo", to=Running)

    drift = await seen(workspace, provider, found)
    assert [(each.kind, each.event, each.then) for each in drift.findings] == expected
    assert workspace.load("demo") == running, "looking changes nothing"

    applied = await workspace.drift("demo", apply=True)
    assert applied.applied == "fail"
    assert isinstance(applied.environment.state, RunFailed)
    assert applied.environment.state.failure.cause is cause
    assert workspace.load("demo") == applied.environment


async def test_retry_leads_back_to_running_after_recorded_drift(
    workspace: Workspace, provider: ScriptedProvider
) -> None:
    await workspace.bring("demo", to=Running)
    provider.observed = world(service=ServiceState.DOWN, serving=None)
    failed = (await workspace.drift("demo", apply=True)).environment
    assert failed.outputs.serving is None, "nothing was seen to be served"

    again = await workspace.retry("demo")

    assert isinstance(again.state, Running)
    assert again.outputs.serving == ONE


async def test_the_served_release_stays_recorded_if_the_host_is_unreachable(
    workspace: Workspace, provider: ScriptedProvider
) -> None:
    await workspace.bring("demo", to=Running)
    provider.observed = world(host=HostState.UNREACHABLE, service=ServiceState.UNKNOWN, serving=None)

    assert (await workspace.drift("demo", apply=True)).environment.outputs.serving == ONE


async def test_a_matching_world_is_no_drift_in_any_state(
    workspace: Workspace, provider: ScriptedProvider
) -> None:
    idle = world(service=ServiceState.DOWN, serving=None)
    assert (await seen(workspace, provider, NOTHING)).findings == ()
    for command in (workspace.provision, workspace.configure, workspace.release):
        await command("demo")
        assert (await seen(workspace, provider, idle)).findings == ()
    await workspace.run("demo")
    assert (await seen(workspace, provider, world())).findings == ()
    await workspace.destroy("demo")
    assert (await seen(workspace, provider, NOTHING)).findings == ()


async def test_a_difference_that_refutes_no_state_is_reported_and_not_recorded(
    workspace: Workspace, provider: ScriptedProvider
) -> None:
    running = await workspace.bring("demo", to=Running)
    provider.observed = world(altered=("disk: update",), configuration=("motd differs",), unseen=("moon",))

    drift = await workspace.drift("demo", apply=True)

    assert [(each.kind, each.what, each.event) for each in drift.findings] == [
        (DriftKind.RESOURCE_ALTERED, "disk: update", None),
        (DriftKind.CONFIGURATION_CHANGED, "motd differs", None),
    ]
    assert (drift.unseen, drift.applied, drift.environment) == (("moon",), None, running)


@pytest.mark.parametrize("ended", [False, True], ids=["created", "destroyed"])
async def test_unrecorded_resources_are_reported(
    workspace: Workspace, provider: ScriptedProvider, ended: bool
) -> None:
    if ended:
        await workspace.destroy("demo")

    (finding,) = (await seen(workspace, provider, world())).findings

    assert (finding.kind, finding.event) == (DriftKind.RESOURCES_LEFT, None)
    assert finding.then == (None if ended else "destroy")


async def test_a_service_that_came_back_is_reported_and_only_run_changes_the_state(
    workspace: Workspace, provider: ScriptedProvider
) -> None:
    await workspace.bring("demo", to=Running)
    provider.observed = world(service=ServiceState.UNHEALTHY)
    await workspace.drift("demo", apply=True)

    drift = await seen(workspace, provider, world())
    assert [(each.kind, each.event, each.then) for each in drift.findings] == [
        (DriftKind.SERVICE_UP, None, "up")
    ]
    assert (await workspace.drift("demo", apply=True)).applied is None


async def test_a_redeploy_is_compared_with_the_release_still_serving(
    workspace: Workspace, provider: ScriptedProvider
) -> None:
    await workspace.bring("demo", to=Running)
    provider.outputs["second_release"] = {"release": TWO}
    await workspace.release("demo")

    assert (await seen(workspace, provider, world())).findings == ()
    (finding,) = (await seen(workspace, provider, world(service=ServiceState.DOWN))).findings
    assert (finding.kind, finding.event, finding.then) == (DriftKind.SERVICE_DOWN, None, "up")


async def test_a_begun_teardown_is_not_compared(workspace: Workspace, provider: ScriptedProvider) -> None:
    provider.fails["second_destroy"] = [StepFailed(FailureCause.NETWORK, "no")]
    with pytest.raises(Exception, match="no"):
        await workspace.destroy("demo")

    for apply in (False, True):
        with pytest.raises(UnexpectedState, match="partly torn down"):
            await workspace.drift("demo", apply=apply)


async def test_an_interrupted_command_is_recovered_first(
    provider: ScriptedProvider, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path)
    workspace.create(EnvironmentSpec(name="demo", provider=ScriptedSpec()))
    provider.crashes.add("second_provision")
    await in_child(workspace.provision("demo"))

    for apply in (False, True):
        with pytest.raises(OperationInterrupted):
            await workspace.drift("demo", apply=apply)


async def test_a_command_under_way_is_not_disturbed(provider: ScriptedProvider) -> None:
    repository = MemoryRepository()
    workspace = Workspace(repository=repository, clock=FixedClock())
    workspace.create(EnvironmentSpec(name="demo", provider=ScriptedSpec()))
    refused: list[str] = []

    async def look() -> None:
        for apply in (False, True):
            with pytest.raises(Locked):
                await workspace.drift("demo", apply=apply)
            refused.append("locked")

    looks: list[asyncio.Task[None]] = []
    provider.hangs.add("first_provision")
    provider.at_step = lambda _name, _context: looks.append(asyncio.ensure_future(look()))
    command = asyncio.ensure_future(workspace.provision("demo"))
    assert await until(lambda: looks, within=60)
    await looks[0]
    command.cancel()
    with pytest.raises(asyncio.CancelledError):
        await command

    assert refused == ["locked", "locked"]


class Moving(ScriptedProvider):
    """A provider that changes the record during an observation."""

    def __init__(self, workspace: Workspace, times: int) -> None:
        super().__init__()
        self.workspace = workspace
        self.times = times

    async def observe(self, environment: Any, directory: Any) -> Observation:
        if self.times:
            self.times -= 1
            spec = environment.spec.model_copy(update={"description": f"{self.times}"})
            await self.workspace.update(environment.name, spec)
        return NOTHING


async def test_an_observation_is_repeated_if_the_record_changes(provider: ScriptedProvider) -> None:
    repository = MemoryRepository()
    workspace = Workspace(repository=repository, clock=FixedClock())
    workspace.create(EnvironmentSpec(name="demo", provider=ScriptedSpec()))

    drift = await Detection(Runtime(repository, Moving(workspace, 2))).find("demo")
    assert drift.environment == workspace.load("demo")

    with pytest.raises(Stale):
        await Detection(Runtime(repository, Moving(workspace, 9))).find("demo")


async def test_recorded_drift_is_in_the_history_and_verifies(
    workspace: Workspace, provider: ScriptedProvider
) -> None:
    await workspace.bring("demo", to=Running)
    provider.observed = world(service=ServiceState.DOWN, detail="its process is gone")
    await workspace.drift("demo", apply=True)

    last = workspace.history("demo")[-1].record
    assert (last.type, getattr(last, "event", None)) == ("transition", "fail")
    assert getattr(last, "reason", None) == "service down: its process is gone"
    assert workspace.load("demo").failure is not None
    assert workspace.load("demo").failure.command is CommandName.RUN  # type: ignore[union-attr]
