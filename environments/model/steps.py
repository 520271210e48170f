"""Step: one named part of a command, with what the runner has to know about it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pydantic import JsonValue

from environments.model.operation import ToolProcess

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment

StepOutputs: TypeAlias = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext:
    """What a step has at hand while it runs or probes.

    Attributes:
        environment: As it now is, with the outputs of the steps before.
        operation_id: The operation that the step belongs to.
        directory: The environment's own directory; the provider keeps its files below it.
        report: Tells observers something worth knowing; the last one is kept as the result's note.
        progress: Tells observers how far a long step has come; it is not kept.
        step: The step's name.
        started: Puts a process that the step has just started on record, durably, so that recovery
            finds it should this process die. The step runs it with `marks` in its environment.
        redact: Replaces the values of the environment's secrets in a text that is to be kept or shown.
        stopping: Returns whether a stop was asked for: a step that can end early, and in order, does.
    """

    environment: AnyEnvironment
    operation_id: str
    directory: Path
    report: Callable[[str], None]
    step: str = ""
    started: Callable[[ToolProcess], None] = lambda _process: None
    redact: Callable[[str], str] = lambda text: text
    progress: Callable[[str], None] = lambda _message: None
    stopping: Callable[[], bool] = lambda: False

    @property
    def marks(self) -> dict[str, str]:
        """The variables that mark the processes of this step."""
        return marks(self.operation_id, self.step)


OPERATION_MARK = "ENVCHART_OPERATION"
"""The variable that names the operation in the environment of its processes."""


def marks(operation_id: str, step: str) -> dict[str, str]:
    """Return the variables that mark the processes of a step of an operation."""
    return {OPERATION_MARK: operation_id, "ENVCHART_STEP": step}


class Verdict(StrEnum):
    """What a probe can find."""

    DONE = "done"
    NOT_DONE = "not_done"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Probed:
    """What a probe found when it looked at the world; `outputs` only when the step is done."""

    verdict: Verdict
    reason: str = ""
    outputs: StepOutputs = field(default_factory=dict)

    @classmethod
    def done(cls, reason: str = "", **outputs: JsonValue) -> Probed:
        """The step's effect is there."""
        return cls(Verdict.DONE, reason, outputs)

    @classmethod
    def not_done(cls, reason: str) -> Probed:
        """The step's effect is not there, or not all of it."""
        return cls(Verdict.NOT_DONE, reason)

    @classmethod
    def unknown(cls, reason: str) -> Probed:
        """The world does not tell."""
        return cls(Verdict.UNKNOWN, reason)


Effect: TypeAlias = Callable[[StepContext], Awaitable[StepOutputs | None]]
Probe: TypeAlias = Callable[[StepContext], Awaitable[Probed]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a command.

    Attributes:
        name: Names it in progress, history and failures.
        effect: Does the work and returns updates of the environment's outputs. It raises StepFailed
            for what the world refuses; any other exception counts as a failure too.
        probe: Looks whether the work is done, without doing anything.
        inputs: What the result depends on; another digest of them makes a kept result void.
        version: Raise it when the effect changes its meaning: kept results become void.
        idempotent: Whether doing it twice does no harm, so that it may be retried when in doubt.
        has_effect: False for a step that only looks.
        timeout: How long one attempt may take; None for no limit.
        retries: How many more attempts follow a failed one.
        backoff: The pause before the first retry; it doubles with each.
    """

    name: str
    effect: Effect
    probe: Probe | None = None
    inputs: Mapping[str, JsonValue] = field(default_factory=dict)
    version: int = 1
    idempotent: bool = False
    has_effect: bool = True
    timeout: timedelta | None = None
    retries: int = 0
    backoff: timedelta = timedelta(seconds=1)

    @property
    def digest(self) -> str:
        """The SHA-256 of the inputs' canonical JSON, in hexadecimal."""
        text = json.dumps(self.inputs, sort_keys=True, separators=(",", ":"))
        return sha256(text.encode()).hexdigest()
