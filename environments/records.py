"""Records: what the history of an environment is made of."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, Field, model_validator

from environments.environment import AnyEnvironment
from environments.operation import StepInHand, StepResult
from statechart.utc import UtcDatetime


class CreatedRecord(BaseModel, frozen=True, extra="forbid"):
    """The environment was created."""

    type: Literal["created"] = "created"
    environment: AnyEnvironment


class TransitionRecord(BaseModel, frozen=True, extra="forbid"):
    """An event took the environment from one state to another.

    Where the event opens an operation, or closes one, the environment after it says so.
    """

    type: Literal["transition"] = "transition"
    event: str
    from_state: str
    to_state: str
    reason: str | None = None
    environment: AnyEnvironment


class OperationRecord(BaseModel, frozen=True, extra="forbid"):
    """An operation was opened, closed or settled without a transition."""

    type: Literal["operation"] = "operation"
    change: Literal["opened", "closed", "settled"]
    reason: str | None = None
    environment: AnyEnvironment


class AmendedRecord(BaseModel, frozen=True, extra="forbid"):
    """The spec was changed; `fields` names what differs, dotted from the spec."""

    type: Literal["amended"] = "amended"
    fields: tuple[str, ...]
    environment: AnyEnvironment


class StepRecord(BaseModel, frozen=True, extra="forbid"):
    """A step was begun (`intent`), was finished (`result`), or failed in a known way (`failure`).

    It keeps the revision, and carries only its own part.
    """

    type: Literal["step"] = "step"
    phase: Literal["intent", "result", "failure"]
    step: str
    intent: StepInHand | None = None
    result: StepResult | None = None
    summary: str | None = None

    @model_validator(mode="after")
    def _part_fits_phase(self) -> StepRecord:
        if (self.phase == "intent") != (self.intent is not None):
            raise ValueError("an intent record carries the step in hand, and no other does")
        if (self.phase == "result") != (self.result is not None):
            raise ValueError("a result record carries the step's result, and no other does")
        return self

    def applied_to(self, environment: AnyEnvironment) -> AnyEnvironment:
        """Return the environment as this record leaves it."""
        if self.intent is not None:
            return environment.with_intent(self.intent)
        if self.result is not None:
            return environment.with_result(self.result)
        return environment.without_step()


RevisionRecord: TypeAlias = CreatedRecord | TransitionRecord | OperationRecord | AmendedRecord
"""A record that carries the environment after it and raises the revision by one."""

AnyRecord: TypeAlias = Annotated[RevisionRecord | StepRecord, Field(discriminator="type")]


class HistoryEntry(BaseModel, frozen=True, extra="forbid"):
    """A record as the storage keeps it: numbered, dated and signed.

    `seq` counts all records from 1 and is their order; `revision` is the environment's after it.
    """

    seq: int
    revision: int
    at: UtcDatetime
    actor: str
    operation_id: str | None
    record: AnyRecord
