"""Carry out a wish: recover first, then the commands that the record calls for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from environments.errors import CommandFailed, NothingToRetry, OperationInterrupted, Stopped
from environments.execution.progress import Noticed
from environments.execution.stop import StopRequest
from environments.fleet.errors import NotNow, Unfit
from environments.fleet.fitness import require_fit
from environments.fleet.wishes import Granted
from environments.model.failure import FailureCause
from environments.model.states import EnvironmentState
from environments.presentation.error_reports import Surroundings, report
from statechart.errors import CommitUncertain, LeaseLost
from statechart.storage.sql.errors import StoreBusy, StoreUnreachable, TooManyConnections

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from environments.execution.progress import Observer
    from environments.fleet.goals import Goal
    from environments.fleet.wishes import Wish
    from environments.model.environment import AnyEnvironment
    from environments.workspace import Workspace

    Opens = Callable[[StopRequest, Wish | None], AbstractContextManager[Workspace]]


@dataclass(frozen=True, slots=True)
class Carrier:
    """Carries out wishes, each in the thread that calls.

    Attributes:
        open: Opens the workspace for a wish, whose commands heed the stop request, and which keeps the
            environment held between them.
        tell: Told what recovery found.
    """

    open: Opens
    tell: Observer

    def carry_out(self, wish: Wish, stop: StopRequest, begun: int | None) -> Granted:
        """Do the work that is still to be done, and return how it ended.

        May be called again for a wish whose worker died: what that one did is found out by probes, and
        the record of the environment decides what is left.

        Args:
            wish: The wish.
            stop: Ends the work after a step.
            begun: For a command, the revision of the environment when a worker began the wish first.

        Raises:
            Unfit: This machine can't do the work, and nothing was begun.
            NotNow: The database was away, or the environment was lost to another holder.
        """
        with self.open(stop, wish) as workspace:
            return self._ending(workspace, wish, stop, begun)

    def _ending(self, workspace: Workspace, wish: Wish, stop: StopRequest, begun: int | None) -> Granted:
        try:
            environment = asyncio.run(self._work(workspace, wish, begun))
        except Unfit:
            raise
        except Exception as error:  # every end of a wish is an answer; a bug, too, must not lose it
            if _is_passing(error):
                raise NotNow(wish.name, str(error)) from error
            if _is_cancelled(error, stop):
                return Granted("cancelled", _state(workspace, wish.name), "cancelled", str(error), 6)
            return _failed(error, workspace, wish.name)
        return Granted("reached", environment.state.name.value)

    def revision(self, name: str) -> int:
        """Return the present revision of an environment."""
        with self.open(StopRequest(), None) as workspace:
            return workspace.load(name).revision

    async def _work(self, workspace: Workspace, wish: Wish, begun: int | None) -> AnyEnvironment:
        name = wish.name
        on_record = workspace.load(name)
        require_fit(on_record, wish.goal)
        if not _is_interrupted(on_record):
            with suppress(OperationInterrupted):  # by another worker, which died since then
                return await self._reached(workspace, wish, begun, on_record)
        recovered = await workspace.recover(name)
        for line in recovered.findings:
            self.tell(Noticed(name=name, message=line))
        return await self._reached(workspace, wish, begun, recovered.environment)

    async def _reached(
        self, workspace: Workspace, wish: Wish, begun: int | None, on_record: AnyEnvironment
    ) -> AnyEnvironment:
        """Run the commands that are left, with nothing to recover."""
        name, goal = wish.name, wish.goal
        if goal.state is EnvironmentState.DESTROYED:
            is_done = on_record.state.name is EnvironmentState.DESTROYED
            return on_record if is_done else await workspace.destroy(name)
        if goal.state is not None:
            return await workspace.converge(name, to=goal.state)
        if goal.achieved_by is not None and begun is not None and _achieved(workspace, wish, begun):
            return on_record
        return await _command(goal, workspace, name)


def _is_interrupted(environment: AnyEnvironment) -> bool:
    return environment.operation is not None and environment.operation.is_active


def _command(goal: Goal, workspace: Workspace, name: str) -> Awaitable[AnyEnvironment]:
    match goal.text:
        case "deploy":
            return workspace.deploy(name)
        case "restart":
            return workspace.restart(name)
        case "stop":
            return workspace.stop(name)
        case "retry":
            return _retry(workspace, name)
        case "drift":
            return _drift(workspace, name)
        case _:  # recover, which was done before
            return _loaded(workspace, name)


async def _retry(workspace: Workspace, name: str) -> AnyEnvironment:
    try:
        return await workspace.retry(name)
    except NothingToRetry:  # a worker that died had done it
        return workspace.load(name)


async def _drift(workspace: Workspace, name: str) -> AnyEnvironment:
    return (await workspace.drift(name, deep=False)).environment


async def _loaded(workspace: Workspace, name: str) -> AnyEnvironment:
    return workspace.load(name)


def _achieved(workspace: Workspace, wish: Wish, begun: int) -> bool:
    """Return whether the command of a wish has succeeded since a worker began it first."""
    if workspace.load(wish.name).operation is not None:  # the last command has not succeeded
        return False
    command = wish.goal.achieved_by
    for entry in workspace.latest(wish.name, lambda entry: (entry.revision or 0) <= begun):
        found = getattr(entry.record, "environment", None)
        operation = None if found is None or found.revision <= begun else found.operation
        if operation is not None and operation.command is command:
            return True
    return False


def _is_passing(error: BaseException | None) -> bool:
    """Return whether an error is of the connection to the database, and not of the work."""
    if isinstance(error, CommandFailed):
        return _is_passing(error.persistence_error) or error.failure.cause is FailureCause.PERSISTENCE
    return isinstance(error, (LeaseLost, CommitUncertain, StoreUnreachable, StoreBusy, TooManyConnections))


def _is_cancelled(error: Exception, stop: StopRequest) -> bool:
    if stop.reason is None:
        return False
    failed = isinstance(error, CommandFailed) and error.failure.cause is FailureCause.CANCELLED
    return failed or isinstance(error, Stopped)


def _failed(error: Exception, workspace: Workspace, name: str) -> Granted:
    surroundings = Surroundings(
        lambda words, named: f"envchart {words.replace('NAME', named)}", workspace.names, lambda: workspace
    )
    told = report(error, surroundings)
    state = _state(workspace, name)
    if told is None:
        return Granted("failed", state, "unexpected", f"{type(error).__name__}: {error}", 1)
    return Granted("failed", state, told.code, told.message, told.exit_code)


def _state(workspace: Workspace, name: str) -> str:
    try:
        return workspace.summary(name).state.name  # type: ignore[union-attr]  # unreadable: caught
    except Exception:  # the answer is about another error
        return ""
