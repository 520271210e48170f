"""Events sent to observers, each after it has been recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeAlias, runtime_checkable

from loguru import logger

from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment
from environments.model.failure import Failure
from environments.model.records import HistoryEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class _Progress:
    """The fields of all events of a command.

    Attributes:
        name: The environment.
        command: The command, such as `provision`.
    """

    name: str
    command: CommandName


@dataclass(frozen=True, slots=True, kw_only=True)
class _StepProgress(_Progress):
    """The fields of all events of a step.

    Attributes:
        step: The step's name.
        number: The step's number among those of the command, from 1.
        of: The number of the command's steps.
    """

    step: str
    number: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """A message beside the steps, such as a repair or the reason for a wait.

    Attributes:
        name: The environment.
        command: The command, if any.
        message: The message, a line for people.
    """

    name: str
    command: CommandName | None = None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandDue(_Progress):
    """One of several commands that run one after another comes next.

    Attributes:
        number: The command's number among those that are planned, from 1.
        of: The number of planned commands.
        reasons: The reasons of the command, if it was planned for any, a line each.
    """

    number: int
    of: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandStarted(_Progress):
    """A command began.

    Attributes:
        operation_id: The identifier of the operation, by which records and traces name it.
        of: The number of the command's steps.
        kept: The number of steps that an earlier attempt finished.
    """

    operation_id: str
    of: int
    kept: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(_StepProgress):
    """A step began.

    Attributes:
        attempt: The number of the attempt, from 1.
        timeout: The time limit of the attempt, or None for no limit.
        elapsed: The time that the attempt had taken already, if another process runs it.
    """

    attempt: int = 1
    timeout: timedelta | None = None
    elapsed: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReported(_StepProgress):
    """A step reported a message.

    Attributes:
        message: The message, a line for people.
        passing: Whether the message only shows how far the step has come.
    """

    message: str
    passing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished(_StepProgress):
    """A step is done.

    Attributes:
        duration: The duration of the step.
        note: What the step said of its result, if anything.
        kept: Whether an earlier attempt or a probe had shown that the step is done.
    """

    duration: timedelta
    note: str | None = None
    kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepAttemptFailed(_StepProgress):
    """An attempt at a step failed.

    Attributes:
        summary: The reason, a line for people.
        retry_in: The pause before the next attempt, or None after the last.
    """

    summary: str
    retry_in: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transitioned:
    """An environment entered a state, by a command, a recovery or drift.

    Attributes:
        name: The environment.
        command: The command that led to the transition, if any.
        entry: The record of the transition, as `Workspace.history` returns it.
    """

    name: str
    command: CommandName | None = None
    entry: HistoryEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandEnded(_Progress):
    """A command ended.

    Attributes:
        environment: The recorded environment, the outcome.
        duration: The duration of the command.
        failure: The failure, if the command failed.
    """

    environment: AnyEnvironment
    duration: timedelta
    failure: Failure | None = None


Progress: TypeAlias = (
    Noticed
    | CommandDue
    | CommandStarted
    | StepStarted
    | StepReported
    | StepFinished
    | StepAttemptFailed
    | Transitioned
    | CommandEnded
)
Observer: TypeAlias = Callable[[Progress], None]


@runtime_checkable
class Lingering(Protocol):
    """An observer whose own work goes on beside the command, and is waited for at its end."""

    async def finished(self, name: str) -> Sequence[str]:
        """Wait until the work for an environment is done, within a limit; return what went wrong."""
        ...


def notify(observers: Sequence[Observer], progress: Progress) -> None:
    """Call the observers. An observer's exception is logged and goes no further."""
    for observer in observers:
        try:
            observer(progress)
        except Exception as error:  # an observer must not make a command fail
            logger.opt(exception=error).warning("An observer failed at {}", type(progress).__name__)
