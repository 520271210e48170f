"""Commands: provision, register, configure, release, run and destroy, as objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, TypeAlias, TypedDict

from typing_extensions import Unpack

from environments.errors import CommandFailed, Unrecorded, UnsupportedCommand
from environments.execution.attempt import Attempt
from environments.execution.buffering import BufferingSession
from environments.execution.interrupted import settle_unrecorded
from environments.execution.progress import Noticed
from environments.execution.runner import Runner
from environments.execution.runtime import Runtime
from environments.execution.stop import StopRequest
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

if TYPE_CHECKING:
    from environments.execution.progress import Observer
    from environments.model.environment import AnyEnvironment, Environment
    from environments.ports import Clock, EnvironmentRepository, Provider, Session
    from statechart.chart import Event

ProvisionSource: TypeAlias = Created | ProvisionFailed
RegisterSource: TypeAlias = Created
ConfigureSource: TypeAlias = Provisioned | ConfigureFailed
ReleaseSource: TypeAlias = Configured | ReleaseFailed | Released | Running | RunFailed
RunSource: TypeAlias = Released | RunFailed
DestroySource: TypeAlias = AnyState


def require_supported(
    environment: AnyEnvironment, command: CommandName, provider: Provider | None = None
) -> None:
    """Make sure that an environment's provider knows a command.

    Raises:
        UnsupportedCommand: It does not.
    """
    known = provider or provider_of(environment)
    if not known.supports(command):
        raise UnsupportedCommand(environment.name, command, environment.spec.provider.kind)


class CommandOptions(TypedDict, total=False):
    """The options that every command takes."""

    clock: Clock | None
    observers: Sequence[Observer]
    lock_timeout: float
    stop: StopRequest | None
    from_start: bool


class Command:
    """What all commands share: the lock for the whole run, the chart's word, and the attempt.

    Args:
        repository: Where the environment is on record.
        provider: What does the work; by default the one in the environment's spec.
        clock: Tells the time.
        observers: Told of the progress, after it is on record.
        lock_timeout: How many seconds to wait for another holder of the environment.
        stop: Asks the command to stop after the step in hand.
        from_start: Repeat steps that an earlier failed attempt had done.
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

    async def attempt(self, target: AnyEnvironment | str) -> AnyEnvironment:
        """Run the command on an environment of any state; the chart refuses it where it must.

        `execute` is the same, typed.
        """
        settled = self.name is not CommandName.DESTROY
        async with self._runtime.open(target, self.name, settled=settled, wrap=self._wrap) as held:
            if not settled:
                await self._take_over(held.session)
            environment = held.environment
            Lifecycle.bound(Subject.of(environment)).require(self.begin or self.finish)
            require_supported(environment, self.name, held.provider)
            runner = Runner(self._runtime, held.session, self.name)
            attempt = Attempt(self.name, self.begin, self.finish, runner, held.holder)
            steps = held.provider.steps(self.name, environment)
            return await attempt.run(steps, self._resumed(environment))

    def _wrap(self, session: Session) -> Session:
        return session

    async def _take_over(self, session: Session) -> None:
        """End the processes that an interrupted command has left behind."""
        settle_unrecorded(session, self._runtime.clock)
        operation = session.environment.operation
        if operation is not None and operation.is_active:
            for ended in await end_survivors(operation):
                message = f"ended {ended}, which the interrupted {operation.command} had started"
                told = Noticed(name=session.environment.name, command=self.name, message=message)
                self._runtime.tell(told)

    def _resumed(self, environment: AnyEnvironment) -> Operation | None:
        operation = environment.operation
        if operation is None or operation.command is not self.name or self._from_start:
            return None
        return operation if operation.status is not OperationStatus.ACTIVE else None


class ProvisionCommand(Command):
    """Makes the resources of an environment."""

    name = CommandName.PROVISION
    begin: ClassVar[Event | None] = Lifecycle.provision
    finish: ClassVar[Event] = Lifecycle.complete
    achieves: ClassVar[type[AnyState]] = Provisioned

    async def execute(self, environment: Environment[ProvisionSource] | str) -> Environment[Provisioned]:
        """Provision the environment.

        Raises:
            InvalidTransition: It is in a state from which this is not allowed.
            CommandFailed: A step failed.
            OperationInterrupted: An earlier command died in the middle.
            StorageError: It is not there, is locked, changed since it was read, or damaged.
        """
        return (await self.attempt(environment)).expect(Provisioned)


class RegisterCommand(Command):
    """Adopts a host that exists, instead of making one; it has to prove that it can be used."""

    name = CommandName.REGISTER
    begin: ClassVar[Event | None] = None
    finish: ClassVar[Event] = Lifecycle.register
    achieves: ClassVar[type[AnyState]] = Provisioned

    async def execute(self, environment: Environment[RegisterSource] | str) -> Environment[Provisioned]:
        """Register the host that the environment's spec names.

        When a check fails the environment stays created, with the failed operation on record.
        Raises what ProvisionCommand.execute raises.
        """
        return (await self.attempt(environment)).expect(Provisioned)


class ConfigureCommand(Command):
    """Configures the resources of an environment for its application."""

    name = CommandName.CONFIGURE
    begin: ClassVar[Event | None] = Lifecycle.configure
    finish: ClassVar[Event] = Lifecycle.complete
    achieves: ClassVar[type[AnyState]] = Configured

    async def execute(self, environment: Environment[ConfigureSource] | str) -> Environment[Configured]:
        """Configure the environment. Raises what ProvisionCommand.execute raises."""
        return (await self.attempt(environment)).expect(Configured)


class ReleaseCommand(Command):
    """Puts a release of the application in place; what runs goes on running."""

    name = CommandName.RELEASE
    begin: ClassVar[Event | None] = Lifecycle.release
    finish: ClassVar[Event] = Lifecycle.complete
    achieves: ClassVar[type[AnyState]] = Released

    async def execute(self, environment: Environment[ReleaseSource] | str) -> Environment[Released]:
        """Release to the environment. Raises what ProvisionCommand.execute raises."""
        return (await self.attempt(environment)).expect(Released)


class RunCommand(Command):
    """Starts the release in place, and sees it healthy."""

    name = CommandName.RUN
    begin: ClassVar[Event | None] = None
    finish: ClassVar[Event] = Lifecycle.run
    achieves: ClassVar[type[AnyState]] = Running

    async def execute(self, environment: Environment[RunSource] | str) -> Environment[Running]:
        """Run the environment. Raises what ProvisionCommand.execute raises."""
        return (await self.attempt(environment)).expect(Running)


class DestroyCommand(Command):
    """Takes the resources of an environment away, and sees them gone. Allowed from every state.

    Args:
        keep_going_unrecorded: Go on when records can't be saved, for an emergency: they wait, and
            are saved at the next chance.
        options: What every command takes.
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
        """Destroy the environment, even one whose last command was interrupted.

        Raises what ProvisionCommand.execute raises, but OperationInterrupted.

        Raises:
            Unrecorded: It went on without its record, and some of it was never saved.
        """
        return (await self.attempt(environment)).expect(Destroyed)

    async def attempt(self, target: AnyEnvironment | str) -> AnyEnvironment:
        """Run the command; raises what `execute` does."""
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
        DestroyCommand,
    )
}
"""The command objects by the name of the command."""
