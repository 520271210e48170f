"""Records: what the history of an environment is made of."""

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

    Where the event opens an operation, or closes one, the environment after it says so.
    """

    type: Literal["transition"] = "transition"
    event: str
    from_state: str
    to_state: str
    reason: str | None = None
    environment: AnyEnvironment


class OperationRecord(BaseModel, frozen=True, extra="forbid"):
    """An operation was opened, closed or settled without a transition.

    `unlocked`: somebody ended the process that held the environment; `reason` says who.
    """

    type: Literal["operation"] = "operation"
    change: Literal["opened", "closed", "settled", "unlocked"]
    reason: str | None = None
    environment: AnyEnvironment


class AmendedRecord(BaseModel, frozen=True, extra="forbid"):
    """The spec was changed; `fields` names what differs, dotted from the spec."""

    type: Literal["amended"] = "amended"
    fields: tuple[str, ...]
    environment: AnyEnvironment


class RebasedRecord(BaseModel, frozen=True, extra="forbid"):
    """A new history was begun from what could be read of a damaged one, which was kept.

    `damaged` names the kept file, `damaged_sha256` is its hash; `reason` says who did it and why.
    """

    type: Literal["rebased"] = "rebased"
    damaged: str
    damaged_sha256: str
    reason: str | None = None
    environment: AnyEnvironment


class HowSettled(BaseModel, frozen=True, extra="forbid"):
    """How recovery came to know whether a step in doubt was done.

    `by` is `probe` when the world told, `person` when somebody decided: `who`, and why.
    """

    by: Literal["probe", "person"]
    reason: str
    who: str | None = None


class StepRecord(BaseModel, frozen=True, extra="forbid"):
    """A step was begun (`intent`), was finished (`result`), or failed in a known way (`failure`).

    `process` tells of a process that it started. A record keeps the revision, and carries only its
    own part; one that recovery wrote says in `settled` how it came to know.
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
            raise ValueError("an intent record carries the step in hand, and no other does")
        if (self.phase == "result") != (self.result is not None):
            raise ValueError("a result record carries the step's result, and no other does")
        if (self.phase == "process") != (self.process is not None):
            raise ValueError("a process record carries the process, and no other does")
        return self

    def applied_to(self, environment: AnyEnvironment) -> AnyEnvironment:
        """Return the environment as this record leaves it."""
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


def fold(records: Iterable[AnyRecord]) -> AnyEnvironment:
    """Return the environment as a history of records leaves it.

    Raises:
        ValueError: The first record carries no environment.
    """
    environment: AnyEnvironment | None = None
    for record in records:
        environment = after(environment, record)
    if environment is None:
        raise ValueError("a history begins with a record that carries the environment")
    return environment


def after(before: AnyEnvironment | None, record: AnyRecord) -> AnyEnvironment | None:
    """Return the environment as a record leaves it; None where a step has nothing before it."""
    if isinstance(record, StepRecord):
        return None if before is None else record.applied_to(before)
    return record.environment
