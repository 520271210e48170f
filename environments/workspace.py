"""The embedding API: all commands on the environments of a data directory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from copy import copy
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from environments.chain import Chain
from environments.checks.drift import Detection, Drift
from environments.convergence.converge import Convergence, Planned, carry_out
from environments.convergence.deployment import deployment, left_out, require_deployable
from environments.convergence.plan import Plan, PlannedCommand, make_plan
from environments.errors import (
    InvalidConfiguration,
    InvalidSelection,
    NotDestroyed,
    NothingToRetry,
    NotReached,
    ResourcesGone,
    Stopped,
)
from environments.events.cursor import Cursor
from environments.events.follow import TOLD, Event, Follower, follow as follow_events
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
    StopCommand,
    StopSource,
    require_supported,
)
from environments.execution.plan import plan as forward_plan
from environments.execution.progress import Noticed
from environments.execution.runtime import Runtime, name_of
from environments.execution.sessions import patiently
from environments.execution.spec_changes import (
    check_applicable,
    check_expiry,
    differences,
    usable,
)
from environments.execution.stop import StopRequest
from environments.following.arrival import arrival
from environments.following.attendance import attendance
from environments.lifecycle import Lifecycle, Subject
from environments.many import Crew, Outcome
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment, Environment
from environments.model.errors import UnreadableSummary
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
from environments.selection import Selection, several
from environments.storage.file import FileRepository
from environments.system.cancellation import in_thread
from environments.system.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from environments.execution.progress import Observer
    from environments.model.provider_kinds import ProviderSpec
    from environments.model.records import HistoryEntry
    from environments.model.spec import EnvironmentSpec
    from environments.model.summary import Summary
    from environments.ports import Clock, EnvironmentRepository
    from statechart.holder import Holder

ResultT = TypeVar("ResultT")
StateT = TypeVar("StateT", bound=AnyState)
TargetT = TypeVar("TargetT", bound=AnyState)
CommandT = TypeVar("CommandT", bound=Command)


class Workspace:
    """The environments of a data directory, with all commands.

    Every method takes an environment or its name. A name is loaded under the lock; an environment
    that has changed since raises Conflict before the first step. Reads are synchronous and take no
    lock.

    Args:
        data_dir: The directory of the environments, made on the first `create`.
        providers: Classes of providers that are neither installed nor registered, for this workspace.
        repository: A storage instead of files in `data_dir`; it knows its own `providers`.
        clock: Tells the time.
        observers: Called with the progress of every command.
        lock_timeout: How many seconds to wait for another holder of an environment.
        stop: Asks the running command to stop after the current step.
        allow_network_filesystem: Accept a `data_dir` where locks don't exclude other machines.

    Raises:
        TypeError: A provider has no default for its `kind`, or `repository` is given as well.
    """

    def __init__(
        self,
        data_dir: str | Path = "data",
        *,
        providers: Iterable[type[ProviderSpec]] = (),
        repository: EnvironmentRepository | None = None,
        clock: Clock | None = None,
        observers: Sequence[Observer] = (),
        lock_timeout: float = 0.0,
        stop: StopRequest | None = None,
        allow_network_filesystem: bool = False,
    ) -> None:
        providers = tuple(providers)
        if repository is not None and providers:
            raise TypeError("give the providers to the repository: FileRepository(data_dir, providers=[…])")
        self._repository = repository or FileRepository(
            data_dir, allow_network_filesystem=allow_network_filesystem, providers=providers
        )
        self._runtime = Runtime(
            self._repository,
            clock=clock or SYSTEM_CLOCK,
            observers=tuple(observers),
            lock_timeout=lock_timeout,
            stop=stop or StopRequest(),
        )

    def create(self, spec: EnvironmentSpec) -> Environment[Created]:
        """Record a new environment, without creating any resources.

        Raises:
            InvalidConfiguration: The provider can't be used with this spec on this machine, or the time
                of expiry has passed.
            UnknownProvider: The provider could not be found again when the record is read.
            AlreadyExists: The name is taken.
        """
        now = self._runtime.clock.now()
        check_expiry(spec, now, now)
        return self._repository.create(Environment.new(usable(spec), now))

    async def provision(
        self,
        environment: Environment[ProvisionSource] | str,
        *,
        from_start: bool = False,
        allow_replace: bool = False,
    ) -> Environment[Provisioned]:
        """Create the environment's resources, or change them in place.

        A change that would replace or remove the host fails before anything is applied, unless
        `allow_replace` is given.
        """
        command = self._command(ProvisionCommand, from_start=from_start, allow_replace=allow_replace)
        return await command.execute(environment)

    async def register(
        self,
        environment: Environment[RegisterSource] | str,
        *,
        address: str | None = None,
        from_start: bool = False,
    ) -> Environment[Provisioned]:
        """Adopt an existing host, by default the host in the spec, after checks that it is usable.

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
        # Given a name, `update` refuses the record if it has changed since it was read above.
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
        """Install a release: of the spec's app, of another app, or the previous release again.

        Raises:
            InvalidConfiguration: There is no such app, or no previous release.
        """
        command = self._command(ReleaseCommand, from_start=from_start)
        on_record = await self._settled(environment, "release")
        Lifecycle.bound(Subject.of(on_record)).require(Lifecycle.release)
        # Given a name, `update` refuses the record if it has changed since it was read above.
        chosen = await self._choose_release(on_record, app, previous=previous)
        return (await command.attempt(environment if chosen is None else chosen)).expect(Released)

    async def run(
        self, environment: Environment[RunSource] | str, *, from_start: bool = False
    ) -> Environment[Running]:
        """Start or restart the installed release, and wait until the service is healthy."""
        return await self._command(RunCommand, from_start=from_start).execute(environment)

    async def restart(
        self, environment: Environment[RunSource] | str, *, from_start: bool = False
    ) -> Environment[Running]:
        """Restart the service of the installed release, or start it if it does not run."""
        on_record = await self._settled(environment, "restart")
        if not isinstance(on_record.state, Running):
            message = f"{on_record.name} is {on_record.state.name}, so its service is started"
            self._runtime.tell(Noticed(name=on_record.name, command=CommandName.RUN, message=message))
        return await self.run(environment, from_start=from_start)

    async def deploy(
        self, environment: AnyEnvironment | str, *, app: str | Path | None = None, previous: bool = False
    ) -> Environment[Running]:
        """Release and run the app, with configure before that if its inputs differ.

        Args:
            environment: An environment or its name.
            app: Another directory of the application, which is recorded in the spec.
            previous: Deploy the release that was healthy before the installed release.

        Raises:
            NotProvisioned: There is nothing to deploy to.
            InvalidConfiguration: There is no such app, or no previous release.
            Stopped: A stop was requested between two commands.
        """
        on_record = await self._settled(environment, "deploy")
        require_deployable(on_record)
        chosen = await self._choose_release(on_record, app, previous=previous) or on_record
        handle = environment if isinstance(environment, str) else chosen
        planned = self._plan_deployment
        deployed = await carry_out(self._runtime, self._execute, planned, handle, declared=chosen)
        return deployed.expect(Running)

    async def _plan_deployment(self, environment: AnyEnvironment | str) -> Planned:
        on_record = await self._settled(environment, "deploy")
        require_deployable(on_record)
        detection = Detection(self._runtime)
        differing = await in_thread(lambda: detection.declared(on_record))  # reads the application
        if message := left_out(on_record, differing):
            self._runtime.tell(Noticed(name=on_record.name, message=message))
        return deployment(on_record, differing), on_record

    async def stop(
        self, environment: Environment[StopSource] | str, *, from_start: bool = False
    ) -> Environment[Released]:
        """Stop the service, and check that it is stopped; resources and releases stay."""
        return await self._command(StopCommand, from_start=from_start).execute(environment)

    async def destroy(
        self,
        environment: AnyEnvironment | str,
        *,
        from_start: bool = False,
        keep_going_unrecorded: bool = False,
    ) -> Environment[Destroyed]:
        """Remove the environment's resources, and check that they are gone.

        With `keep_going_unrecorded`, for emergencies, destroy goes on when records can't be saved.

        Raises:
            Unrecorded: Some records were never saved.
        """
        options = self._options(from_start=from_start)
        command = DestroyCommand(self._repository, keep_going_unrecorded=keep_going_unrecorded, **options)
        return await command.execute(environment)

    async def retry(self, environment: AnyEnvironment | str, *, from_start: bool = False) -> AnyEnvironment:
        """Resume the failed command at the first step that is not known to be done.

        Raises:
            NothingToRetry: No command has failed.
        """
        on_record = await self._settled(environment, "retry")
        failure = on_record.failure
        if failure is None:
            raise NothingToRetry(on_record.name, on_record.state.name)
        return await self._execute(failure.command, environment, from_start=from_start)

    @overload
    def chain(self, environment: Environment[StateT]) -> Chain[StateT]: ...
    @overload
    def chain(self, environment: str) -> Chain[Any]: ...  # Any: only the chart knows, at run time
    def chain(self, environment: AnyEnvironment | str) -> Chain[Any]:
        """Begin a chain of commands, as in `await workspace.chain("demo").release().run()`.

        Nothing runs before the chain is awaited.
        """
        subject = None if isinstance(environment, str) else Subject.of(environment)
        return Chain(self._perform, self._runtime.stop, environment, subject=subject)

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
        """Bring the environment forward to a state, by the fewest commands; compares nothing.

        Raises:
            UnreachableTarget: No plan leads to the state.
            Stopped: A stop was requested between two commands.
        """

        async def planned(now: AnyEnvironment | str) -> Planned:
            on_record = await self._settled(now, "bring")
            return [PlannedCommand(each) for each in forward_plan(on_record, _target(to))], on_record

        return await carry_out(self._runtime, self._execute, planned, environment)

    @overload
    async def converge(
        self,
        environment: AnyEnvironment | str,
        *,
        to: type[TargetT],
        look: bool = True,
        deep: bool = False,
        recreate: bool = False,
        allow_replace: bool = False,
    ) -> Environment[TargetT]: ...
    @overload
    async def converge(
        self,
        environment: AnyEnvironment | str,
        *,
        to: EnvironmentState,
        look: bool = True,
        deep: bool = False,
        recreate: bool = False,
        allow_replace: bool = False,
    ) -> AnyEnvironment: ...
    @overload
    async def converge(
        self,
        environment: AnyEnvironment | str,
        *,
        look: bool = True,
        deep: bool = False,
        recreate: bool = False,
        allow_replace: bool = False,
    ) -> Environment[Running]: ...
    async def converge(
        self,
        environment: AnyEnvironment | str,
        *,
        to: type[Any] | EnvironmentState = Running,
        look: bool = True,
        deep: bool = False,
        recreate: bool = False,
        allow_replace: bool = False,
    ) -> Environment[Any]:  # Any: the overloads say which
        """Make the environment what is declared: look, compare, plan, and run the commands of the plan.

        Args:
            environment: An environment or its name.
            to: The state to reach.
            look: Look at the world; without, the declaration is only compared with the record.
            deep: Look with the provider's tools too, such as Terraform's plan.
            recreate: If the resources are gone, destroy the rest, and create the environment again.
            allow_replace: Let provision replace or remove the host, with all that is on it.

        Raises:
            UnreachableTarget: The state lies behind the present one, or no plan leads to it.
            ResourcesGone: The resources are gone, and `recreate` is not given.
            HostOutOfReach: The host can't be worked on.
            InvalidConfiguration: The declaration can't be applied on this machine.
            Stopped: A stop was requested between two commands.
        """
        target = _target(to)
        convergence = self._convergence(look=look, deep=deep, allow_replace=allow_replace)
        try:
            # Destroyed perhaps by an earlier attempt, which was ended before it could create again.
            if not (recreate and isinstance(self.load(name_of(environment)).state, Destroyed)):
                return await convergence.run(environment, target)
        except ResourcesGone:
            if not recreate:
                raise
        return await convergence.run(await self._recreated(name_of(environment)), target)

    async def preview(
        self,
        environment: AnyEnvironment | str,
        *,
        to: type[AnyState] | EnvironmentState = Running,
        change: Callable[[EnvironmentSpec], EnvironmentSpec] | None = None,
        look: bool = True,
        deep: bool = False,
    ) -> Plan:
        """Return the plan that `converge` would carry out, and change nothing.

        Args:
            environment: An environment or its name.
            to: The state to reach.
            change: Plan as if the spec were changed by this function, like `amend` does.
            look: Look at the world.
            deep: Look with the provider's tools too.

        Raises:
            Locked: A command is under way.
            UnreachableTarget: No plan leads to the state.
            ProvisionNeeded: No command can apply the change to resources that exist.
        """
        convergence = self._convergence(look=look, deep=deep)
        return await convergence.preview(
            name_of(environment), _target(to), lambda on_record: self._amended(on_record, change)
        )

    async def update(self, environment: AnyEnvironment | str, spec: EnvironmentSpec) -> AnyEnvironment:
        """Change the recorded spec, without a transition; later commands apply the change.

        Raises:
            InvalidConfiguration: The spec can't be used on this machine, has another name, or a new time of
                expiry that has passed.
            ProvisionNeeded: No command can apply a changed field to resources that exist.
        """
        return await self.amend(environment, lambda _: spec)

    async def amend(
        self, environment: AnyEnvironment | str, change: Callable[[EnvironmentSpec], EnvironmentSpec]
    ) -> AnyEnvironment:
        """Change the recorded spec by a function of it, like `update`; nobody changes it in between.

        Raises:
            InvalidConfiguration: As for `update`.
            ProvisionNeeded: No command can apply a changed field to resources that exist.
        """
        async with self._runtime.open(environment, "update") as held:
            on_record = held.environment
            spec = self._amended(on_record, change).spec
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
        """Recover an interrupted command: probe its steps and record the outcome.

        Without an interrupted command, the environment is returned unchanged.

        Args:
            environment: An environment or its name.
            decide: Called for a step whose probe can't tell whether the step was done.
            dry_run: Probe, and change nothing.

        Raises:
            StepInDoubt: A step's probe can't tell whether the step was done, nor does `decide`.
        """
        recovery = Recovery(self._runtime, decide or undecided)
        return await recovery.run(name_of(environment), dry_run=dry_run)

    async def drift(
        self, environment: AnyEnvironment | str, *, apply: bool = False, deep: bool = True
    ) -> Drift:
        """Compare the record with its declaration and with the world, which is never changed.

        With `apply`, a difference that refutes the recorded state is recorded by its event. Without
        `deep`, the provider's tools are not used, so that less is seen.

        Raises:
            Locked: A command is under way.
            OperationInterrupted: A command died in the middle of its work.
            UnexpectedState: The teardown has begun, so only destroy may follow.
            StepFailed: The provider can't observe the environment.
        """
        detection, name = Detection(self._runtime, deep=deep), name_of(environment)
        return await (detection.apply(name) if apply else detection.find(name))

    @overload
    async def wait(
        self,
        environment: AnyEnvironment | str,
        *states: type[AnyState] | EnvironmentState,
        timeout: float | None = None,
    ) -> AnyEnvironment: ...
    @overload
    async def wait(
        self,
        environment: AnyEnvironment | str,
        *states: type[AnyState] | EnvironmentState,
        gone: bool,
        timeout: float | None = None,
    ) -> AnyEnvironment | None: ...
    async def wait(
        self,
        environment: AnyEnvironment | str,
        *states: type[AnyState] | EnvironmentState,
        gone: bool = False,
        timeout: float | None = None,
    ) -> AnyEnvironment | None:
        """Wait until an environment is in any of some states. Takes no lock.

        A state that is entered and left again at once counts as well. `gone` waits for the purge, too.
        Observers are told the state at first, and each other state that is seen.

        Args:
            environment: An environment or its name.
            states: The states.
            gone: Whether to return None once the environment is purged.
            timeout: How many seconds to wait.

        Raises:
            StateUnreachable: The chart does not lead to the states any more.
            CommandFailed: A command failed in the meantime.
            OperationInterrupted: The process of a command died.
            NotReached: Time is up.
            ValueError: There is no state to wait for.
        """
        if not states and not gone:
            raise ValueError("name a state to wait for, or gone=True")
        name, wanted = name_of(environment), [_target(state) for state in states]
        try:
            async with asyncio.timeout(timeout):
                return await arrival(self._repository, name, wanted, gone=gone, tell=self._runtime.tell)
        except TimeoutError as error:
            condition = self.load(name).condition
            listed = [*wanted, *(["gone"] if gone else [])]
            raise NotReached(name, condition=condition, wanted=listed, seconds=timeout or 0) from error

    async def watch(self, environment: AnyEnvironment | str) -> AnyEnvironment | None:
        """Tell the observers the progress of a command that another process runs, until it ends.

        Takes no lock. Commands that the process runs next are followed as well.

        Returns:
            The environment after the command, or None if no command is under way.

        Raises:
            CommandFailed: The command failed.
            OperationInterrupted: The process of the command died.
        """
        runtime = self._runtime
        return await attendance(self._repository, name_of(environment), runtime.tell, runtime.clock)

    async def purge(self, environment: AnyEnvironment | str) -> None:
        """Remove the record of a destroyed environment, and free the name.

        Raises:
            NotDestroyed: The resources may still exist.
        """
        on_record = self.load(name_of(environment))
        if not isinstance(environment, str):
            check_revision(environment, on_record)
        if not isinstance(on_record.state, Destroyed):
            raise NotDestroyed(on_record.name, on_record.state.name)
        await patiently(lambda: self._repository.delete(on_record), self._runtime.lock_timeout)

    async def remove(
        self, environment: AnyEnvironment | str, *, keep_going_unrecorded: bool = False
    ) -> Environment[Destroyed]:
        """Destroy an environment that is not yet destroyed, then purge its record.

        Interrupted in between, the environment is destroyed and its record is left; run it again.

        Raises:
            Stopped: A stop was requested before the purge.
        """
        on_record = self.load(name_of(environment))
        if not isinstance(on_record.state, Destroyed):
            on_record = await self.destroy(environment, keep_going_unrecorded=keep_going_unrecorded)
            environment = on_record
        if self._runtime.stop.reason is not None:
            raise Stopped(on_record, "purge", self._runtime.stop.reason)
        await self.purge(environment)
        return on_record.expect(Destroyed)

    def select(self, selection: Selection) -> list[Summary | UnreadableSummary]:
        """Return the summaries of the environments that a selection means, by name.

        Environments that can't be read are meant if nothing but names, or all, is selected.

        Raises:
            NothingMatches: A name or a glob matches no environment.
            UnknownLabel: No environment has a label of a condition.
        """
        known = list(self.summaries())
        selection.check_names(each.name for each in known)
        selection.check_labels(each.labels for each in known if not isinstance(each, UnreadableSummary))
        return [each for each in known if self._is_meant(selection, each)]

    def _is_meant(self, selection: Selection, each: Summary | UnreadableSummary) -> bool:
        if isinstance(each, UnreadableSummary):
            return selection.needs_no_reading and selection.matches_name(each.name)
        operation = each.stored_operation
        held = operation is not None and operation.is_active and self.holder(each.name) is not None
        return selection.picks(each, self._runtime.clock.now(), held=held)

    def many(
        self,
        chosen: Selection | Iterable[str] | str,
        work: Callable[[Workspace, str], Awaitable[ResultT]],
        *,
        parallel: int = 4,
    ) -> AsyncIterator[Outcome[ResultT]]:
        """Work on several environments at once, and yield the outcome of each when its work ends.

        An error in one does not stop the others. A stop request starts no more work: commands under
        way stop after their step, and the rest ends with `NotStarted`. A cancellation ends the
        commands under way, and is raised after their outcomes. To leave the iteration early and wait
        for the work under way to end, use `contextlib.aclosing`.

        Args:
            chosen: A name, several names, or a selection.
            work: A method such as `Workspace.destroy`, or a function of a workspace and a name.
            parallel: The number of environments that are worked on at the same time.

        Raises:
            NotFound: A name does not exist; nothing was started.
            NothingMatches: A pattern of the selection matches no environment.
            InvalidSelection: The selection has no condition; for all environments, say `all=True`.
            ValueError: `parallel` is less than 1.
        """
        if parallel < 1:
            raise ValueError(f"parallel is {parallel}, and has to be at least 1")
        if isinstance(chosen, Selection):
            if chosen.is_empty:  # such as by an empty list of names, which must not mean all
                raise InvalidSelection("the selection has no condition; for all environments, say all=True")
            names = tuple(each.name for each in self.select(chosen))
        else:
            names = tuple(dict.fromkeys(several(chosen)))
            known = set(self.names())
            for name in names:
                if name not in known:
                    self.load(name)  # raises the error of its name
        opened = copy(self)
        crew = Crew(lambda name: work(opened, name), parallel, self._runtime.stop)
        observers = (*self._runtime.observers, crew.observe)
        opened._runtime = replace(self._runtime, observers=observers)
        return crew.outcomes(names)

    def plan(
        self,
        environment: AnyEnvironment | str,
        *,
        to: type[AnyState] | EnvironmentState = Running,
        change: Callable[[EnvironmentSpec], EnvironmentSpec] | None = None,
    ) -> Plan:
        """Return the commands that are needed to reach a state as declared, without looking at the world.

        `preview` looks too. With a change, the plan is as if `amend` had changed the spec.

        Raises:
            Locked: A command is under way.
            UnreachableTarget: No plan leads to the state.
        """
        on_record = self._runtime.at_rest(name_of(environment))
        considered = self._amended(on_record, change)
        return make_plan(Drift(considered, Detection(self._runtime).declared(considered)), _target(to))

    def load(self, name: str) -> AnyEnvironment:
        """Return the environment as recorded.

        Raises:
            UnknownProvider: Its provider is not installed.
        """
        return self._repository.load(name)

    def names(self) -> list[str]:
        """Return the names of all environments, sorted."""
        return self._repository.names()

    def summaries(self) -> Iterator[Summary | UnreadableSummary]:
        """Yield a summary of each environment, by name, including those that can't be read."""
        return self._repository.summaries()

    def exists(self, name: str) -> bool:
        """Return whether a name is taken."""
        return self._repository.exists(name)

    def history(self, name: str) -> list[HistoryEntry]:
        """Return all records of an environment, oldest first, even if its provider is not installed."""
        return self._repository.history(name)

    async def events(
        self,
        names: Iterable[str] | str = (),
        *,
        since: Cursor | datetime | str | None = None,
        follow: bool = False,
        all_records: bool = False,
    ) -> AsyncGenerator[Event | UnreadableSummary, None]:
        """Yield the transitions of all environments: in order in each, and by time among them.

        Each event carries a cursor. Given to a later call, it goes on behind this event: nothing is
        told twice or left out, also across purges, new environments and new histories. An environment
        that can't be read is yielded once as an `UnreadableSummary`, and the others go on. To leave
        the iteration early, use `contextlib.aclosing`.

        Args:
            names: Names and globs of the environments; by default all, also those created later.
            since: A cursor or its text, or a time with its zone; by default all that happened.
            follow: Go on with the events that happen, until the iteration is left.
            all_records: Yield operations, changes of the spec and steps, too.

        Raises:
            InvalidCursor: The text is not a cursor.
            ValueError: The time has no time zone.
            NothingMatches: A pattern matches no name, and new names are not followed.
            StorageError: The environments can't be listed.
        """
        if isinstance(since, datetime) and since.tzinfo is None:
            raise ValueError(
                f"since has no time zone: {since.isoformat()}; write datetime.now(UTC), for example"
            )
        selection = Selection(several(names))
        if not follow:
            selection.check_names(self.names())
        cursor = Cursor.read(since) if isinstance(since, str) else since
        follower = Follower(
            self._repository,
            wanted=selection.matches_name,
            types=None if all_records else TOLD,
            since=cursor if isinstance(cursor, datetime) else None,
            positions=dict(cursor.positions) if isinstance(cursor, Cursor) else {},
        )
        async with aclosing(follow_events(follower, forever=follow)) as events:
            async for event in events:
                yield event

    def cursor(self) -> Cursor:
        """Return the cursor behind all that has happened, to be told later what happens from now on."""
        follower = Follower(self._repository, types=())
        deque(follower.look(), maxlen=0)
        follower.close()
        return follower.cursor

    def holder(self, name: str) -> Holder | None:
        """Return the current holder of an environment, or None."""
        return self._repository.holder(name)

    def directory(self, name: str) -> Path:
        """Return the directory with the environment's files."""
        return self._repository.directory(name)

    async def _perform(
        self, command: CommandName | None, environment: AnyEnvironment | str, **options: object
    ) -> AnyEnvironment:
        if command is None:
            return self.load(environment) if isinstance(environment, str) else environment
        performed: AnyEnvironment = await getattr(self, command)(environment, **options)
        return performed

    def _convergence(self, *, look: bool, deep: bool, allow_replace: bool = False) -> Convergence:
        execute = partial(self._execute, allow_replace=allow_replace)
        return Convergence(self._runtime, execute, Detection(self._runtime, look=look, deep=deep))

    def _amended(
        self, on_record: AnyEnvironment, change: Callable[[EnvironmentSpec], EnvironmentSpec] | None
    ) -> AnyEnvironment:
        """Return an environment with a changed spec, after checking that the spec can be recorded."""
        if change is None:
            return on_record
        spec = change(on_record.spec)
        _check_named(spec, on_record.name)
        spec = usable(spec)
        check_applicable(on_record, spec)
        if spec.expires != on_record.spec.expires:
            check_expiry(spec, on_record.created_at, self._runtime.clock.now())
        return on_record.model_copy(update={"spec": spec})

    async def _recreated(self, name: str) -> Environment[Created]:
        """Destroy an environment whose resources are half gone, and create it again as declared."""
        on_record = self.load(name)
        provider = on_record.spec.provider
        if (pinned := getattr(provider, "pinned_release", None)) is not None:  # gone with the rest
            message = (
                f"release {pinned}, which was chosen, is gone: the application is released as it is now"
            )
            self._runtime.tell(Noticed(name=name, message=message))
            provider = provider.for_release()
        # Nothing is destroyed that could not be created again.
        spec = usable(on_record.spec.model_copy(update={"provider": provider}))
        is_destroyed = isinstance(on_record.state, Destroyed)
        await self.purge(on_record if is_destroyed else await self.destroy(name))
        return self.create(spec)

    async def _settled(self, environment: AnyEnvironment | str, purpose: str) -> AnyEnvironment:
        """Return the recorded environment, after waiting for a command under way."""
        async with self._runtime.open(environment, purpose) as held:
            return held.environment

    def _command(
        self, kind: type[CommandT], *, from_start: bool = False, allow_replace: bool = False
    ) -> CommandT:
        options = self._options(from_start=from_start, allow_replace=allow_replace)
        return kind(self._repository, **options)

    def _options(self, *, from_start: bool = False, allow_replace: bool = False) -> CommandOptions:
        runtime = self._runtime
        return CommandOptions(
            clock=runtime.clock,
            observers=runtime.observers,
            lock_timeout=runtime.lock_timeout,
            stop=runtime.stop,
            from_start=from_start,
            allow_replace=allow_replace,
        )

    async def _execute(
        self,
        name: CommandName,
        environment: AnyEnvironment | str,
        *,
        from_start: bool = False,
        allow_replace: bool = False,
    ) -> AnyEnvironment:
        command = self._command(COMMANDS[name], from_start=from_start, allow_replace=allow_replace)
        return await command.attempt(environment)

    async def _choose_release(
        self, on_record: AnyEnvironment, app: str | Path | None, *, previous: bool
    ) -> AnyEnvironment | None:
        """Record the requested release in the spec; return None if the spec is right already."""
        if previous and app is not None:
            raise InvalidConfiguration("release", ["choose either another app or the previous release"])
        provider, outputs = on_record.spec.provider, on_record.outputs
        pinned = getattr(provider, "pinned_release", None)
        # A rollback that failed on its way is repeated, and not rolled back.
        if previous and pinned is not None and pinned == outputs.release != outputs.serving:
            return None
        if previous and outputs.rollback is None:
            raise InvalidConfiguration("release", [f"{on_record.name!r} has no previous release"])
        if app is None and not previous and pinned is None:
            return None
        chosen = provider.for_release(
            app=None if app is None else Path(app), release=outputs.rollback if previous else None
        )
        spec = on_record.spec.model_copy(update={"provider": chosen})
        return await self.update(on_record, spec)


def _target(to: type[AnyState] | EnvironmentState) -> EnvironmentState:
    # Callers without a type checker give the name of a state, as on the command line.
    return EnvironmentState(to) if isinstance(to, str) else state_of(to)


def _check_named(spec: EnvironmentSpec, name: str) -> None:
    if spec.name != name:
        raise InvalidConfiguration("the new spec", [f"its name is {spec.name!r}, not {name!r}"])
