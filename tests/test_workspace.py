from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Literal

import pytest

from environments.errors import (
    CommandFailed,
    InvalidConfiguration,
    NotDestroyed,
    NothingToRetry,
    OperationInterrupted,
    ProvisionNeeded,
    StepFailed,
    Stopped,
    UnexpectedState,
    UnreachableTarget,
)
from environments.execution.progress import CommandDue, CommandEnded, CommandStarted, Progress
from environments.execution.stop import StopRequest
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment
from environments.model.failure import FailureCause
from environments.model.provider_kinds import ProviderSpec, register_provider
from environments.model.records import AmendedRecord
from environments.model.spec import EnvironmentSpec
from environments.model.states import (
    Configured,
    Destroyed,
    EnvironmentState,
    Provisioned,
    Released,
    Running,
)
from environments.model.steps import Step
from environments.ports import EnvironmentRepository
from environments.storage.memory import MemoryRepository
from environments.testing import FixedClock, ScriptedProvider, ScriptedSpec
from environments.workspace import Workspace
from statechart.errors import AlreadyExists, Conflict, InvalidTransition, Locked, NotFound, Stale
from statechart.holder import Holder

NETWORK = StepFailed(FailureCause.NETWORK, "no route to host")


class PinnedSpec(ProviderSpec, frozen=True, extra="forbid"):
    """The spec of a provider that has an app, pinned releases, and a size to provision."""

    script: ClassVar[ScriptedProvider] = ScriptedProvider()

    kind: Literal["app"] = "app"
    app: Path = Path("/apps/hello")
    pinned_release: str | None = None
    size: int = 1

    def supports(self, command: object) -> bool:
        return True

    def steps(self, command: CommandName, environment: AnyEnvironment) -> Sequence[Step]:
        return self.script.steps(command, environment)

    def needs_provision(self, new: ProviderSpec) -> tuple[str, ...]:
        resized = isinstance(new, PinnedSpec) and new.size != self.size
        return (*super().needs_provision(new), *(("size",) if resized else ()))

    def problems(self) -> tuple[str, ...]:
        return ("app: there is no /apps/missing",) if self.app == Path("/apps/missing") else ()


register_provider("app", f"{__name__}:PinnedSpec")


def spec(description: str = "", **provider: object) -> EnvironmentSpec:
    chosen = PinnedSpec(**provider)
    return EnvironmentSpec(name="demo", provider=chosen, description=description)


@pytest.fixture
def script() -> Iterator[ScriptedProvider]:
    """The scripted provider of all commands."""
    PinnedSpec.script = ScriptedProvider(outputs={"second_run": {"serving": "two", "previous": "one"}})
    yield PinnedSpec.script
    PinnedSpec.script = ScriptedProvider()


@pytest.fixture
def workspace(
    repository: MemoryRepository, clock: FixedClock, script: ScriptedProvider, told: list[Progress]
) -> Workspace:
    return Workspace(repository=repository, clock=clock, observers=[told.append])


def records(workspace: Workspace) -> list[str]:
    return [entry.record.type for entry in workspace.history("demo")]


async def begun(verb: object) -> asyncio.Task[AnyEnvironment]:
    task = asyncio.ensure_future(verb)  # type: ignore[arg-type]
    for _ in range(3):
        await asyncio.sleep(0)
    return task


