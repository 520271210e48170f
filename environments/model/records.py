"""The history of an environment: its records, and its earlier revisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, Field, model_validator

from environments.model.environment import AnyEnvironment
from environments.model.errors import NoSuchMoment
from environments.model.operation import StepInHand, StepResult, ToolProcess
from statechart.errors import Stale
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


class CheckpointRecord(BaseModel, frozen=True, extra="forbid"):
    """A segment of the history ended, and another began with the environment as it was.

    It keeps the revision, and tells nothing new. Only readings that begin at this record contain it.
    """

    type: Literal["checkpoint"] = "checkpoint"
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
        # A failure has none of the three parts, only a summary.
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

AnyRecord: TypeAlias = Annotated[
    RevisionRecord | CheckpointRecord | StepRecord, Field(discriminator="type")
]


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


def check_revision(environment: AnyEnvironment, recorded: AnyEnvironment, *, behind: int = 0) -> None:
    """Check that an environment is the latest revision, or follows it by `behind` revisions.

    Raises:
        Stale: The recorded environment has another revision, or was created again.
    """
    expected = environment.revision - behind
    # Another lineage is another environment, even at the same revision.
    if environment.lineage != recorded.lineage or expected != recorded.revision:
        raise Stale(
            environment.name,
            expected=expected,
            actual=recorded.revision,
            replaced=environment.lineage != recorded.lineage,
        )


def operation_id(before: AnyEnvironment, after: AnyEnvironment | None = None) -> str | None:
    """Return the id of the operation after a change, or of the operation that the change ended."""
    # The record that closes an operation still belongs to it.
    operation = (after.operation if after else None) or before.operation
    return operation.id if operation else None


def precedes(operation: str) -> Callable[[HistoryEntry], bool]:
    """Return whether a checkpoint was recorded outside of an operation: before it, while that is open."""

    def is_outside(opening: HistoryEntry) -> bool:
        environment = after(None, opening.record)
        under_way = environment.operation if environment is not None else None
        return under_way is None or under_way.id != operation

    return is_outside


def attempts_of(entries: Iterable[HistoryEntry], operation: str) -> dict[str, int]:
    """Return how many attempts of each step an operation has begun since the step's last outcome.

    What recovery found out is no outcome of an attempt: the attempts before it count.
    """
    begun: dict[str, int] = {}
    for entry in entries:
        record = entry.record
        if entry.operation_id != operation or not isinstance(record, StepRecord):
            continue
        if record.intent is not None:
            begun[record.step] = begun.get(record.step, 0) + 1
        elif record.phase != "process" and record.settled is None:
            begun.pop(record.step, None)
    return begun


@dataclass(frozen=True, slots=True)
class Past:
    """An environment after a record."""

    entry: HistoryEntry
    environment: AnyEnvironment


def at_revision(name: str, entries: Sequence[HistoryEntry], revision: int) -> Past:
    """Return the environment at a revision, including the steps of that revision.

    Raises:
        NoSuchMoment: The history has no such revision.
    """
    upto = [entry for entry in entries if entry.revision <= revision]
    if not upto or upto[-1].revision != revision:
        first, last = entries[0].revision, entries[-1].revision
        raise NoSuchMoment(name, f"revision {revision}", f"revisions {first} to {last}")
    return _past(upto)


def at_time(name: str, entries: Sequence[HistoryEntry], moment: datetime) -> Past:
    """Return the environment at a moment.

    Raises:
        NoSuchMoment: The environment did not exist then.
    """
    # By the order of the records: their times may go back, since they come from the wall clock.
    upto: list[HistoryEntry] = []
    for entry in entries:
        if entry.at > moment:
            break
        upto.append(entry)
    if not upto:
        began = f"it was created at {entries[0].at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%fZ}"
        raise NoSuchMoment(name, f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}", began)
    return _past(upto)


def _past(entries: Sequence[HistoryEntry]) -> Past:
    return Past(entries[-1], fold(entry.record for entry in entries))


def replay(entries: Iterable[HistoryEntry]) -> Iterator[tuple[HistoryEntry, AnyEnvironment | None]]:
    """Yield each record in order, with the environment before the record; None before the first."""
    before: AnyEnvironment | None = None
    for entry in entries:
        yield entry, before
        before = after(before, entry.record)
