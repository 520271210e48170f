"""Make an environment what is declared: look, compare, plan, do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from environments.checks.declaration import done
from environments.checks.drift import Considered, Detection, Drift, as_recorded
from environments.convergence.plan import Plan, PlannedCommand, make_plan
from environments.errors import InvalidConfiguration, Stopped
from environments.execution.plan import plan as forward_plan
from environments.execution.progress import CommandDue, Noticed
from environments.model.command_name import CommandName

if TYPE_CHECKING:
    from environments.execution.runtime import Runtime
    from environments.model.environment import AnyEnvironment
    from environments.model.states import EnvironmentState

Execute: TypeAlias = Callable[[CommandName, "AnyEnvironment | str"], Awaitable["AnyEnvironment"]]


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
        forward_plan(self.runtime.at_rest(name), target)  # a refusal needs no look at the world
        return make_plan(await self.detection.find(name, considered), target)

    async def run(self, environment: AnyEnvironment | str, target: EnvironmentState) -> AnyEnvironment:
        """Run the commands that are needed, and return the environment as recorded then.

        Raises:
            ResourcesGone: The resources that provision made are gone.
            HostOutOfReach: The host can't be worked on.
            InvalidConfiguration: The declaration can't be applied on this machine.
            Stopped: A stop was requested between two commands.
        """
        async with self.runtime.open(environment, "up") as held:
            on_record = held.environment
            forward_plan(on_record, target)
            drift = await self._compared(on_record)
            plan = make_plan(drift, target)
            plan.require_feasible()
            for line in drift.unseen:
                self.runtime.tell(Noticed(name=on_record.name, message=f"not inspected: {line}"))
            if plan and drift.findings:
                _require_usable(on_record)
                # The truth comes first: the service is not up, whatever becomes of the commands.
                self.detection.record(held.session, drift)
            on_record = held.environment
        return await carry_out(self.runtime, self.execute, plan.commands, on_record)

    async def _compared(self, environment: AnyEnvironment) -> Drift:
        # Before the first success of provision there is nothing to compare with.
        return await self.detection.compared(environment) if done(environment) else Drift(environment)


def _require_usable(environment: AnyEnvironment) -> None:
    """Check the declaration before a command is repeated, since a failure would lose the state."""
    provider = environment.spec.provider
    if problems := provider.problems():
        raise InvalidConfiguration(f"the spec of {environment.name!r}", problems)


async def carry_out(
    runtime: Runtime,
    execute: Execute,
    commands: Sequence[PlannedCommand],
    on_record: AnyEnvironment,
    handle: AnyEnvironment | str | None = None,
) -> AnyEnvironment:
    """Run planned commands one after another.

    Args:
        runtime: The surroundings.
        execute: Runs a command.
        commands: The commands.
        on_record: The environment as recorded.
        handle: Given to the first command instead, which checks whether it is the recorded revision.

    Raises:
        Stopped: A stop was requested between two commands.
    """
    target = on_record if handle is None else handle
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
        # Each later command starts from the result before it: somebody else's change is a conflict.
        target = on_record = await execute(planned.command, target)
    return on_record
