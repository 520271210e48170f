"""Progress: what observers are told while a command runs, after each thing is on record."""

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
    """What all progress tells: which environment, and which command."""

    name: str
    command: CommandName


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """Something worth knowing beside the steps: what was found amiss and mended, what is waited for."""

    name: str
    command: CommandName | None = None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandStarted(_Progress):
    """A command has begun; `kept` of its `of` steps are known to be done from an earlier attempt."""

    operation_id: str
    of: int
    kept: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(_Progress):
    """A step has begun; `number` counts from 1, `attempt` too."""

    step: str
    number: int
    of: int
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReported(_Progress):
    """A step says something worth knowing; what is `passing` only tells how far it has come."""

    step: str
    number: int
    of: int
    message: str
    passing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished(_Progress):
    """A step is done; `kept` when an earlier attempt, or a probe, showed that it was done already."""

    step: str
    number: int
    of: int
    duration: timedelta
    note: str | None = None
    kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepAttemptFailed(_Progress):
    """An attempt at a step failed; `retry_in` is the pause before the next one, None for none."""

    step: str
    number: int
    of: int
    summary: str
    retry_in: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandEnded(_Progress):
    """A command has ended, and the environment on record says how."""

    environment: AnyEnvironment
    duration: timedelta
    failure: Failure | None = None


Progress: TypeAlias = (
    Noticed | CommandStarted | StepStarted | StepReported | StepFinished | StepAttemptFailed | CommandEnded
)
Observer: TypeAlias = Callable[[Progress], None]


def notify(observers: Sequence[Observer], progress: Progress) -> None:
    """Tell observers; one that raises is logged, and breaks nothing."""
    for observer in observers:
        try:
            observer(progress)
        except Exception as error:  # observers are not part of a command
            logger.opt(exception=error).warning("An observer failed at {}", type(progress).__name__)
