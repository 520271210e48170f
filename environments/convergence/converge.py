"""Make an environment what is declared: look, compare, plan, do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from environments.artifacts.carried import outdated, placed, require_machine
from environments.checks.declaration import done
from environments.checks.drift import Considered, Detection, Drift, as_recorded
from environments.convergence.plan import Plan, PlannedCommand, make_plan
from environments.errors import InvalidConfiguration, Stopped
from environments.execution.plan import plan as forward_plan
from environments.execution.progress import CommandDue, Noticed
from environments.model.command_name import CommandName
from statechart.errors import Stale
from statechart.following.cancellation import in_thread

if TYPE_CHECKING:
    from environments.execution.runtime import Runtime
    from environments.model.environment import AnyEnvironment
    from environments.model.states import EnvironmentState

Execute: TypeAlias = Callable[[CommandName, "AnyEnvironment | str"], Awaitable["AnyEnvironment"]]
Planned: TypeAlias = "tuple[Sequence[PlannedCommand], AnyEnvironment]"


@dataclass(frozen=True, slots=True)
class Convergence:
    """Makes environments what is declared.

    Attributes:
        runtime: The surroundings.
        execute: Runs a command on an environment.
        detection: Finds the differences.
    """

    runtime: Runtime
    execute: Execute
    detection: Detection

    async def preview(
        self, name: str, target: EnvironmentState, considered: Considered = as_recorded
    ) -> Plan:
        """Return the plan for an environment as it is considered to be, and change nothing.

        Raises:
            Locked: A command is under way.
            UnreachableTarget: No command leads to the target.
        """
        on_record = self.runtime.at_rest(name)
        forward_plan(on_record, target)  # a refusal needs no look at the world
        await self._tell_outdated(considered(on_record))
        return make_plan(await self.detection.find(name, considered), target)

    async def run(self, environment: AnyEnvironment | str, target: EnvironmentState) -> AnyEnvironment:
        """Run the commands that are needed, and return the environment as recorded then.

        Raises:
            ResourcesGone: The resources that provision made are gone.
            HostOutOfReach: The host can't be worked on.
            InvalidConfiguration: The declaration can't be applied on this machine.
            Stopped: A stop was requested between two commands.
        """
        return await carry_out(self.runtime, self.execute, lambda now: self._plan(now, target), environment)

    async def _plan(self, environment: AnyEnvironment | str, target: EnvironmentState) -> Planned:
        """Plan, and record what the look at the world showed."""
        async with self.runtime.open(environment, "up") as held:
            on_record = held.environment
            forward_plan(on_record, target)
            drift = await self._compared(on_record)
            plan = make_plan(drift, target)
            plan.require_feasible()
            await self._tell_outdated(on_record)
            for line in drift.unseen:
                self.runtime.tell(Noticed(name=on_record.name, message=f"not inspected: {line}"))
            if plan and drift.findings:
                _require_usable(self.runtime, on_record)
                # The truth comes first: the service is not up, whatever becomes of the commands.
                self.detection.record(held.session, drift)
            return plan.commands, held.environment

    async def _tell_outdated(self, environment: AnyEnvironment) -> None:
        """Tell the observers of directories of this machine that differ from the copies which are used."""
        if not environment.artifacts or not self.runtime.refreshes:
            return
        for tree in await in_thread(lambda: outdated(environment)):
            message = (
                f"the {tree.what} in {tree.root} differs from its recorded copy, which is used; "
                f"envchart update {environment.name} makes another"
            )
            self.runtime.tell(Noticed(name=environment.name, message=message))

    async def _compared(self, environment: AnyEnvironment) -> Drift:
        # Before the first success of provision there is nothing to compare with.
        return await self.detection.compared(environment) if done(environment) else Drift(environment)


def _require_usable(runtime: Runtime, environment: AnyEnvironment) -> None:
    """Check the declaration before a command is repeated, since a failure would lose the state."""
    provider = placed(runtime.repository, environment)
    if problems := provider.problems():
        raise InvalidConfiguration(f"the spec of {environment.name!r}", problems)


async def carry_out(
    runtime: Runtime,
    execute: Execute,
    plan: Callable[[AnyEnvironment | str], Awaitable[Planned]],
    environment: AnyEnvironment | str,
    *,
    declared: AnyEnvironment | None = None,
) -> AnyEnvironment:
    """Plan, and run the planned commands in turn.

    An environment that is given by name is planned again if somebody else's command came between.

    Args:
        runtime: The surroundings.
        execute: Runs a command.
        plan: Returns the commands, and the environment as recorded.
        environment: The environment or its name.
        declared: The environment with the declaration that is meant; by default as it is planned first.

    Raises:
        Stale: The declaration was changed in between, or the given environment is not the recorded state.
        Stopped: A stop was requested between two commands.
    """
    while True:
        commands, on_record = await plan(environment)
        _require_declared(declared or on_record, on_record)
        for planned in commands:  # all of them, before the first one begins
            require_machine(on_record, planned.command)
        declared = on_record
        try:
            return await _in_order(runtime, execute, commands, on_record)
        except Stale:
            if not isinstance(environment, str):
                raise


def _require_declared(declared: AnyEnvironment, on_record: AnyEnvironment) -> None:
    replaced = declared.lineage != on_record.lineage
    if replaced or declared.spec != on_record.spec:
        raise Stale(
            on_record.name, expected=declared.revision, actual=on_record.revision, replaced=replaced
        )


async def _in_order(
    runtime: Runtime, execute: Execute, commands: Sequence[PlannedCommand], on_record: AnyEnvironment
) -> AnyEnvironment:
    for number, planned in enumerate(commands, 1):
        if runtime.stop.reason is not None:
            raise Stopped(on_record, planned.command, runtime.stop.reason)
        due = CommandDue(
            name=on_record.name,
            command=planned.command,
            number=number,
            of=len(commands),
            reasons=() if planned.follows else planned.reasons,
        )
        runtime.tell(due)
        # Each command starts from the plan or the result before it: a change in between is a conflict.
        on_record = await execute(planned.command, on_record)
    return on_record
