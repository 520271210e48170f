"""The current or last operation of an environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel, JsonValue

from environments.model.command_name import CommandName
from environments.model.failure import Failure
from statechart.holder import Holder, ProcessIdentity
from statechart.utc import UtcDatetime


class OperationStatus(StrEnum):
    """The status of an operation; success leaves no operation behind."""

    ACTIVE = "active"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class StepResult(BaseModel, frozen=True, extra="forbid"):
    """The result of a finished step, which later decides whether the step is repeated.

    `digest` is the SHA-256 of the step's inputs, and `inputs` has a short digest of each of them;
    `outputs` are updates of the environment's outputs.
    """

    name: str
    version: int
    digest: str
    inputs: dict[str, str] = {}
    has_effect: bool = True
    outputs: dict[str, JsonValue] = {}
    note: str | None = None
    attempts: int = 1
    duration: timedelta = timedelta()
    probed: bool = False
    """Whether a probe found the step done, instead of the effect being run."""


class ToolProcess(BaseModel, frozen=True, extra="forbid"):
    """A process that a step started, and that leads a process group and a session of its own.

    The fields are those of a `ProcessIdentity`; `pid` is the number of the group and session too.
    """

    pid: int
    program: str
    started: int | None = None
    boot_id: str | None = None
    pid_namespace: str | None = None

    @classmethod
    def of(cls, pid: int, program: str) -> ToolProcess:
        """Return the record of a process that was just started."""
        return cls(program=program, **ProcessIdentity.of(pid).model_dump())

    @property
    def identity(self) -> ProcessIdentity:
        """The identity of the process."""
        return ProcessIdentity(**self.model_dump(exclude={"program"}))


class Applied(BaseModel, frozen=True, extra="forbid"):
    """The inputs that a command applied when it last succeeded.

    The record of `revision` holds the spec of that time. `inputs` has a short digest of each input of
    the command's steps; an input that differs between steps is named `step.input`.
    """

    revision: int
    inputs: dict[str, str] = {}


def merged(inputs: Iterable[tuple[str, Mapping[str, str]]]) -> dict[str, str]:
    """Return the inputs of a command from those of its steps, given as pairs of name and inputs."""
    found: dict[str, dict[str, str]] = {}
    for step, digests in inputs:
        for key, digest in digests.items():
            found.setdefault(key, {})[step] = digest
    return {
        name: digest
        for key, by_step in found.items()
        for name, digest in (
            {key: next(iter(by_step.values()))}
            if len(set(by_step.values())) == 1
            else {f"{step}.{key}": digest for step, digest in by_step.items()}
        ).items()
    }


class StepInHand(BaseModel, frozen=True, extra="forbid"):
    """A step that was begun and has no result; once its process has died, the step is in doubt.

    `processes` are the recorded processes that the step started.
    """

    name: str
    number: int
    of: int
    started_at: UtcDatetime
    has_effect: bool = True
    processes: tuple[ToolProcess, ...] = ()


class Operation(BaseModel, frozen=True, extra="forbid"):
    """A command under way, or the last command if it did not succeed.

    `steps_done` are the results so far, including those of the operation in `resumes`.
    `step` is the current step; `doubts` are steps that were begun earlier and never got a result.
    `effects_begun` is true once a step with an effect was begun.
    """

    id: str
    command: CommandName
    status: OperationStatus = OperationStatus.ACTIVE
    started_at: UtcDatetime
    holder: Holder
    steps_done: tuple[StepResult, ...] = ()
    step: StepInHand | None = None
    doubts: tuple[StepInHand, ...] = ()
    effects_begun: bool = False
    failure: Failure | None = None
    resumes: str | None = None
    supersedes: str | None = None

    @property
    def is_active(self) -> bool:
        """Whether the operation is open: under way, or interrupted and not yet recovered."""
        return self.status is OperationStatus.ACTIVE

    @property
    def in_doubt(self) -> tuple[StepInHand, ...]:
        """The steps that were begun and have no result, latest first."""
        return (*([self.step] if self.step else []), *self.doubts)

    def with_intent(self, step: StepInHand) -> Operation:
        """Return the operation with a step begun; an earlier step without a result stays in doubt."""
        return self.model_copy(
            update={
                "step": step,
                "doubts": _without(self.in_doubt, step.name),
                # An effect that was begun may have changed the world, whatever becomes of the step.
                "effects_begun": self.effects_begun or step.has_effect,
            }
        )

    def with_process(self, process: ToolProcess) -> Operation:
        """Return the operation with a process that the current step has started."""
        if self.step is None:
            return self
        processes = (*self.step.processes, process)
        return self.model_copy(update={"step": self.step.model_copy(update={"processes": processes})})

    def with_result(self, result: StepResult) -> Operation:
        """Return the operation with a step finished."""
        # An earlier attempt of the step is no longer in doubt either.
        return self.without_step(result.name).model_copy(update={"steps_done": (*self.steps_done, result)})

    def without_step(self, name: str) -> Operation:
        """Return the operation with a step known to have failed, and so no longer in doubt."""
        step = None if self.step is None or self.step.name == name else self.step
        return self.model_copy(update={"step": step, "doubts": _without(self.doubts, name)})

    def failed(self, failure: Failure) -> Operation:
        """Return the operation closed by a failure."""
        return self.model_copy(update={"status": OperationStatus.FAILED, "failure": failure})

    def interrupted(self, failure: Failure) -> Operation:
        """Return the operation closed by recovery, after its process died."""
        return self.model_copy(update={"status": OperationStatus.INTERRUPTED, "failure": failure})


def _without(steps: tuple[StepInHand, ...], name: str) -> tuple[StepInHand, ...]:
    return tuple(step for step in steps if step.name != name)
