"""Chains of commands, as typed values that can be awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

from environments.errors import Stopped
from environments.execution.commands import (
    COMMANDS,
    ConfigureSource,
    ProvisionSource,
    RegisterSource,
    ReleaseSource,
    RunSource,
    StopSource,
)
from environments.execution.stop import StopRequest
from environments.lifecycle import Lifecycle, Subject
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment, Environment
from environments.model.states import (
    AnyState,
    Configured,
    Destroyed,
    Provisioned,
    Released,
    Running,
    state_of,
)

StateT = TypeVar("StateT", bound=AnyState, covariant=True)


class Perform(Protocol):
    """Runs a command of a workspace with its options; without a command, reads the record."""

    async def __call__(
        self, command: CommandName | None, environment: AnyEnvironment | str, **options: object
    ) -> AnyEnvironment:
        """Return the resulting environment."""
        ...


class Chain(Generic[StateT]):
    """Commands that run in turn, begun with `Workspace.chain`.

    Each method returns a longer chain and runs nothing. Awaiting a chain runs its commands in order,
    each on the result before it, and returns the last result. Type checkers reject a command
    that the state before it does not allow; at run time, adding it raises InvalidTransition before
    anything is done.

    A chain runs once. Awaited again, also by several tasks at once, it returns the same environment or
    raises the same error. A longer chain that is built on it goes on from that result. A command that
    fails ends the chain, and its exception is raised; the commands before it are done and recorded.
    Cancelling a task that awaits a chain cancels the chain, for all that await it.
    """

    def __init__(
        self,
        perform: Perform,
        stop: StopRequest,
        start: AnyEnvironment | str,
        *,
        before: Chain[Any] | None = None,  # Any: the methods say which
        command: CommandName | None = None,
        options: Mapping[str, object] = MappingProxyType({}),
        subject: Subject | None = None,
    ) -> None:
        self._perform = perform
        self._stop = stop
        self._start = start
        self._before = before
        self._command = command
        self._options = options
        self._subject = subject
        self._task: asyncio.Task[AnyEnvironment] | None = None

    def __repr__(self) -> str:
        return f"<Chain {' → '.join(self._words())}>"

    def _words(self) -> list[str]:
        if self._before is None or self._command is None:
            return [self._start if isinstance(self._start, str) else self._start.name]
        return [*self._before._words(), self._command.value]

    def provision(
        self: Chain[ProvisionSource], *, from_start: bool = False, allow_replace: bool = False
    ) -> Chain[Provisioned]:
        """Add `Workspace.provision`."""
        return self._then(CommandName.PROVISION, from_start=from_start, allow_replace=allow_replace)

    def register(
        self: Chain[RegisterSource], *, address: str | None = None, from_start: bool = False
    ) -> Chain[Provisioned]:
        """Add `Workspace.register`."""
        return self._then(CommandName.REGISTER, address=address, from_start=from_start)

    def configure(self: Chain[ConfigureSource], *, from_start: bool = False) -> Chain[Configured]:
        """Add `Workspace.configure`."""
        return self._then(CommandName.CONFIGURE, from_start=from_start)

    def release(
        self: Chain[ReleaseSource],
        *,
        app: str | Path | None = None,
        previous: bool = False,
        from_start: bool = False,
    ) -> Chain[Released]:
        """Add `Workspace.release`."""
        return self._then(CommandName.RELEASE, app=app, previous=previous, from_start=from_start)

    def run(self: Chain[RunSource], *, from_start: bool = False) -> Chain[Running]:
        """Add `Workspace.run`."""
        return self._then(CommandName.RUN, from_start=from_start)

    def stop(self: Chain[StopSource], *, from_start: bool = False) -> Chain[Released]:
        """Add `Workspace.stop`."""
        return self._then(CommandName.STOP, from_start=from_start)

    def destroy(self, *, from_start: bool = False, keep_going_unrecorded: bool = False) -> Chain[Destroyed]:
        """Add `Workspace.destroy`."""
        return self._then(
            CommandName.DESTROY, from_start=from_start, keep_going_unrecorded=keep_going_unrecorded
        )

    def _then(self, command: CommandName, **options: object) -> Chain[Any]:  # Any: the callers say which
        kind = COMMANDS[command]
        if self._subject is not None:
            Lifecycle.bound(self._subject).require(kind.begin or kind.finish)
        name = self._start if isinstance(self._start, str) else self._start.name
        adopted = command is CommandName.REGISTER or (self._subject is not None and self._subject.adopted)
        subject = Subject(name=name, state=state_of(kind.achieves), adopted=adopted)
        return Chain(
            self._perform,
            self._stop,
            self._start,
            before=self,
            command=command,
            options=options,
            subject=subject,
        )

    def __await__(self) -> Generator[Any, None, Environment[StateT]]:  # Any: what asyncio yields
        if self._task is None:
            self._task = asyncio.ensure_future(self._result())
        return self._task.__await__()  # type: ignore[return-value]  # the chart leads each command there

    async def _result(self) -> AnyEnvironment:
        before = self._before
        if before is None or self._command is None:
            return await self._perform(None, self._start)
        if before._before is None:
            # A name is loaded under the lock by the command itself.
            return await self._perform(self._command, self._start, **self._options)
        environment: AnyEnvironment = await before
        if self._stop.reason is not None:
            raise Stopped(environment, self._command, self._stop.reason)
        return await self._perform(self._command, environment, **self._options)
