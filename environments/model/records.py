"""The records of an environment's history."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, Field, model_validator

from environments.model.environment import AnyEnvironment
from environments.model.operation import StepInHand, StepResult, ToolProcess
from statechart.utc import UtcDatetime


class CreatedRecord(BaseModel, frozen=True, extra="forbid"):
    """The environment was created."""

    type: Literal["created"] = "created"
    environment: AnyEnvironment


class TransitionRecord(BaseModel, frozen=True, extra="forbid"):
    """An event took the environment from one state to another.

    The event may have opened or closed an operation.
    """

    type: Literal["transition"] = "transition"
    event: str
    from_state: str
    to_state: str
    reason: str | None = None
    environment: AnyEnvironment


class OperationRecord(BaseModel, frozen=True, extra="forbid"):
    """An operation was opened, closed or settled without a transition.

    `unlocked` records that the process holding the environment was ended; `reason` names the person.
    """

    type: Literal["operation"] = "operation"
    change: Literal["opened", "closed", "settled", "unlocked"]
    reason: str | None = None
    environment: AnyEnvironment


class AmendedRecord(BaseModel, frozen=True, extra="forbid"):
    """The spec was changed; `fields` are the dotted names of the fields that differ."""

    type: Literal["amended"] = "amended"
    fields: tuple[str, ...]
    environment: AnyEnvironment


class RebasedRecord(BaseModel, frozen=True, extra="forbid"):
    """A new history was begun from the readable part of a damaged history.

    The damaged file is kept as `damaged`, with the hash `damaged_sha256`; `reason` names the person
    and the cause.
    """

    type: Literal["rebased"] = "rebased"
    damaged: str
    damaged_sha256: str
    reason: str | None = None
    environment: AnyEnvironment


class HowSettled(BaseModel, frozen=True, extra="forbid"):
    """The evidence by which recovery settled a step in doubt.

    `by` is `probe` if a probe found out, and `person` if a person, `who`, decided.
    """

    by: Literal["probe", "person"]
    reason: str
    who: str | None = None


class StepRecord(BaseModel, frozen=True, extra="forbid"):
    """A step was begun (`intent`), started a `process`, was finished (`result`) or failed (`failure`).

    The record does not raise the revision and holds only the step. In records of recovery, `settled`
    holds the evidence.
    """

    type: Literal["step"] = "step"
    phase: Literal["intent", "process", "result", "failure"]
    step: str
    intent: StepInHand | None = None
    process: ToolProcess | None = None
    result: StepResult | None = None
    summary: str | None = None
    settled: HowSettled | None = None

    @model_validator(mode="after")
    def _part_fits_phase(self) -> StepRecord:
        if (self.phase == "intent") != (self.intent is not None):
            raise ValueError("only an intent record has an intent")
        if (self.phase == "result") != (self.result is not None):
            raise ValueError("only a result record has a result")
        if (self.phase == "process") != (self.process is not None):
            raise ValueError("only a process record has a process")
        return self

    def applied_to(self, environment: AnyEnvironment) -> AnyEnvironment:
        """Return an environment with this record applied."""
        if self.intent is not None:
            return environment.with_intent(self.intent)
        if self.process is not None:
            return environment.with_process(self.process)
        if self.result is not None:
            return environment.with_result(self.result)
        return environment.without_step(self.step)


RevisionRecord: TypeAlias = (
    CreatedRecord | TransitionRecord | OperationRecord | AmendedRecord | RebasedRecord
)
"""A record with the environment after the change, which raises the revision by one."""

AnyRecord: TypeAlias = Annotated[RevisionRecord | StepRecord, Field(discriminator="type")]


class HistoryEntry(BaseModel, frozen=True, extra="forbid"):
    """A stored record, with its number, time and actor.

    `seq` numbers all records from 1; `revision` is the environment's revision after the record.
    """

    seq: int
    revision: int
    at: UtcDatetime
    actor: str
    operation_id: str | None
    record: AnyRecord


def fold(records: Iterable[AnyRecord]) -> AnyEnvironment:
    """Apply all records of a history and return the environment.

    Raises:
        ValueError: The first record has no environment.
    """
    environment: AnyEnvironment | None = None
    for record in records:
        environment = after(environment, record)
    if environment is None:
        raise ValueError("the first record of a history has no environment")
    return environment


def after(before: AnyEnvironment | None, record: AnyRecord) -> AnyEnvironment | None:
    """Return the environment after a record, or None for a step without an environment before."""
    if isinstance(record, StepRecord):
        return None if before is None else record.applied_to(before)
    return record.environment
