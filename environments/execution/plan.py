"""Plan the commands that bring an environment to a target state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from environments.errors import UnreachableTarget
from environments.execution.commands import COMMANDS
from environments.execution.interrupted import refuse_interrupted
from environments.lifecycle import Lifecycle
from environments.model.command_name import CommandName
from environments.model.states import EnvironmentState, state_of
from statechart.graph import breadth_first, edges

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment


_PATH = ("created", "provisioned", "configured", "released", "running")


def sources(command: CommandName) -> frozenset[EnvironmentState]:
    """Return the states from which the chart allows a command to start."""
    event = COMMANDS[command].begin or COMMANDS[command].finish
    return frozenset(EnvironmentState(edge.source) for edge in edges(Lifecycle) if edge.event == event.id)


# `register` adopts a host, `stop` and `destroy` take away: only a person decides on these.
_UNPLANNED = {CommandName.REGISTER, CommandName.STOP, CommandName.DESTROY}
_SOURCES = {command: sources(command) for command in COMMANDS if command not in _UNPLANNED}


def plan(environment: AnyEnvironment, target: EnvironmentState) -> tuple[CommandName, ...]:
    """Return the fewest commands that bring an environment to a target state. Pure.

    `register` and `destroy` are never planned.

    Raises:
        OperationInterrupted: A command died in the middle of its work.
        UnreachableTarget: The target lies behind the present state, or no command leads there.
    """
    refuse_interrupted(environment)
    state = environment.state.name
    if environment.teardown_begun:
        raise _unreachable(environment, target, "its teardown has begun, and only destroy may follow")
    if state is target:
        # A stop that failed may have ended a part of the service: it is there again after a run.
        return (CommandName.RUN,) if _partly_stopped(environment) else ()
    if state in _PATH and target in _PATH and _PATH.index(target) < _PATH.index(state):
        raise _unreachable(environment, target, "it lies behind; destroy, and create it again, to go back")
    if target not in _PATH:
        raise _unreachable(environment, target, f"plans lead to {', '.join(_PATH[1:])}")
    found = dict(breadth_first(state, _leaving)).get(target)
    if found is None:
        raise _unreachable(environment, target, "no command leads there")
    return found


def _partly_stopped(environment: AnyEnvironment) -> bool:
    return environment.state.name is EnvironmentState.RUNNING and environment.is_error


def _leaving(state: EnvironmentState) -> Iterator[tuple[CommandName, EnvironmentState]]:
    """Yield the plannable commands from a state, each with the state that it achieves."""
    for command, from_states in _SOURCES.items():
        if state in from_states:
            yield command, state_of(COMMANDS[command].achieves)


def _unreachable(environment: AnyEnvironment, target: EnvironmentState, reason: str) -> UnreachableTarget:
    return UnreachableTarget(environment.name, state=environment.state.name, target=target, reason=reason)
