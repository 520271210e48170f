"""An opened storage of environments, and the running of its commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from environments.execution.commands import COMMANDS, Command, CommandOptions
from environments.execution.runtime import Runtime
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment
from environments.model.states import AnyState, EnvironmentState, state_of

if TYPE_CHECKING:
    from environments.ports import EnvironmentRepository

CommandT = TypeVar("CommandT", bound=Command)


class Opened:
    """A storage of environments with its surroundings: the base of a workspace."""

    def __init__(self, repository: EnvironmentRepository, runtime: Runtime) -> None:
        self._repository = repository
        self._runtime = runtime

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


def target_of(to: type[AnyState] | EnvironmentState) -> EnvironmentState:
    """Return a state from its class, its member or its name."""
    # Callers without a type checker give the name of a state, as on the command line.
    return EnvironmentState(to) if isinstance(to, str) else state_of(to)