async def cancel(task: asyncio.Task[AnyEnvironment]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_methods_lead_from_created_to_running_and_back(workspace: Workspace) -> None:
    provisioned = await workspace.provision(workspace.create(spec()))
    configured = await workspace.configure(provisioned)
    released = await workspace.release(configured)
    running = await workspace.run(released)
    destroyed = await workspace.destroy(running)

    states = [
        type(environment.state) for environment in (provisioned, configured, released, running, destroyed)
    ]
    assert states == [Provisioned, Configured, Released, Running, Destroyed]
    assert workspace.load("demo") == destroyed


async def test_the_methods_take_names(workspace: Workspace) -> None:
    workspace.create(spec())

    await workspace.provision("demo")
    await workspace.configure("demo")
    await workspace.release("demo")

    assert (await workspace.run("demo")).outputs.serving == "two"


async def test_a_wrong_order_of_commands_raises(workspace: Workspace) -> None:
    created = workspace.create(spec())

    with pytest.raises(InvalidTransition, match="cannot configure 'demo' in state created"):
        await workspace.configure(created)  # type: ignore[arg-type]


async def test_a_command_repeats_all_steps_on_request(
    workspace: Workspace, script: ScriptedProvider
) -> None:
    workspace.create(spec())
    script.fails["second_provision"] = [NETWORK]
    with pytest.raises(CommandFailed):
        await workspace.provision("demo")

    await workspace.provision("demo", from_start=True)

    assert script.done == ["first_provision", "first_provision", "second_provision"]


def test_a_name_can_be_created_once(workspace: Workspace) -> None:
    workspace.create(spec())

    with pytest.raises(AlreadyExists):
        workspace.create(spec())


def test_an_unusable_spec_is_not_recorded(workspace: Workspace) -> None:
    with pytest.raises(InvalidConfiguration, match="there is no /apps/missing"):
        workspace.create(spec(app=Path("/apps/missing")))

    assert not workspace.exists("demo")


async def test_a_workspace_is_a_directory(tmp_path: Path, script: ScriptedProvider) -> None:
    Workspace(tmp_path / "data").create(spec())

    await Workspace(str(tmp_path / "data")).bring("demo", to=Provisioned)

    assert Workspace(tmp_path / "data").load("demo").state.name == "provisioned"


async def test_bring_runs_the_planned_commands(workspace: Workspace, told: list[Progress]) -> None:
    created = workspace.create(spec())
    planned = workspace.plan(created, to=Running)

    running = await workspace.bring(created)

    assert isinstance(running.state, Running)
    assert tuple(event.command for event in told if isinstance(event, CommandStarted)) == tuple(planned)
    due = [event for event in told if isinstance(event, CommandDue)]
    assert [(event.command, event.number, event.of) for event in due] == [
        (command, number, len(planned)) for number, command in enumerate(planned, 1)
    ]


async def test_a_state_may_be_given_by_its_name(workspace: Workspace) -> None:
    created = workspace.create(spec())

    assert await workspace.wait("demo", "created") == created  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'done' is not a valid EnvironmentState"):
        workspace.plan("demo", to="done")  # type: ignore[arg-type]


async def test_bring_resumes_after_a_failure(workspace: Workspace, script: ScriptedProvider) -> None:
    workspace.create(spec())
    script.fails["second_configure"] = [NETWORK]
    with pytest.raises(CommandFailed):
        await workspace.bring("demo")

    await workspace.bring("demo", to=EnvironmentState.CONFIGURED)

    assert script.done == ["first_provision", "second_provision", "first_configure", "second_configure"]


async def test_bring_does_nothing_in_the_target_state(workspace: Workspace) -> None:
    workspace.create(spec())
    running = await workspace.bring("demo")
    before = records(workspace)

    assert await workspace.bring(running, to=Running) == running
    assert records(workspace) == before


async def test_bring_does_not_go_back(workspace: Workspace) -> None:
    workspace.create(spec())
    await workspace.bring("demo", to=Released)

    with pytest.raises(UnreachableTarget, match="destroy"):
        await workspace.bring("demo", to=Provisioned)


async def test_bring_refuses_a_stale_handle(workspace: Workspace, script: ScriptedProvider) -> None:
    created = workspace.create(spec())
    await workspace.provision(created)
    script.done.clear()

    with pytest.raises(Conflict):
        await workspace.bring(created)

    assert script.done == []


@pytest.mark.parametrize("verb", ["bring", "retry", "release", "purge"])
async def test_a_running_command_is_not_reported_as_interrupted(
    workspace: Workspace, script: ScriptedProvider, verb: str
) -> None:
    workspace.create(spec())
    script.hangs.add("first_provision")
    under_way = await begun(workspace.provision("demo"))

    with pytest.raises((Locked, NotDestroyed)):
        await getattr(workspace, verb)("demo")

    await cancel(under_way)


async def test_no_plan_is_made_while_a_command_runs(workspace: Workspace, script: ScriptedProvider) -> None:
    workspace.create(spec())
    script.hangs.add("first_provision")
    under_way = await begun(workspace.provision("demo"))

    with pytest.raises(Locked, match="envchart provision"):
        workspace.plan("demo")

    await cancel(under_way)
    assert tuple(workspace.plan("demo", to=Provisioned)) == (CommandName.PROVISION,)


@pytest.mark.parametrize("verb", ["bring", "retry", "release", "provision"])
async def test_an_interrupted_command_is_named(
    workspace: Workspace, crash: Callable[..., AnyEnvironment], verb: str
) -> None:
    workspace.create(spec())
    crash("provision", "provisioning", "first_provision")

    with pytest.raises(OperationInterrupted, match="was interrupted at step first_provision"):
        await getattr(workspace, verb)("demo")


@pytest.mark.parametrize(
    ("command", "to"),
    [
        ("provision", "provisioned"),
        ("configure", "configured"),
        ("release", "released"),
        ("run", "running"),
    ],
)
async def test_retry_resumes_the_failed_command(
    workspace: Workspace, script: ScriptedProvider, command: str, to: str
) -> None:
    workspace.create(spec())
    script.fails[f"second_{command}"] = [NETWORK]
    with pytest.raises(CommandFailed) as failed:
        await workspace.bring("demo")
    script.done.clear()

    retried = await workspace.retry(failed.value.environment)

    assert retried.state.name == to
    assert script.done == [f"second_{command}"]


async def test_retry_from_the_start_repeats_all_steps(
    workspace: Workspace, script: ScriptedProvider
) -> None:
    workspace.create(spec())
    script.fails["second_provision"] = [NETWORK]
    with pytest.raises(CommandFailed):
        await workspace.provision("demo")
    script.done.clear()

    await workspace.retry("demo", from_start=True)

    assert script.done == ["first_provision", "second_provision"]


async def test_retry_resumes_a_failed_destroy(workspace: Workspace, script: ScriptedProvider) -> None:
    workspace.create(spec())
    script.fails["second_destroy"] = [NETWORK]
    with pytest.raises(CommandFailed):
        await workspace.destroy("demo")

    assert (await workspace.retry("demo")).state.name == "destroyed"


@pytest.mark.parametrize("state", ["created", "provisioned", "running", "destroyed"])
async def test_retry_is_refused_without_a_failure(
    workspace: Workspace, place: Callable[..., AnyEnvironment], state: str
) -> None:
    place(state, spec=spec())

    with pytest.raises(NothingToRetry):
        await workspace.retry("demo")


async def test_a_stale_handle_can_not_be_retried(workspace: Workspace, script: ScriptedProvider) -> None:
    created = workspace.create(spec())
    script.fails["second_provision"] = [NETWORK]
    with pytest.raises(CommandFailed):
        await workspace.provision(created)

    with pytest.raises(Stale):
        await workspace.retry(created)


async def test_update_names_the_fields_that_differ(workspace: Workspace) -> None:
    created = workspace.create(spec())

    updated = await workspace.update(created, spec("for ann", app=Path("/apps/other")))

    record = workspace.history("demo")[-1].record
    assert isinstance(record, AmendedRecord)
    assert record.fields == ("description", "provider.app")
    assert (updated.revision, updated.state.name) == (2, "created")
    assert workspace.load("demo") == updated


async def test_amend_changes_what_is_recorded_now_by_a_function(workspace: Workspace) -> None:
    created = workspace.create(spec())
    await workspace.update("demo", spec("for ann"))

    def longer(recorded: EnvironmentSpec) -> EnvironmentSpec:
        return recorded.model_copy(update={"description": f"{recorded.description} and bob"})

    amended = await workspace.amend("demo", longer)

    assert (amended.spec.description, amended.revision) == ("for ann and bob", 3)
    with pytest.raises(Stale):
        await workspace.amend(created, longer)
    with pytest.raises(InvalidConfiguration, match="its name is 'other'"):
        await workspace.amend("demo", lambda recorded: recorded.model_copy(update={"name": "other"}))


async def test_an_update_that_changes_nothing_writes_nothing(workspace: Workspace) -> None:
    created = workspace.create(spec())

    assert await workspace.update("demo", spec()) == created
    assert records(workspace) == ["created"]


async def test_a_created_environment_can_still_be_given_any_spec(workspace: Workspace) -> None:
    workspace.create(spec())

    assert (await workspace.update("demo", spec(size=2))).spec == spec(size=2)


async def test_a_field_that_no_command_applies_is_refused_later(workspace: Workspace) -> None:
    workspace.create(spec())
    provisioned = await workspace.provision("demo")
    renamed = spec(size=2).model_copy(update={"instance_name": "other"})

    with pytest.raises(ProvisionNeeded) as refused:
        await workspace.update("demo", renamed)

    assert refused.value.fields == ("instance_name",)
    assert workspace.load("demo") == provisioned
    assert (await workspace.update("demo", spec(size=2))).spec == spec(size=2), "provision applies it"


async def test_a_field_that_provisioning_applies_can_be_updated_after_its_failure(
    workspace: Workspace, script: ScriptedProvider
) -> None:
    workspace.create(spec())
    script.fails["first_provision"] = [NETWORK]
    with pytest.raises(CommandFailed):
        await workspace.provision("demo")

    assert (await workspace.update("demo", spec(size=2))).spec == spec(size=2)
    for new, field in (
        (spec(size=2).model_copy(update={"instance_name": "other"}), "instance_name"),
        (EnvironmentSpec(name="demo", provider=ScriptedSpec()), "provider.kind"),
    ):
        with pytest.raises(ProvisionNeeded) as refused:
            await workspace.update("demo", new)
        assert refused.value.fields == (field,)


@pytest.mark.parametrize(
    ("new", "problem"),
    [
        (EnvironmentSpec(name="other", provider=PinnedSpec()), "its name is 'other', not 'demo'"),
        (spec(app=Path("/apps/missing")), "there is no /apps/missing"),
    ],
)
async def test_an_unusable_spec_does_not_replace_another(
    workspace: Workspace, new: EnvironmentSpec, problem: str
) -> None:
    workspace.create(spec())

    with pytest.raises(InvalidConfiguration, match=problem):
        await workspace.update("demo", new)

    assert records(workspace) == ["created"]


async def test_a_destroyed_environment_is_not_updated(
    workspace: Workspace, place: Callable[..., AnyEnvironment]
) -> None:
    place("destroyed", spec=spec())

    with pytest.raises(UnexpectedState, match="destroyed"):
        await workspace.update("demo", spec("changed"))


async def test_an_environment_in_teardown_is_not_updated(
    workspace: Workspace, script: ScriptedProvider
) -> None:
    workspace.create(spec())
    script.fails["first_destroy"] = [NETWORK]
    with pytest.raises(CommandFailed):
        await workspace.destroy("demo")

    with pytest.raises(UnexpectedState, match="partly torn down"):
        await workspace.update("demo", spec("changed"))


async def test_an_interrupted_environment_is_not_updated(
    workspace: Workspace, crash: Callable[..., AnyEnvironment]
) -> None:
    workspace.create(spec())
    crash("provision", "provisioning")

    with pytest.raises(OperationInterrupted):
        await workspace.update("demo", spec("changed"))


async def test_a_stale_handle_is_not_updated(workspace: Workspace) -> None:
    created = workspace.create(spec())
    await workspace.update(created, spec("for ann"))

    with pytest.raises(Stale):
        await workspace.update(created, spec("for ben"))

    assert workspace.load("demo").spec.description == "for ann"


async def test_a_failed_command_resumes_after_an_update(
    workspace: Workspace, script: ScriptedProvider
) -> None:
    workspace.create(spec())
    script.fails["second_provision"] = [NETWORK]
    with pytest.raises(CommandFailed):
        await workspace.provision("demo")

    await workspace.update("demo", spec("changed"))
    await workspace.retry("demo")

    assert script.done == ["first_provision", "second_provision"]


async def test_releasing_another_app_updates_the_spec(workspace: Workspace) -> None:
    workspace.create(spec())
    running = await workspace.bring("demo")

    released = await workspace.release(running, app="/apps/next")

    assert released.spec.provider == PinnedSpec(app=Path("/apps/next"))
    amended = [entry.record for entry in workspace.history("demo") if entry.record.type == "amended"]
    assert [record.fields for record in amended] == [("provider.app",)]


async def test_a_relative_app_is_kept_absolute(workspace: Workspace) -> None:
    workspace.create(spec())
    await workspace.bring("demo")

    released = await workspace.release("demo", app=Path("apps/next"))

    assert released.spec.provider == PinnedSpec(app=Path.cwd() / "apps/next")


async def test_the_previous_release_is_installed_again(workspace: Workspace) -> None:
    workspace.create(spec())
    await workspace.bring("demo")

    released = await workspace.release("demo", previous=True)

    assert released.spec.provider == PinnedSpec(pinned_release="one")


async def test_a_plain_release_ends_an_earlier_pin(workspace: Workspace) -> None:
    workspace.create(spec())
    await workspace.bring("demo")
    await workspace.release("demo", previous=True)

    released = await workspace.release("demo")

    assert released.spec.provider == PinnedSpec(pinned_release=None)


async def test_a_plain_release_does_not_change_the_spec(workspace: Workspace) -> None:
    workspace.create(spec())
    await workspace.bring("demo", to=Released)

    assert "amended" not in records(workspace)


@pytest.mark.parametrize(
    ("choice", "problem"),
    [
        ({"app": "/apps/next", "previous": True}, "choose either"),
        ({"previous": True}, "has no previous release"),
        ({"app": "/apps/missing"}, "there is no /apps/missing"),
    ],
)
async def test_a_missing_release_is_refused(
    workspace: Workspace, choice: dict[str, object], problem: str
) -> None:
    workspace.create(spec())
    configured = await workspace.bring("demo", to=Configured)

    with pytest.raises(InvalidConfiguration, match=problem):
        await workspace.release("demo", **choice)  # type: ignore[arg-type]

    assert workspace.load("demo") == configured


async def test_a_refused_release_does_not_change_the_spec(workspace: Workspace) -> None:
    created = workspace.create(spec())

    with pytest.raises(InvalidTransition):
        await workspace.release("demo", app="/apps/next")

    assert workspace.load("demo") == created


async def test_a_stale_handle_is_not_released(workspace: Workspace) -> None:
    workspace.create(spec())
    configured = await workspace.bring("demo", to=Configured)
    running = await workspace.bring("demo")

    with pytest.raises(Stale):
        await workspace.release(configured, app="/apps/next")

    assert workspace.load("demo") == running


async def test_a_provider_without_releases_refuses_a_choice(
    workspace: Workspace, place: Callable[..., AnyEnvironment]
) -> None:
    place("configured")

    with pytest.raises(InvalidConfiguration, match="releases can't be chosen"):
        await workspace.release("demo", app="/apps/next")


async def test_purge_frees_the_name(workspace: Workspace) -> None:
    created = workspace.create(spec())
    await workspace.purge(await workspace.destroy(created))

    assert not workspace.exists("demo")
    again = workspace.create(spec())
    assert (again.revision, again.lineage == created.lineage) == (1, False)


@pytest.mark.parametrize("state", [state for state in EnvironmentState if state != "destroyed"])
async def test_only_a_destroyed_environment_is_purged(
    workspace: Workspace, place: Callable[..., AnyEnvironment], state: str
) -> None:
    place(state, spec=spec())

    with pytest.raises(NotDestroyed):
        await workspace.purge("demo")

    assert workspace.exists("demo")


async def test_a_stale_handle_is_not_purged(workspace: Workspace) -> None:
    workspace.create(spec())
    destroyed = await workspace.destroy("demo")
    await workspace.purge("demo")
    workspace.create(spec())

    with pytest.raises(Stale):
        await workspace.purge(destroyed)

    assert workspace.exists("demo")


async def test_an_unknown_name_cannot_be_purged(workspace: Workspace) -> None:
    with pytest.raises(NotFound):
        await workspace.purge("demo")


async def test_reads_need_no_lock(workspace: Workspace, script: ScriptedProvider) -> None:
    workspace.create(spec())
    script.hangs.add("first_provision")
    under_way = await begun(workspace.provision("demo"))

    assert workspace.load("demo").condition == "provisioning (provision under way: step first_provision)"
    assert [summary.condition for summary in workspace.summaries()] == [workspace.load("demo").condition]
    assert records(workspace) == ["created", "transition", "step"]
    assert workspace.names() == ["demo"]
    assert workspace.holder("demo").command == "envchart provision"

    await cancel(under_way)
    assert workspace.holder("demo") is None


def test_each_environment_has_a_directory_of_its_own(workspace: Workspace, tmp_path: Path) -> None:
    workspace.create(spec())

    assert workspace.directory("demo") == tmp_path / "memory" / "demo"


async def test_a_workspace_may_wait_for_another_holder(
    repository: MemoryRepository, script: ScriptedProvider
) -> None:
    patient = Workspace(repository=repository, lock_timeout=60)
    patient.create(spec())
    holder = repository.open("demo", Holder.current("somebody"))
    asyncio.get_running_loop().call_later(0.03, holder.close)

    provisioned = await patient.bring("demo", to=Provisioned)

    assert provisioned.state.name == "provisioned"


async def test_after_a_stop_request_no_command_begins(workspace: Workspace) -> None:
    workspace.create(spec())
    running = await workspace.bring("demo")
    stop = StopRequest()
    stop.request("closing time")
    stopped = Workspace(repository=workspace._repository, stop=stop)

    for verb in (stopped.restart, stopped.configure, stopped.stop, stopped.destroy):
        with pytest.raises(Stopped, match="closing time: 'demo' is running"):
            await verb("demo")

    assert workspace.load("demo") == running


async def test_bringing_up_stops_between_two_commands_when_asked(
    repository: MemoryRepository, created: object
) -> None:
    stop = StopRequest()

    def ask(progress: Progress) -> None:
        if isinstance(progress, CommandEnded):
            stop.request("interrupted by Ctrl-C")

    workspace = Workspace(repository=repository, observers=[ask], stop=stop)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptedSpec, "steps", lambda spec, command, environment: [], raising=False)
        with pytest.raises(Stopped) as stopped:
            await workspace.bring("demo")

    assert stopped.value.command == "configure"
    assert repository.load("demo") == stopped.value.environment
    assert repository.load("demo").state.name == "provisioned"


