"""Operation: the command that is being, or was last, attempted."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel, JsonValue

from environments.failure import CommandName, Failure
from statechart.holder import Holder
from statechart.utc import UtcDatetime


class OperationStatus(StrEnum):
    """How far an operation has come. Success leaves none behind."""

    ACTIVE = "active"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class StepResult(BaseModel, frozen=True, extra="forbid"):
    """What a finished step left: enough to decide later whether it has to be done again.

    `digest` is the SHA-256 of the step's inputs; `outputs` are updates of the environment's outputs.
    """

    name: str
    version: int
    digest: str
    has_effect: bool = True
    outputs: dict[str, JsonValue] = {}
    note: str | None = None
    attempts: int = 1
    duration: timedelta = timedelta()
    probed: bool = False
    """Whether a probe found it done, instead of its effect being run."""


class StepInHand(BaseModel, frozen=True, extra="forbid"):
    """A step that was begun and has no result: in doubt, if nobody is at it any more."""

    name: str
    number: int
    of: int
    started_at: UtcDatetime
    has_effect: bool = True


class Operation(BaseModel, frozen=True, extra="forbid"):
    """A command under way, or the last one when it did not succeed.

    `steps_done` are the results so far, carried over from the operation that it `resumes`.
    `effects_begun` tells whether a step that changes the world was begun.
    """

    id: str
    command: CommandName
    status: OperationStatus = OperationStatus.ACTIVE
    started_at: UtcDatetime
    holder: Holder
    steps_done: tuple[StepResult, ...] = ()
    step: StepInHand | None = None
    effects_begun: bool = False
    failure: Failure | None = None
    resumes: str | None = None
    supersedes: str | None = None

    @property
    def is_active(self) -> bool:
        """Whether nothing has closed it: it is under way, or it was interrupted."""
        return self.status is OperationStatus.ACTIVE

    def with_intent(self, step: StepInHand) -> Operation:
        """Return it with a step begun."""
        return self.model_copy(
            update={"step": step, "effects_begun": self.effects_begun or step.has_effect}
        )

    def with_result(self, result: StepResult) -> Operation:
        """Return it with the step in hand finished."""
        return self.model_copy(update={"step": None, "steps_done": (*self.steps_done, result)})

    def without_step(self) -> Operation:
        """Return it with the step in hand known to have failed: no longer in doubt."""
        return self.model_copy(update={"step": None})

    def failed(self, failure: Failure) -> Operation:
        """Return it closed by a failure."""
        return self.model_copy(update={"status": OperationStatus.FAILED, "failure": failure})
