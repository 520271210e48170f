"""Plan the commands that make an environment what is declared, each with its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from environments.checks.difference import IN_THE_WAY, Difference, DriftKind
from environments.errors import HostOutOfReach, ResourcesGone
from environments.execution.commands import COMMANDS
from environments.execution.plan import plan as forward_plan
from environments.lifecycle import Lifecycle, Subject
from environments.model.command_name import PATH, CommandName
from environments.model.states import EnvironmentState, state_of

if TYPE_CHECKING:
    from environments.checks.drift import Drift
    from environments.model.environment import AnyEnvironment
    from statechart.chart import Event


@dataclass(frozen=True, slots=True)
class PlannedCommand:
    """A command of a plan.

    Attributes:
        command: The command.
        reasons: The reasons, a line each.
        follows: Whether the command only follows from the state, or from the command before it.
    """

    command: CommandName
    reasons: tuple[str, ...] = ()
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Plan(Sequence[CommandName]):
    """The commands that make an environment what is declared; as a sequence, their names.

    Attributes:
        environment: The environment that was compared.
        target: The state to reach.
        commands: The commands, in order, each with its reasons; empty if nothing is to be done.
        obstacles: The differences that no command of the plan can end, such as a host that is gone.
        unseen: A reason for each part that could not be observed.
    """

    environment: AnyEnvironment
    target: EnvironmentState
    commands: tuple[PlannedCommand, ...] = ()
    obstacles: tuple[Difference, ...] = ()
    unseen: tuple[str, ...] = ()

    @overload
    def __getitem__(self, index: int) -> CommandName: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[CommandName, ...]: ...
    def __getitem__(self, index: int | slice) -> CommandName | tuple[CommandName, ...]:
        return tuple(each.command for each in self.commands)[index]

    def __len__(self) -> int:
        return len(self.commands)

    def __iter__(self) -> Iterator[CommandName]:
        return (each.command for each in self.commands)

    @property
    def name(self) -> str:
        """The environment's name."""
        return self.environment.name

    def require_feasible(self) -> None:
        """Check that nothing is in the way of the plan.

        Raises:
            ResourcesGone: The resources that provision made are gone.
            HostOutOfReach: The host can't be worked on.
        """
        for each in self.obstacles:
            if each.kind is DriftKind.HOST_GONE:
                raise ResourcesGone(self.name, each.what)
        if self.obstacles:
            what = "; ".join(reason_of(each) for each in self.obstacles)
            raise HostOutOfReach(self.name, what)


def make_plan(drift: Drift, target: EnvironmentState) -> Plan:
    """Return the plan for an environment and its differences. Pure.

    The earliest command that is needed comes first; after it come those that the chart demands.

    Raises:
        OperationInterrupted: A command died in the middle of its work.
        UnreachableTarget: The target lies behind the present state, or no command leads there.
    """
    environment = drift.environment
    forward = forward_plan(environment, target)
    reachable = [command for command in PATH if _rank(command) <= _rank_of(target)]
    allowed = Lifecycle.bound(Subject.of(environment)).enabled()
    reasons = {command: _reasons(drift.findings, command) for command in reachable}
    if stopping := _failed_stop(environment):
        reasons.setdefault(CommandName.RUN, []).append(stopping)
    needed = [command for command, why in reasons.items() if why and _event(command) in allowed]
    first = min((*forward[:1], *needed), key=PATH.index, default=None)
    commands = reachable[PATH.index(first) :] if first is not None else []
    planned = tuple(
        PlannedCommand(command, tuple(reasons[command]))
        if reasons[command]
        else PlannedCommand(command, (_usual(environment, commands, number),), follows=True)
        for number, command in enumerate(commands)
    )
    obstacles = tuple(each for each in drift.findings if each.kind in IN_THE_WAY)
    return Plan(environment, target, planned, obstacles, drift.unseen)


def reason_of(difference: Difference) -> str:
    """Return a difference as the reason of a command."""
    kind = difference.kind
    words = kind.value.replace("_", " ")
    return f"{words}: {difference.what}" if kind in _NAMED else difference.what


# The lines of the other kinds say by themselves what they are about.
_NAMED = {
    *IN_THE_WAY,
    DriftKind.RESOURCE_ALTERED,
    DriftKind.SERVICE_DOWN,
    DriftKind.SERVICE_UNHEALTHY,
    DriftKind.SERVICE_FOREIGN,
}


def _reasons(findings: Sequence[Difference], command: CommandName) -> list[str]:
    """Return the reasons to run a command."""
    ours = [each for each in findings if each.mends is command]
    if any(each.kind.is_declared for each in ours):
        # A file that is not as declared only now is told with its change.
        ours = [each for each in ours if each.kind is not DriftKind.CONFIGURATION_CHANGED]
    return list(dict.fromkeys(map(reason_of, ours)))


def _failed_stop(environment: AnyEnvironment) -> str | None:
    """Return the reason to run again after a stop that failed in the middle, or None."""
    operation = environment.operation
    if operation is None or operation.command is not CommandName.STOP or not operation.effects_begun:
        return None
    failure = operation.failure
    return f"stop failed at {failure.step}: {failure.summary}" if failure else "stop failed"


def _usual(environment: AnyEnvironment, commands: Sequence[CommandName], number: int) -> str:
    """Return the reason of a command that no difference asks for."""
    command, failure = commands[number], environment.failure
    if number == 0 and failure is not None and failure.command is command:
        return f"failed at {failure.step}: {failure.summary}"
    if command is CommandName.RUN:
        return "to serve it"
    return f"follows {commands[number - 1]}" if number else "not done yet"


def _event(command: CommandName) -> str:
    event: Event = COMMANDS[command].begin or COMMANDS[command].finish
    return event.id


_STATES = (EnvironmentState.CREATED, *(state_of(COMMANDS[command].achieves) for command in PATH))


def _rank(command: CommandName) -> int:
    return PATH.index(command) + 1


def _rank_of(target: EnvironmentState) -> int:
    return _STATES.index(target) if target in _STATES else 0
