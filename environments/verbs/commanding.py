"""The methods of a workspace that run one command, or change the record."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from environments.artifacts.carried import checkable, considered, taken
from environments.artifacts.trees import APP
from environments.errors import InvalidConfiguration, NotDestroyed, NothingToRetry, Stopped
from environments.execution.commands import (
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
from environments.execution.progress import Noticed
from environments.execution.runtime import OpenEnvironment, name_of
from environments.execution.spec_changes import check_applicable, check_expiry, differences, usable
from environments.lifecycle import Lifecycle, Subject
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment, Environment
from environments.model.records import AmendedRecord, check_revision
from environments.model.states import Configured, Created, Destroyed, Provisioned, Released, Running
from environments.ports import poll_of
from environments.recovery.recover import Recovered, Recovery
from environments.recovery.settle import Decide, undecided
from environments.verbs.reading import Reading
from statechart.following.cancellation import in_thread
from statechart.following.patience import patiently

if TYPE_CHECKING:
    from environments.model.provider_kinds import ProviderSpec
    from environments.model.spec import EnvironmentSpec


class Commanding(Reading):
    """Creates environments, runs single commands on them, and removes them."""

    def create(self, spec: EnvironmentSpec) -> Environment[Created]:
        """Record a new environment, without creating any resources.

        Raises:
            InvalidConfiguration: The provider can't be used with this spec on this machine, or the time
                of expiry has passed.
            UnknownProvider: The provider could not be found again when the record is read.
            AlreadyExists: The name is taken.
        """
        return self._create(spec)

    def _create(self, spec: EnvironmentSpec, before: AnyEnvironment | None = None) -> Environment[Created]:
        """Record a new environment, perhaps with the copies of files of the environment before."""
        now = self._runtime.clock.now()
        check_expiry(spec, now, now)
        spec = usable(spec, self._checked(before))
        # Before anything is copied: a taken name would leave copies that no record names.
        is_taken = self._repository.exists(spec.name)
        artifacts = {} if is_taken else taken(self._repository, spec.provider, now, before=before)
        return self._repository.create(Environment.new(spec, now, artifacts))

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
        amended = await self.amend(handle, lambda _: spec)
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

    async def update(self, environment: AnyEnvironment | str, spec: EnvironmentSpec) -> AnyEnvironment:
        """Change the recorded spec, without a transition; later commands apply the change.

        A store of many machines gets new copies of the directories that the spec names.

        Raises:
            InvalidConfiguration: The spec can't be used on this machine, has another name, or a new time of
                expiry that has passed.
            ProvisionNeeded: No command can apply a changed field to resources that exist.
        """
        return await self.amend(environment, lambda _: spec, refresh=True)

    async def amend(
        self,
        environment: AnyEnvironment | str,
        change: Callable[[EnvironmentSpec], EnvironmentSpec],
        *,
        refresh: bool | Collection[str] = False,
    ) -> AnyEnvironment:
        """Change the recorded spec by a function of it, like `update`; nobody changes it in between.

        Args:
            environment: An environment or its name.
            change: Returns the new spec.
            refresh: Whether, or for which fields of the spec, a store of many machines gets new copies of
                directories that are on this machine. It always does where the spec names another directory.

        Raises:
            InvalidConfiguration: As for `update`.
            ProvisionNeeded: No command can apply a changed field to resources that exist.
        """
        async with self._runtime.open(environment, "update") as held:
            spec = self._amended(held.environment, change).spec
            return await self._record_spec(held, spec, _again(refresh))

    async def _record_spec(
        self, held: OpenEnvironment, spec: EnvironmentSpec, again: Callable[[str], bool]
    ) -> AnyEnvironment:
        """Record a spec and the copies of its files, if either differs."""
        on_record, now = held.environment, self._runtime.clock.now()
        artifacts = await in_thread(
            lambda: taken(self._repository, spec.provider, now, before=on_record, again=again)
        )
        fields = (
            *differences(on_record.spec.model_dump(), spec.model_dump()),
            *differences(dict(on_record.artifacts), dict(artifacts), "artifacts."),
        )
        if fields:
            amended = on_record.with_spec(spec, at=now, artifacts=artifacts)
            held.session.commit(AmendedRecord(fields=fields, environment=amended))
        return held.environment

    async def recover(
        self, environment: AnyEnvironment | str, *, decide: Decide | None = None, dry_run: bool = False
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
        repository, timeout = self._repository, self._runtime.lock_timeout
        await patiently(lambda: repository.delete(on_record), timeout, poll=poll_of(repository))

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

    def _checked(self, before: AnyEnvironment | None) -> Callable[[ProviderSpec], ProviderSpec]:
        """Return a function that gives a spec the copies of an environment for files that are not here."""
        if before is None:
            return lambda provider: provider
        return partial(checkable, self._repository, before)

    def _amended(
        self,
        on_record: AnyEnvironment,
        change: Callable[[EnvironmentSpec], EnvironmentSpec] | None,
        *,
        refresh: bool = False,
    ) -> AnyEnvironment:
        """Return an environment with a changed spec, after checking that the spec can be recorded."""
        if change is None:
            return on_record
        spec = change(on_record.spec)
        _check_named(spec, on_record.name)
        spec = usable(spec, self._checked(on_record))
        check_applicable(on_record, spec)
        if spec.expires != on_record.spec.expires:
            check_expiry(spec, on_record.created_at, self._runtime.clock.now())
        artifacts = considered(self._repository, on_record, spec.provider, again=_again(refresh))
        return on_record.model_copy(update={"spec": spec, "artifacts": artifacts})

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
            # On the machine that has the application, a release is of the files as they are now.
            return await self._with_app(on_record) if self._runtime.refreshes else None
        chosen = provider.for_release(
            app=None if app is None else Path(app), release=outputs.rollback if previous else None
        )
        spec = on_record.spec.model_copy(update={"provider": chosen})
        refreshes = app is not None or (self._runtime.refreshes and not previous)
        return await self.amend(on_record, lambda _: spec, refresh=(APP,) if refreshes else ())

    async def _with_app(self, on_record: AnyEnvironment) -> AnyEnvironment | None:
        """Record the application as it is on this machine, if a copy is recorded."""
        if not on_record.artifacts:
            return None
        async with self._runtime.open(on_record, "update") as held:
            return await self._record_spec(held, on_record.spec, _again((APP,)))


def _again(refresh: bool | Collection[str]) -> Callable[[str], bool]:
    return lambda field: refresh if isinstance(refresh, bool) else field in refresh


def _check_named(spec: EnvironmentSpec, name: str) -> None:
    if spec.name != name:
        raise InvalidConfiguration("the new spec", [f"its name is {spec.name!r}, not {name!r}"])
