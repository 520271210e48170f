"""The contract of a provider, as tests that every provider has to pass.

Inherit from `ProviderContract` in a test module and define the fixture `spec`:

    class TestMine(ProviderContract):
        @pytest.fixture
        def spec(self, tmp_path):
            return MyProvider(root=tmp_path)

The tests create and destroy real environments, with the requirements of your provider.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from environments.errors import CommandFailed
from environments.execution.progress import Progress, StepStarted
from environments.execution.stop import StopRequest
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment, Environment
from environments.model.observation import Observation, ServiceState
from environments.model.provider_kinds import ProviderSpec
from environments.model.records import StepRecord
from environments.model.spec import EnvironmentSpec
from environments.model.states import EnvironmentState
from environments.model.steps import Probed, Step, StepContext, Verdict
from environments.ports import Provider
from environments.recovery.settle import Assumption, Doubt
from environments.system.clock import SystemClock
from environments.testing.children import in_child
from environments.workspace import Workspace

PATH = (CommandName.PROVISION, CommandName.CONFIGURE, CommandName.RELEASE, CommandName.RUN)
"""The commands from `created` to `running`, in order."""

ANEW = (CommandName.RUN, CommandName.CONFIGURE, CommandName.PROVISION, CommandName.STOP)
"""The commands from `running`: restart, configure and provision anew, and stop, which not all have."""

_STEP_NAME = re.compile(r"[a-z][a-z0-9_]*")


class ProviderContract:
    """The tests of the contract. A subclass defines the fixture `spec`."""

    @pytest.fixture
    def spec(self) -> ProviderSpec:
        """A spec of the provider that is ready to use, new for each test."""
        raise NotImplementedError(f"{type(self).__name__} has to override the fixture `spec`")

    @pytest.fixture
    def workspace(self, tmp_path: Path) -> Workspace:
        """A workspace on files, with the real clock."""
        return Workspace(tmp_path / "contract-data")

    @pytest.fixture
    def created(self, workspace: Workspace, spec: ProviderSpec) -> AnyEnvironment:
        """A recorded environment of the provider, without resources."""
        return workspace.create(EnvironmentSpec(name="contract", provider=spec))

    def test_a_spec_comes_back_from_its_json_as_it_was(self, spec: ProviderSpec) -> None:
        assert type(spec).model_validate_json(spec.model_dump_json()) == spec

    def test_a_spec_that_is_ready_has_no_problems(self, spec: ProviderSpec) -> None:
        assert tuple(spec.problems()) == ()

    @pytest.mark.parametrize("command", [*PATH, CommandName.STOP, CommandName.DESTROY])
    def test_each_command_has_steps_with_names_of_their_own(
        self, spec: ProviderSpec, command: CommandName
    ) -> None:
        provider, environment = as_provider(spec), fresh(spec)
        require_supported(provider, command)

        names = [step.name for step in provider.steps(command, environment)]

        assert names, f"{command} has no step that could verify its effect"
        assert len(set(names)) == len(names)
        assert [name for name in names if not _STEP_NAME.fullmatch(name)] == []

    @pytest.mark.parametrize("command", [*PATH, CommandName.STOP, CommandName.DESTROY])
    def test_steps_are_the_same_each_time_they_are_asked_for(
        self, spec: ProviderSpec, command: CommandName
    ) -> None:
        provider, environment = as_provider(spec), fresh(spec)
        require_supported(provider, command)

        first, again = (
            [(step.name, step.version, step.digest) for step in provider.steps(command, environment)]
            for _ in range(2)
        )

        assert first == again

    async def test_it_comes_up_and_goes_away_and_says_so_truthfully(
        self, workspace: Workspace, created: AnyEnvironment
    ) -> None:
        seen = [await look(workspace)]
        for command in PATH:
            await run(workspace, command)
            seen.append(await look(workspace))
        running = workspace.load("contract")
        await workspace.destroy("contract")
        seen.append(await look(workspace))

        assert running.state.name is EnvironmentState.RUNNING
        assert [found.resources for found in seen] == [False, True, True, True, True, False]
        assert [found.service is ServiceState.UP for found in seen] == [False] * 4 + [True, False]
        assert seen[4].serving == running.outputs.serving

    async def test_probes_tell_whether_a_step_is_done(
        self, workspace: Workspace, created: AnyEnvironment
    ) -> None:
        for command in PATH:
            before = await probed(workspace, command)
            # Steps that only look may be done at any time.
            effects = {name: found for name, found in before.items() if found[0].has_effect}
            done = [name for name, found in effects.items() if found[1].verdict is Verdict.DONE]
            assert not done or len(done) < len(effects), (
                f"before {command}, each probe says that its step is done"
            )

            await run(workspace, command)

            after = await probed(workspace, command)
            wrong = {name: found[1].reason for name, found in after.items() if says_not_done(found)}
            assert wrong == {}, f"after {command}, a probe says that a step is not done"
        await workspace.destroy("contract")

    async def test_destroy_works_from_every_stage(self, workspace: Workspace, spec: ProviderSpec) -> None:
        for number in range(len(PATH) + 1):
            name = f"stage-{number}"
            workspace.create(EnvironmentSpec(name=name, provider=spec))
            for command in PATH[:number]:
                await run(workspace, command, name)

            await workspace.destroy(name)

            found = await look(workspace, name)
            assert (name, found.resources, found.service is ServiceState.UP) == (name, False, False)

    @pytest.mark.parametrize("command", [*PATH, CommandName.DESTROY])
    async def test_a_command_that_is_killed_after_any_step_can_be_settled(
        self, workspace: Workspace, spec: ProviderSpec, command: CommandName
    ) -> None:
        steps = len(as_provider(spec).steps(command, fresh(spec)))
        for number in range(steps):
            name = f"killed-{number}"
            workspace.create(EnvironmentSpec(name=name, provider=spec))
            for earlier in PATH[: PATH.index(command)] if command in PATH else PATH:
                await run(workspace, earlier, name)

            # In a child, since the command kills its process.
            await in_child(killed_at(workspace, command, name, number))

            left = workspace.load(name)
            assert left.operation is not None, f"{command} was not killed at step {number + 1}"
            # A killed destroy needs no recovery: destroying again is enough.
            if command is not CommandName.DESTROY:
                recovered = await workspace.recover(name, decide=not_done)
                operation = recovered.environment.operation
                assert operation is None or not operation.is_active
            await workspace.destroy(name)
            found = await look(workspace, name)
            assert (name, found.resources, found.service is ServiceState.UP) == (name, False, False)

    async def test_its_service_is_stopped_and_restarted_and_serves_on_while_the_rest_is_applied_anew(
        self, workspace: Workspace, created: AnyEnvironment
    ) -> None:
        provider = as_provider(created.spec.provider)
        serving = (await workspace.bring("contract")).outputs.serving
        for command in ANEW:
            if not provider.supports(command):
                continue
            left = await run(workspace, command)

            seen = await look(workspace)
            stopped = command is CommandName.STOP
            assert (command, seen.resources, seen.service is ServiceState.UP) == (
                command,
                True,
                not stopped,
            )
            assert left.outputs.serving == (None if stopped else serving)
            running = await workspace.bring("contract")
            assert (running.outputs.serving, (await look(workspace)).service) == (serving, ServiceState.UP)
        await workspace.destroy("contract")

    @pytest.mark.parametrize("command", ANEW)
    async def test_a_command_on_a_running_environment_that_is_killed_at_any_step_can_be_settled(
        self, workspace: Workspace, created: AnyEnvironment, command: CommandName
    ) -> None:
        require_supported(as_provider(created.spec.provider), command)
        await workspace.bring("contract")
        for number in range(len(as_provider(created.spec.provider).steps(command, created))):
            await in_child(killed_at(workspace, command, "contract", number))

            left = workspace.load("contract").operation
            assert left is not None, f"{command} was not killed at step {number + 1}"
            settled = (await workspace.recover("contract", decide=not_done)).environment
            if settled.failure is not None:
                await workspace.retry("contract")
            await workspace.bring("contract")
            assert (await look(workspace)).service is ServiceState.UP
        await workspace.destroy("contract")

    async def test_a_stop_between_two_steps_is_taken_up_again(
        self, workspace: Workspace, created: AnyEnvironment, tmp_path: Path
    ) -> None:
        stop = StopRequest()
        stopping = Workspace(
            tmp_path / "contract-data", stop=stop, observers=[lambda _told: stop.request("asked")]
        )

        with pytest.raises(CommandFailed):
            await stopping.provision("contract")
        retried = await workspace.retry("contract")

        assert retried.state.name is EnvironmentState.PROVISIONED
        await workspace.destroy("contract")

    async def test_what_is_on_record_holds_no_more_than_json(
        self, workspace: Workspace, created: AnyEnvironment
    ) -> None:
        await workspace.bring("contract")
        for entry in workspace.history("contract"):
            assert type(entry).model_validate_json(entry.model_dump_json()) == entry
            if isinstance(entry.record, StepRecord) and entry.record.result is not None:
                assert entry.record.result.attempts >= 1
        await workspace.destroy("contract")


def not_done(_doubt: Doubt) -> Assumption:
    """Assume that a step without a probe was killed before its effect."""
    return Assumption(done=False, who="the contract", why="it was killed before its effect")


def as_provider(spec: ProviderSpec) -> Provider:
    """Return a spec as the provider of its environments."""
    provider: Provider = spec  # type: ignore[assignment]  # the contract tests whether it is one
    return provider


def require_supported(provider: Provider, command: CommandName) -> None:
    """Skip the test of a command that the provider lacks; only stop may be missing."""
    if command is CommandName.STOP and not provider.supports(command):
        pytest.skip("the provider has no stop")
    assert provider.supports(command)


def fresh(spec: ProviderSpec) -> AnyEnvironment:
    """Return an environment of a provider that is not recorded."""
    return Environment.new(EnvironmentSpec(name="contract", provider=spec), SystemClock().now())


async def run(workspace: Workspace, command: CommandName, name: str = "contract") -> AnyEnvironment:
    """Run a command for an environment."""
    verbs: dict[CommandName, Callable[[str], Awaitable[Any]]] = {  # Any: each ends in another state
        CommandName.PROVISION: workspace.provision,
        CommandName.CONFIGURE: workspace.configure,
        CommandName.RELEASE: workspace.release,
        CommandName.RUN: workspace.run,
        CommandName.STOP: workspace.stop,
        CommandName.DESTROY: workspace.destroy,
    }
    ended: AnyEnvironment = await verbs[command](name)
    return ended


async def look(workspace: Workspace, name: str = "contract") -> Observation:
    """Return the provider's observation of an environment."""
    environment = workspace.load(name)
    return await as_provider(environment.spec.provider).observe(environment, workspace.directory(name))


async def probed(workspace: Workspace, command: CommandName) -> dict[str, tuple[Step, Probed]]:
    """Return the present results of the probes of a command, by step."""
    environment = workspace.load("contract")
    found = {}
    for step in as_provider(environment.spec.provider).steps(command, environment):
        if step.probe is not None:
            context = StepContext(
                environment=environment,
                operation_id="contract",
                directory=workspace.directory("contract"),
                report=lambda _message: None,
                step=step.name,
            )
            found[step.name] = (step, await step.probe(context))
    return found


def says_not_done(found: tuple[Step, Probed]) -> bool:
    """Return whether a probe says that a step was not done."""
    return found[1].verdict is Verdict.NOT_DONE


async def killed_at(workspace: Workspace, command: CommandName, name: str, number: int) -> None:
    """Run a command, and kill this process at the start of a step, counted from 0."""

    def kill(told: Progress) -> None:
        if isinstance(told, StepStarted) and told.number == number + 1:
            os.kill(os.getpid(), signal.SIGKILL)

    # The observers of a workspace can't be changed: make another one.
    await run(Workspace(repository=workspace._repository, observers=[kill]), command, name)
