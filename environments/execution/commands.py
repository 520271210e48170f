"""The commands provision, register, configure, release, run, stop and destroy, as objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, TypeAlias, TypedDict

from typing_extensions import Unpack

from environments.artifacts.bound import require_here
from environments.errors import CommandFailed, Stopped, Unrecorded, UnsupportedCommand
from environments.execution.attempt import Attempt
from environments.execution.buffering import BufferingSession
from environments.execution.interrupted import settle_unrecorded
from environments.execution.progress import Noticed
from environments.execution.runner import Runner
from environments.execution.runtime import Runtime
from environments.execution.stop import StopRequest
from environments.execution.unreleased import unreleased
from environments.lifecycle import Lifecycle, Subject
from environments.model.command_name import CommandName
from environments.model.operation import Operation, OperationStatus
from environments.model.states import (
    AnyState,
    Configured,
    ConfigureFailed,
    Created,
    Destroyed,
    Provisioned,
    ProvisionFailed,
    Released,
    ReleaseFailed,
    RunFailed,
    Running,
)
from environments.ports import provider_of
from environments.system.clock import SYSTEM_CLOCK
from environments.system.survivors import end_survivors
from statechart.following.cancellation import in_thread

if TYPE_CHECKING:
    from environments.execution.progress import Observer
    from environments.execution.runtime import OpenEnvironment
    from environments.model.environment import AnyEnvironment, Environment
    from environments.ports import Clock, EnvironmentRepository, Provider, Session
    from statechart.chart import Event

# The states in which each command may start, for type checkers: the chart says the same at run time.
ProvisionSource: TypeAlias = (
    Created
    | ProvisionFailed
    | Provisioned
    | ConfigureFailed
    | Configured
    | ReleaseFailed
    | Released
    | Running
    | RunFailed
)
RegisterSource: TypeAlias = Created
ConfigureSource: TypeAlias = (
    Provisioned | ConfigureFailed | Configured | ReleaseFailed | Released | Running | RunFailed
)
ReleaseSource: TypeAlias = Configured | ReleaseFailed | Released | Running | RunFailed
RunSource: TypeAlias = Released | RunFailed | Running
StopSource: TypeAlias = Running | RunFailed
DestroySource: TypeAlias = AnyState


def require_supported(
    environment: AnyEnvironment, command: CommandName, provider: Provider | None = None
) -> None:
    """Check that an environment's provider supports a command.

    Raises:
        UnsupportedCommand: The provider does not.
    """
    known = provider or provider_of(environment)
    if not known.supports(command):
        raise UnsupportedCommand(environment.name, command, environment.spec.provider.kind)


class CommandOptions(TypedDict, total=False):
    """The options of every command."""

    clock: Clock | None
    observers: Sequence[Observer]
    lock_timeout: float
    stop: StopRequest | None
    from_start: bool
    allow_replace: bool


class Command:
    """The base of all commands.

    A command holds the environment's lock while it runs, and starts only if the lifecycle allows.

    Args:
        repository: Where the environment is recorded.
        provider: Does the work instead of the provider in the environment's spec.
        clock: Tells the time.
        observers: Called with the progress, after it has been recorded.
        lock_timeout: How many seconds to wait for another holder of the environment.
        stop: Asks the command to stop after the current step.
        from_start: Repeat the steps that an earlier failed attempt had finished.
        allow_replace: Let provision replace or remove the host, with all that is on it.
    """

    name: ClassVar[CommandName]
    begin: ClassVar[Event | None]
    finish: ClassVar[Event]
    achieves: ClassVar[type[AnyState]]

    def __init__(
        self,
        repository: EnvironmentRepository,
        provider: Provider | None = None,
        *,
        clock: Clock | None = None,
        observers: Sequence[Observer] = (),
        lock_timeout: float = 0.0,
        stop: StopRequest | None = None,
        from_start: bool = False,
        allow_replace: bool = False,
    ) -> None:
        self._runtime = Runtime(
            repository,
            provider,
            clock or SYSTEM_CLOCK,
            tuple(observers),
            lock_timeout,
            stop or StopRequest(),
        )
        self._from_start = from_start
        self._allow_replace = allow_replace

    async def attempt(self, target: AnyEnvironment | str) -> AnyEnvironment:
        """Run the command on an environment of any type; the lifecycle may refuse the state.

        `execute` does the same, and is typed.
        """
        # Destroy has to work whatever happened before, so it takes over from interrupted commands.
        settled = self.name is not CommandName.DESTROY
        async with self._runtime.open(target, self.name, settled=settled, wrap=self._wrap) as held:
            require_here(self._runtime.repository, held.environment, held.provider)
            if not settled:
                await self._take_over(held.session)
            environment = held.environment
            Lifecycle.bound(Subject.of(environment)).require(self.begin or self.finish)
            provider = await self._runtime.provider_for(environment, self.name)
            require_supported(environment, self.name, provider)
            if self._runtime.stop.reason is not None:  # a failed first step would lose the state
                raise Stopped(environment, self.name, self._runtime.stop.reason)
            await self._compare(held)
            runner = Runner(self._runtime, held.session, self.name, self._allow_replace)
            attempt = Attempt(self.name, self.begin, self.finish, runner, held.holder)
            steps = provider.steps(self.name, environment)
            if self.name is CommandName.STOP and not steps:  # of a provider that is older than stop
                raise UnsupportedCommand(environment.name, self.name, environment.spec.provider.kind)
            return await attempt.run(steps, self._resumed(environment))

    def _wrap(self, session: Session) -> Session:
        return session

    async def _compare(self, held: OpenEnvironment) -> None:
        """Tell the observers what differs between the declaration and that which the command uses."""

    async def _take_over(self, session: Session) -> None:
        """End the processes that an interrupted command has left behind."""
        settle_unrecorded(session, self._runtime.clock)
        operation = session.environment.operation
        if operation is not None and operation.is_active:
            for ended in await end_survivors(operation):
                self._notice(
                    f"ended {ended}, which the interrupted {operation.command} had started", session
                )

    def _notice(self, message: str, session: Session) -> None:
        self._runtime.tell(Noticed(name=session.environment.name, command=self.name, message=message))

    def _resumed(self, environment: AnyEnvironment) -> Operation | None:
        operation = environment.operation
        if operation is None or operation.command is not self.name or self._from_start:
            return None
        # An active operation is an interrupted destroy: how far its steps came is not settled.
        return operation if operation.status is not OperationStatus.ACTIVE else None


class ProvisionCommand(Command):
    """Create the resources of an environment, or change them in place."""

    name = CommandName.PROVISION
    begin: ClassVar[Event | None] = Lifecycle.provision
    finish: ClassVar[Event] = Lifecycle.complete
    achieves: ClassVar[type[AnyState]] = Provisioned

    async def execute(self, environment: Environment[ProvisionSource] | str) -> Environment[Provisioned]:
        """Provision the environment.

        Raises:
            InvalidTransition: The lifecycle does not allow the command in this state.
            CommandFailed: A step failed.
            Stopped: A stop was requested before the command; nothing was done.
            OperationInterrupted: An earlier command died in the middle of its work.
            StorageError: The environment does not exist, is locked, has changed, or is damaged.
        """
        return (await self.attempt(environment)).expect(Provisioned)


class RegisterCommand(Command):
    """Adopt an existing host after checks that the host is usable."""

    name = CommandName.REGISTER
    begin: ClassVar[Event | None] = None
    finish: ClassVar[Event] = Lifecycle.register
    achieves: ClassVar[type[AnyState]] = Provisioned

    async def execute(self, environment: Environment[RegisterSource] | str) -> Environment[Provisioned]:
        """Register the host that the environment's spec names.

        If a check fails, the environment stays `created`, and the failed operation is recorded.
        The exceptions are those of `ProvisionCommand.execute`.
        """
        return (await self.attempt(environment)).expect(Provisioned)


class ConfigureCommand(Command):
    """Configure the resources of an environment for its application; a running service keeps running."""

    name = CommandName.CONFIGURE
    begin: ClassVar[Event | None] = Lifecycle.configure
    finish: ClassVar[Event] = Lifecycle.complete
    achieves: ClassVar[type[AnyState]] = Configured

    async def execute(self, environment: Environment[ConfigureSource] | str) -> Environment[Configured]:
        """Configure the environment. The exceptions are those of `ProvisionCommand.execute`."""
        return (await self.attempt(environment)).expect(Configured)


class ReleaseCommand(Command):
    """Install a release of the application; a running service keeps running."""

    name = CommandName.RELEASE
    begin: ClassVar[Event | None] = Lifecycle.release
    finish: ClassVar[Event] = Lifecycle.complete
    achieves: ClassVar[type[AnyState]] = Released

    async def execute(self, environment: Environment[ReleaseSource] | str) -> Environment[Released]:
        """Release to the environment. The exceptions are those of `ProvisionCommand.execute`."""
        return (await self.attempt(environment)).expect(Released)


class RunCommand(Command):
    """Start or restart the installed release, and wait until the service is healthy."""

    name = CommandName.RUN
    begin: ClassVar[Event | None] = None
    finish: ClassVar[Event] = Lifecycle.run
    achieves: ClassVar[type[AnyState]] = Running

    async def execute(self, environment: Environment[RunSource] | str) -> Environment[Running]:
        """Run the environment. The exceptions are those of `ProvisionCommand.execute`."""
        return (await self.attempt(environment)).expect(Running)

    async def _compare(self, held: OpenEnvironment) -> None:
        environment = held.environment
        if isinstance(environment.state, Running):
            self._notice(f"{environment.name} is running: its service is restarted", held.session)
        # After a failure, people mend the source; another start of the same release would fail again.
        if isinstance(environment.state, RunFailed):
            changed = await in_thread(lambda: unreleased(environment, held.directory, held.provider))
            if changed is not None:
                self._notice(changed, held.session)


class StopCommand(Command):
    """Stop the service, and check that it is stopped; resources and releases stay."""

    name = CommandName.STOP
    begin: ClassVar[Event | None] = None
    finish: ClassVar[Event] = Lifecycle.stop
    achieves: ClassVar[type[AnyState]] = Released

    async def execute(self, environment: Environment[StopSource] | str) -> Environment[Released]:
        """Stop the service of the environment.

        If a step fails, the environment stays in its state, and the failed operation is recorded.
        The exceptions are those of `ProvisionCommand.execute`.
        """
        return (await self.attempt(environment)).expect(Released)


class DestroyCommand(Command):
    """Remove the resources of an environment, and check that they are gone. Allowed in every state.

    Args:
        keep_going_unrecorded: Go on when records can't be saved, for emergencies. Waiting records
            are saved as soon as possible.
        options: The options of every command.
    """

    name = CommandName.DESTROY
    begin: ClassVar[Event | None] = None
    finish: ClassVar[Event] = Lifecycle.destroy
    achieves: ClassVar[type[AnyState]] = Destroyed

    def __init__(
        self,
        repository: EnvironmentRepository,
        provider: Provider | None = None,
        *,
        keep_going_unrecorded: bool = False,
        **options: Unpack[CommandOptions],
    ) -> None:
        super().__init__(repository, provider, **options)
        self._keep_going = keep_going_unrecorded
        self._unsaved: BufferingSession | None = None

    async def execute(self, environment: AnyEnvironment | str) -> Environment[Destroyed]:
        """Destroy the environment, even after an interrupted command.

        The exceptions are those of `ProvisionCommand.execute` without OperationInterrupted.

        Raises:
            Unrecorded: Some records were never saved.
        """
        return (await self.attempt(environment)).expect(Destroyed)

    async def attempt(self, target: AnyEnvironment | str) -> AnyEnvironment:
        """Run the command on an environment of any type, like `execute`."""
        try:
            environment = await super().attempt(target)
        except CommandFailed as failed:
            self._refuse_unsaved(failed.environment, failed)
            raise
        self._refuse_unsaved(environment, None)
        return environment

    def _wrap(self, session: Session) -> Session:
        if not self._keep_going:
            return session
        self._unsaved = BufferingSession(session)
        return self._unsaved

    def _refuse_unsaved(self, environment: AnyEnvironment, failed: CommandFailed | None) -> None:
        if self._unsaved is not None and self._unsaved.unsaved:
            records = [record.model_dump_json() for record in self._unsaved.unsaved]
            raise Unrecorded(environment, records) from failed


COMMANDS: dict[CommandName, type[Command]] = {
    command.name: command
    for command in (
        ProvisionCommand,
        RegisterCommand,
        ConfigureCommand,
        ReleaseCommand,
        RunCommand,
        StopCommand,
        DestroyCommand,
    )
}
"""The command classes by name."""
