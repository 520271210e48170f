"""The surroundings of a command, and the environment that it holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, cast

from environments.artifacts.carried import needed, placed, require_machine
from environments.execution.interrupted import refuse_interrupted, require_settled
from environments.execution.lent.leases import leased
from environments.execution.progress import Lingering, Noticed, Progress, notify
from environments.execution.sessions import ObservedSession, open_session
from environments.execution.stop import StopRequest
from environments.model.records import check_revision
from environments.ports import provider_of
from environments.system.clock import SYSTEM_CLOCK
from statechart.errors import Locked
from statechart.following.cancellation import in_thread
from statechart.holder import Holder

if TYPE_CHECKING:
    from pathlib import Path

    from environments.execution.progress import Observer
    from environments.model.command_name import CommandName
    from environments.model.environment import AnyEnvironment
    from environments.ports import Clock, EnvironmentRepository, Provider, Session


_STOPPED = "a stop was requested"


@dataclass(frozen=True, slots=True)
class Runtime:
    """The surroundings of a command: storage, clock, observers, patience, and requests to stop.

    Attributes:
        repository: Where environments are recorded.
        provider: Does the work instead of the provider in an environment's spec.
        clock: Tells the time.
        observers: Called with the progress, after it has been recorded.
        lock_timeout: How many seconds to wait for another holder of an environment.
        stop: Asks the running command to stop after the current step.
        refreshes: Whether a release takes the application of this machine if it is here; without, always
            the recorded copy, as for a worker that carries out the wish of another machine.
    """

    repository: EnvironmentRepository
    provider: Provider | None = None
    clock: Clock = SYSTEM_CLOCK
    observers: Sequence[Observer] = ()
    lock_timeout: float = 0.0
    stop: StopRequest = field(default_factory=StopRequest)
    refreshes: bool = True

    @asynccontextmanager
    async def open(
        self,
        target: AnyEnvironment | str,
        purpose: str,
        *,
        settled: bool = True,
        wrap: Callable[[Session], Session] = lambda session: session,
    ) -> AsyncIterator[OpenEnvironment]:
        """Hold an environment for changing it; leaving the context releases it.

        Args:
            target: A name, or an environment that has to be the recorded revision.
            purpose: The command, as its holder is described to others: `envchart <purpose>`.
            settled: Refuse an environment with an interrupted command.
            wrap: Replaces the session by another over it.

        Raises:
            Locked: Another holder still has it when time is up.
            Stale: The environment given is not the recorded revision.
            OperationInterrupted: A command died in the middle of its work.
            StorageError: The environment does not exist, or is damaged.
        """
        holder = Holder.current(f"envchart {purpose}")
        waiting = open_session(
            self.repository, name_of(target), holder, self.lock_timeout, observers=self.observers
        )
        try:
            with (
                leased(await waiting, holder.token) as held,
                wrap(ObservedSession(held, self.observers)) as session,
            ):
                if not isinstance(target, str):  # a name means the newest revision
                    check_revision(target, session.environment)
                if settled:
                    require_settled(session, self.clock)
                yield OpenEnvironment(self, session, holder)
        finally:
            # Others may go on with the environment while the observers finish.
            await self._linger(name_of(target))

    async def _linger(self, name: str) -> None:
        """Wait for the observers' own work, unless a stop is requested, and tell what went wrong."""
        loop = asyncio.get_running_loop()
        for observer in self.observers:
            if not isinstance(observer, Lingering):
                continue
            work = asyncio.ensure_future(observer.finished(name))
            stopped = partial(loop.call_soon_threadsafe, partial(work.cancel, _STOPPED))
            try:
                with self.stop.heard_by(stopped):
                    warnings = await work
            except asyncio.CancelledError as cancelled:
                if cancelled.args != (_STOPPED,):
                    raise
                warnings = ()
            for warning in warnings:
                self.tell(Noticed(name=name, message=warning))

    def at_rest(self, name: str) -> AnyEnvironment:
        """Return the recorded environment without taking its lock.

        Raises:
            Locked: A command is under way.
            OperationInterrupted: A command died in the middle of its work.
        """
        environment = self.repository.load(name)
        # Only an open operation needs a look at the lock, which other commands take for a moment.
        if environment.operation is not None and environment.operation.is_active:
            holder = self.repository.holder(name)
            if holder is not None:
                raise Locked(name, holder)
            environment = self.repository.load(name)  # the command may have ended between the two reads
            refuse_interrupted(environment)
        return environment

    def provider_of(self, environment: AnyEnvironment) -> Provider:
        """Return the provider that works on an environment, with the recorded copies of its files.

        Raises:
            FilesLost: A copy can't be used.
        """
        if self.provider is not None:
            return self.provider
        return cast("Provider", placed(self.repository, environment))

    async def provider_for(self, environment: AnyEnvironment, command: CommandName) -> Provider:
        """Return the provider that carries out a command, after checking that this machine can.

        Raises:
            FilesLost: A copy of files that the command needs can't be used.
            MachineLacks: A key, a secret or a program that the command needs is not on this machine.
        """
        if self.provider is not None or not environment.artifacts:
            return self.provider or provider_of(environment)
        await in_thread(lambda: require_machine(environment, command))
        fields = needed(environment.spec.provider, command)
        found = await in_thread(lambda: placed(self.repository, environment, fetched=fields))
        return cast("Provider", found)

    def tell(self, progress: Progress) -> None:
        """Notify the observers."""
        notify(self.observers, progress)


@dataclass(frozen=True, slots=True)
class OpenEnvironment:
    """An environment that a command holds."""

    runtime: Runtime
    session: Session
    holder: Holder

    @property
    def environment(self) -> AnyEnvironment:
        """The environment as recorded now."""
        return self.session.environment

    @property
    def provider(self) -> Provider:
        """The environment's provider."""
        return self.runtime.provider_of(self.environment)

    @property
    def directory(self) -> Path:
        """The directory with the environment's files."""
        return self.runtime.repository.directory(self.environment.name)


def name_of(target: AnyEnvironment | str) -> str:
    """Return the name of an environment that is given by name or as a handle."""
    return target if isinstance(target, str) else target.name
