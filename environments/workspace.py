"""Workspace: the one place that wires repository, providers and commands; the embedding API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from environments.checks.drift import Detection, Drift
from environments.errors import (
    InvalidConfiguration,
    NotDestroyed,
    NothingToRetry,
    Stopped,
)
from environments.execution.commands import (
    COMMANDS,
    Command,
    CommandOptions,
    ConfigureCommand,
    ConfigureSource,
    DestroyCommand,
    ProvisionCommand,
    ProvisionSource,
    RegisterCommand,
    RegisterSource,
    ReleaseCommand,
    ReleaseSource,
    RunCommand,
    RunSource,
    require_supported,
)
from environments.execution.plan import plan
from environments.execution.runtime import Runtime, name_of
from environments.execution.sessions import patiently
from environments.execution.spec_changes import check_applicable, differences, usable
from environments.execution.stop import StopRequest
from environments.lifecycle import Lifecycle, Subject
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment, Environment
from environments.model.records import AmendedRecord, check_revision
from environments.model.states import (
    AnyState,
    Configured,
    Created,
    Destroyed,
    EnvironmentState,
    Provisioned,
    Released,
    Running,
    state_of,
)
from environments.recovery.recover import Recovered, Recovery
from environments.recovery.settle import Decide, undecided
from environments.storage.file import FileRepository
from environments.system.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from environments.execution.progress import Observer
    from environments.model.records import HistoryEntry
    from environments.model.spec import EnvironmentSpec
    from environments.model.summary import Summary, UnreadableSummary
    from environments.ports import Clock, EnvironmentRepository
    from statechart.holder import Holder

TargetT = TypeVar("TargetT", bound=AnyState)
CommandT = TypeVar("CommandT", bound=Command)


class Workspace:
    """The environments of one data directory, and everything that can be done with them.

    Every verb takes an environment or its name. A name is loaded under the lock; an environment
    that is not any more what is on record raises Conflict before the first step. Reads are
    synchronous, and take no lock.

    Args:
        data_dir: Where the environments are kept; it is made when the first one is created.
        repository: Another storage instead of files in `data_dir`.
        clock: Tells the time.
        observers: Told of the progress of every command.
        lock_timeout: How many seconds a command waits for another one on the same environment.
        stop: Asks the command under way to stop after the step in hand.
        allow_network_filesystem: Accept a `data_dir` where locks don't keep other machines out.
    """

    def __init__(
        self,
        data_dir: str | Path = "data",
        *,
        repository: EnvironmentRepository | None = None,
        clock: Clock | None = None,
        observers: Sequence[Observer] = (),
        lock_timeout: float = 0.0,
        stop: StopRequest | None = None,
        allow_network_filesystem: bool = False,
    ) -> None:
        self._repository = repository or FileRepository(
            data_dir, allow_network_filesystem=allow_network_filesystem
        )
        self._runtime = Runtime(
            self._repository,
            clock=clock or SYSTEM_CLOCK,
            observers=tuple(observers),
            lock_timeout=lock_timeout,
            stop=stop or StopRequest(),
        )

    def create(self, spec: EnvironmentSpec) -> Environment[Created]:
        """Put a new environment on record; nothing is made yet.

        Raises:
            InvalidConfiguration: The spec can't be used here and now.
            AlreadyExists: The name is taken.
        """
        return self._repository.create(Environment.new(usable(spec), self._runtime.clock.now()))

    async def provision(
        self, environment: Environment[ProvisionSource] | str, *, from_start: bool = False
    ) -> Environment[Provisioned]:
        """Make the environment's resources."""
        return await self._command(ProvisionCommand, from_start=from_start).execute(environment)

    async def register(
        self,
        environment: Environment[RegisterSource] | str,
        *,
        address: str | None = None,
        from_start: bool = False,
    ) -> Environment[Provisioned]:
        """Adopt the host at an address, or the one that the spec names, once it has proved its use.

        Raises:
            UnsupportedCommand: The environment's provider adopts no hosts.
        """
        command = self._command(RegisterCommand, from_start=from_start)
        if address is None:
            return await command.execute(environment)
        on_record = await self._settled(environment, "register")
        Lifecycle.bound(Subject.of(on_record)).require(Lifecycle.register)
        require_supported(on_record, CommandName.REGISTER)
        spec = on_record.spec.model_copy(update={"provider": on_record.spec.provider.for_address(address)})
        handle = on_record if isinstance(environment, str) else environment
        amended = await self.update(handle, spec)
        return await command.execute(amended.expect(Created))

    async def configure(
        self, environment: Environment[ConfigureSource] | str, *, from_start: bool = False
    ) -> Environment[Configured]:
        """Configure the environment's resources for its application."""
        return await self._command(ConfigureCommand, from_start=from_start).execute(environment)

    async def release(
        self,
        environment: Environment[ReleaseSource] | str,
        *,
        app: str | Path | None = None,
        previous: bool = False,
        from_start: bool = False,
    ) -> Environment[Released]:
        """Put a release in place: of the spec's app, of another one, or the previous one again.

        Raises:
            InvalidConfiguration: There is no such app, or no previous release.
        """
        command = self._command(ReleaseCommand, from_start=from_start)
        chosen = await self._choose_release(environment, app, previous=previous)
        return await command.execute(environment if chosen is None else chosen)

    async def run(
        self, environment: Environment[RunSource] | str, *, from_start: bool = False
    ) -> Environment[Running]:
        """Start the release in place, and see it healthy."""
        return await self._command(RunCommand, from_start=from_start).execute(environment)

    async def destroy(
        self,
        environment: AnyEnvironment | str,
        *,
        from_start: bool = False,
        keep_going_unrecorded: bool = False,
    ) -> Environment[Destroyed]:
        """Take the environment's resources away, and see them gone.

        With `keep_going_unrecorded`, for an emergency, it goes on when its records can't be saved.

        Raises:
            Unrecorded: Some of them never were.
        """
        options = self._options(from_start=from_start)
        command = DestroyCommand(self._repository, keep_going_unrecorded=keep_going_unrecorded, **options)
        return await command.execute(environment)

    async def retry(self, environment: AnyEnvironment | str, *, from_start: bool = False) -> AnyEnvironment:
        """Take the failed command up again, at the first step not known to be done.

        Raises:
            NothingToRetry: Nothing has failed.
        """
        on_record = await self._settled(environment, "retry")
        failure = on_record.failure
        if failure is None:
            raise NothingToRetry(on_record.name, on_record.state.name)
        return await self._execute(failure.command, environment, from_start=from_start)

    @overload
    async def bring(
        self, environment: AnyEnvironment | str, *, to: type[TargetT]
    ) -> Environment[TargetT]: ...
    @overload
    async def bring(self, environment: AnyEnvironment | str, *, to: EnvironmentState) -> AnyEnvironment: ...
    @overload
    async def bring(self, environment: AnyEnvironment | str) -> Environment[Running]: ...
    async def bring(
        self, environment: AnyEnvironment | str, *, to: type[Any] | EnvironmentState = Running
    ) -> Environment[Any]:  # Any: the overloads say which
        """Bring the environment to a state, by the commands that `plan` names.

        Raises:
            UnreachableTarget: No plan leads there.
            Stopped: A stop was asked for between two commands.
        """
        on_record = await self._settled(environment, "bring")
        handle = environment
        for name in plan(on_record, _target(to)):
            if self._runtime.stop.reason is not None:
                raise Stopped(on_record, name, self._runtime.stop.reason)
            handle = on_record = await self._execute(name, handle)
        return on_record

    async def update(self, environment: AnyEnvironment | str, spec: EnvironmentSpec) -> AnyEnvironment:
        """Change the spec, without a transition: the commands that apply it are still to be run.

        Raises:
            InvalidConfiguration: The spec can't be used here and now, or has another name.
            ProvisionNeeded: A field was changed that only provisioning can apply.
        """
        name = name_of(environment)
        if spec.name != name:
            raise InvalidConfiguration("the new spec", [f"its name is {spec.name!r}, not {name!r}"])
        spec = usable(spec)
        async with self._runtime.open(environment, "update") as held:
            on_record = held.environment
            check_applicable(on_record, spec)
            fields = tuple(differences(on_record.spec.model_dump(), spec.model_dump()))
            if fields:
                amended = on_record.with_spec(spec, at=self._runtime.clock.now())
                held.session.commit(AmendedRecord(fields=fields, environment=amended))
            return held.environment

    async def recover(
        self,
        environment: AnyEnvironment | str,
        *,
        decide: Decide | None = None,
        dry_run: bool = False,
    ) -> Recovered:
        """Settle a command that died in the middle: find out what it did, and put it on record.

        Where nothing was interrupted, nothing is done. `decide` is asked about a step of which
        nothing can be found out; a dry run looks and changes nothing.

        Raises:
            StepInDoubt: Whether a step was done can't be found out, and nobody decided.
        """
        recovery = Recovery(self._runtime, decide or undecided)
        return await recovery.run(name_of(environment), dry_run=dry_run)

    async def drift(self, environment: AnyEnvironment | str, *, apply: bool = False) -> Drift:
        """Hold what is on record against the world, as the provider finds it; it changes nothing there.

        With `apply`, what refutes the recorded state is put on record, by the event that it proposes.

        Raises:
            Locked: A command is under way, and decides what comes next.
            OperationInterrupted: A command died in the middle.
            UnexpectedState: Its teardown has begun: only destroy may follow.
            StepFailed: The provider can't look.
        """
        detection, name = Detection(self._runtime), name_of(environment)
        return await (detection.apply(name) if apply else detection.look(name))

    async def purge(self, environment: AnyEnvironment | str) -> None:
        """Remove a destroyed environment from record, and free its name.

        Raises:
            NotDestroyed: Its resources may still be there.
        """
        on_record = self.load(name_of(environment))
        if not isinstance(environment, str):
            check_revision(environment, on_record)
        if not isinstance(on_record.state, Destroyed):
            raise NotDestroyed(on_record.name, on_record.state.name)
        await patiently(lambda: self._repository.delete(on_record), self._runtime.lock_timeout)

    def plan(
        self, environment: AnyEnvironment | str, *, to: type[AnyState] | EnvironmentState = Running
    ) -> tuple[CommandName, ...]:
        """Return the commands that `bring` would run.

        Raises:
            Locked: A command is under way, and decides what comes next.
            UnreachableTarget: No plan leads there.
        """
        return plan(self._runtime.at_rest(name_of(environment)), _target(to))

    def load(self, name: str) -> AnyEnvironment:
        """Return the environment as it is on record."""
        return self._repository.load(name)

    def names(self) -> list[str]:
        """Return the names of all environments, sorted."""
        return self._repository.names()

    def summaries(self) -> Iterator[Summary | UnreadableSummary]:
        """Yield a line for each environment, by name; one that can't be read does not end it."""
        return self._repository.summaries()

    def exists(self, name: str) -> bool:
        """Return whether the name is taken."""
        return self._repository.exists(name)

    def history(self, name: str) -> list[HistoryEntry]:
        """Return all records of an environment, the first one first."""
        return self._repository.history(name)

    def holder(self, name: str) -> Holder | None:
        """Return who is changing the environment now, or None."""
        return self._repository.holder(name)

    def directory(self, name: str) -> Path:
        """Return the environment's own directory."""
        return self._repository.directory(name)

    async def _settled(self, environment: AnyEnvironment | str, purpose: str) -> AnyEnvironment:
        """Return the recorded environment when no command is under way, having waited for one."""
        async with self._runtime.open(environment, purpose) as held:
            return held.environment

    def _command(self, kind: type[CommandT], *, from_start: bool = False) -> CommandT:
        return kind(self._repository, **self._options(from_start=from_start))

    def _options(self, *, from_start: bool = False) -> CommandOptions:
        runtime = self._runtime
        return CommandOptions(
            clock=runtime.clock,
            observers=runtime.observers,
            lock_timeout=runtime.lock_timeout,
            stop=runtime.stop,
            from_start=from_start,
        )

    async def _execute(
        self, name: CommandName, environment: AnyEnvironment | str, *, from_start: bool = False
    ) -> AnyEnvironment:
        return await self._command(COMMANDS[name], from_start=from_start).attempt(environment)

    async def _choose_release(
        self, environment: AnyEnvironment | str, app: str | Path | None, *, previous: bool
    ) -> Environment[ReleaseSource] | None:
        """Amend the spec with the release that is asked for; None if it says so already."""
        on_record = await self._settled(environment, "release")
        Lifecycle.bound(Subject.of(on_record)).require(Lifecycle.release)
        if previous and app is not None:
            raise InvalidConfiguration("release", ["choose either another app or the previous release"])
        if previous and on_record.outputs.previous is None:
            raise InvalidConfiguration("release", [f"{on_record.name!r} has no previous release"])
        provider = on_record.spec.provider
        pinned = getattr(provider, "pinned_release", None)
        if app is None and not previous and pinned is None:
            return None
        chosen = provider.for_release(
            app=None if app is None else Path(app), release=on_record.outputs.previous if previous else None
        )
        spec = on_record.spec.model_copy(update={"provider": chosen})
        handle = on_record if isinstance(environment, str) else environment
        return await self.update(handle, spec)  # type: ignore[return-value]  # the chart was asked: it is a source of release


def _target(to: type[AnyState] | EnvironmentState) -> EnvironmentState:
    return to if isinstance(to, EnvironmentState) else state_of(to)
