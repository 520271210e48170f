"""The methods of a workspace that compare, plan, and run several commands."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from environments.checks.drift import Detection, Drift, remember
from environments.convergence.converge import Convergence, Planned, carry_out
from environments.convergence.deployment import deployment, left_out, require_deployable
from environments.convergence.plan import Plan, PlannedCommand, make_plan
from environments.errors import ResourcesGone
from environments.execution.plan import plan as forward_plan
from environments.execution.progress import Noticed
from environments.execution.runtime import name_of
from environments.execution.spec_changes import usable
from environments.model.environment import AnyEnvironment, Environment
from environments.model.states import AnyState, Created, Destroyed, EnvironmentState, Running
from environments.verbs.commanding import Commanding
from environments.verbs.moving import Moving
from environments.verbs.opened import target_of
from statechart.errors import StorageError
from statechart.following.cancellation import in_thread

if TYPE_CHECKING:
    from environments.model.spec import EnvironmentSpec

TargetT = TypeVar("TargetT", bound=AnyState)


class Converging(Commanding, Moving):
    """Makes environments what is declared."""

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
            return [PlannedCommand(each) for each in forward_plan(on_record, target_of(to))], on_record

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
            UnreachableTarget: The state lies behind the present state, or no plan leads to it.
            ResourcesGone: The resources are gone, and `recreate` is not given.
            HostOutOfReach: The host can't be worked on.
            InvalidConfiguration: The declaration can't be applied on this machine.
            Stopped: A stop was requested between two commands.
        """
        target = target_of(to)
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
        refresh: bool = False,
        look: bool = True,
        deep: bool = False,
    ) -> Plan:
        """Return the plan that `converge` would carry out, and change nothing.

        Args:
            environment: An environment or its name.
            to: The state to reach.
            change: Plan as if the spec were changed by this function, like `amend` does.
            refresh: Plan as if a store of many machines got new copies of the directories.
            look: Look at the world.
            deep: Look with the provider's tools too.

        Raises:
            Locked: A command is under way.
            UnreachableTarget: No plan leads to the state.
            ProvisionNeeded: No command can apply the change to resources that exist.
        """
        convergence = self._convergence(look=look, deep=deep)
        return await convergence.preview(
            name_of(environment), target_of(to), partial(self._amended, change=change, refresh=refresh)
        )

    async def drift(
        self, environment: AnyEnvironment | str, *, apply: bool = False, deep: bool = True
    ) -> Drift:
        """Compare the record with its declaration and with the world, which is never changed.

        With `apply`, a difference that refutes the recorded state is recorded by its event. Without
        `deep`, the provider's tools are not used, so that less is seen. The result is kept beside the
        record, where summaries show it until the next comparison.

        Raises:
            Locked: A command is under way.
            OperationInterrupted: A command died in the middle of its work.
            UnexpectedState: The teardown has begun, so only destroy may follow.
            StepFailed: The provider can't observe the environment.
        """
        runtime, name = self._runtime, name_of(environment)
        detection = Detection(runtime, deep=deep)
        found = await (detection.apply(name) if apply else detection.find(name))
        try:
            remember(found, runtime.repository, runtime.clock.now())
        except StorageError as problem:  # the comparison is what was asked for
            runtime.tell(Noticed(name=name, message=f"this comparison is not kept: {problem}"))
        return found

    def plan(
        self,
        environment: AnyEnvironment | str,
        *,
        to: type[AnyState] | EnvironmentState = Running,
        change: Callable[[EnvironmentSpec], EnvironmentSpec] | None = None,
        refresh: bool = False,
    ) -> Plan:
        """Return the commands that are needed to reach a state as declared, without looking at the world.

        `preview` looks too. With a change, the plan is as if `amend` had changed the spec.

        Raises:
            Locked: A command is under way.
            UnreachableTarget: No plan leads to the state.
        """
        on_record = self._runtime.at_rest(name_of(environment))
        considered = self._amended(on_record, change, refresh=refresh)
        return make_plan(Drift(considered, Detection(self._runtime).declared(considered)), target_of(to))

    def _convergence(self, *, look: bool, deep: bool, allow_replace: bool = False) -> Convergence:
        execute = partial(self._execute, allow_replace=allow_replace)
        return Convergence(self._runtime, execute, Detection(self._runtime, look=look, deep=deep))

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
        spec = on_record.spec.model_copy(update={"provider": provider})
        spec = usable(spec, self._checked(on_record))
        is_destroyed = isinstance(on_record.state, Destroyed)
        await self.purge(on_record if is_destroyed else await self.destroy(name))
        return self._create(spec, on_record)