async def test_a_purge_waits_for_the_lock(
    repository: MemoryRepository, place: Callable[..., AnyEnvironment]
) -> None:
    place("destroyed")
    session = repository.open("demo", Holder.current("somebody"))

    with pytest.raises(Locked):
        await Workspace(repository=repository).purge("demo")
    asyncio.get_running_loop().call_later(0.03, session.close)
    await Workspace(repository=repository, lock_timeout=60).purge("demo")

    assert not repository.exists("demo")


def test_the_author_of_changes_can_be_given(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "data", actor="ann via dashboard", providers=[ScriptedSpec])

    workspace.create(EnvironmentSpec(name="demo", provider=ScriptedSpec()))

    assert [entry.actor for entry in workspace.history("demo")] == ["ann via dashboard"]
    for wrong in ("", " ", "a\nb", "a" * 101, "\u202eann"):
        with pytest.raises(ValueError, match="printable"):
            Workspace(tmp_path / "data", actor=wrong)
    with pytest.raises(TypeError, match="repository"):
        Workspace(repository=MemoryRepository(), actor="ann")


async def test_histories_are_read_from_where_they_can_be_and_as_they_grow(
    any_repository: EnvironmentRepository,
) -> None:
    workspace = Workspace(repository=any_repository)
    workspace.create(EnvironmentSpec(name="demo", provider=ScriptedSpec()))
    growing = workspace.unfolding("demo")

    assert [record.seq for record in growing.read()] == [workspace.last_seq("demo")] == [1]
    await workspace.provision("demo")
    history = workspace.history("demo")
    assert workspace.last_seq("demo") == history[-1].seq == list(growing.read())[-1].seq
    entries, gap = workspace.readable("demo")
    assert (list(entries), gap) == (history, None)
    assert list(workspace.latest("demo", lambda _opening: True))[-1] == history[-1]
    growing.close()
