"""Events sent to observers, each after it has been recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from loguru import logger

from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment
from environments.model.failure import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class _Progress:
    """The fields of all events of a command."""

    name: str
    command: CommandName


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """A message beside the steps, such as a repair or the reason for a wait."""

    name: str
    command: CommandName | None = None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandStarted(_Progress):
    """A command began. An earlier attempt finished `kept` of its `of` steps."""

    operation_id: str
    of: int
    kept: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(_Progress):
    """A step began. `number` and `attempt` count from 1."""

    step: str
    number: int
    of: int
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReported(_Progress):
    """A step reported a message; a `passing` message only shows how far the step has come."""

    step: str
    number: int
    of: int
    message: str
    passing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished(_Progress):
    """A step is done. `kept` means that an earlier attempt or a probe had shown so."""

    step: str
    number: int
    of: int
    duration: timedelta
    note: str | None = None
    kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepAttemptFailed(_Progress):
    """An attempt at a step failed. `retry_in` is the pause before the next attempt, if any."""

    step: str
    number: int
    of: int
    summary: str
    retry_in: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandEnded(_Progress):
    """A command ended, with the recorded environment as its outcome."""

    environment: AnyEnvironment
    duration: timedelta
    failure: Failure | None = None


Progress: TypeAlias = (
    Noticed | CommandStarted | StepStarted | StepReported | StepFinished | StepAttemptFailed | CommandEnded
)
Observer: TypeAlias = Callable[[Progress], None]


def notify(observers: Sequence[Observer], progress: Progress) -> None:
    """Call the observers. An observer's exception is logged and goes no further."""
    for observer in observers:
        try:
            observer(progress)
        except Exception as error:  # an observer must not make a command fail
            logger.opt(exception=error).warning("An observer failed at {}", type(progress).__name__)
