"""Stored forms: environments and records as they lie on disk, read without pydantic.

The models are the definition, and a test holds these forms against them. A form has the attributes
of its model, so that an environment is presented alike from either.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType, convert, field

from environments.model.condition import condition, is_error, teardown_begun

Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
SCHEMA_VERSION = 2
"""The version of the forms; records of earlier versions are read by the models, newer ones refused."""

_DURATION = r"^(-?)P(?:(\d+)Y)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,6}))?S)?)?$"
Duration: TypeAlias = Annotated[str, Meta(pattern=_DURATION)]
Command: TypeAlias = Literal["provision", "register", "configure", "release", "run", "destroy"]
StateName: TypeAlias = Literal[
    "created",
    "provisioning",
    "provisioned",
    "configuring",
    "configured",
    "releasing",
    "released",
    "running",
    "destroyed",
    "provision_failed",
    "configure_failed",
    "release_failed",
    "run_failed",
]
Cause: TypeAlias = Literal[
    "template_rendering",
    "infrastructure",
    "network",
    "authentication",
    "command_execution",
    "timeout",
    "file_system",
    "configuration",
    "persistence",
    "interrupted",
    "cancelled",
]


def pruned(value: Any) -> Any:
    """Return JSON without the keys that have no value, as the parts of a record are stored."""
    if isinstance(value, dict):
        return {key: pruned(part) for key, part in value.items() if part is not None}
    return [pruned(part) for part in value] if isinstance(value, list) else value


class Stored(Struct, frozen=True, forbid_unknown_fields=True):
    """The base of the forms: immutable, and strict about fields and types."""


def _parsed(duration: str) -> timedelta:
    """Return a duration from the form that pydantic gives it, in which a year has 365 days."""
    found = re.search(_DURATION, duration)
    assert found is not None
    sign, *parts, fraction = found.groups()
    years, days, hours, minutes, seconds = (int(part or 0) for part in parts)
    micro = int((fraction or "").ljust(6, "0"))
    passed = timedelta(years * 365 + days, seconds, micro, minutes=minutes, hours=hours)
    return -passed if sign else passed


class StoredHolder(Stored, frozen=True, kw_only=True):
    """A process that holds or held an environment."""

    pid: int
    host: str
    user: str
    command: str
    since: Moment
    token: str
    start_ticks: int | None = None
    boot_id: str | None = None
    pid_namespace: str | None


class StoredFailure(Stored, frozen=True, kw_only=True):
    """What went wrong in a command."""

    command: Command
    step: str
    cause: Cause
    summary: str
    started_at: Moment
    failed_at: Moment
    stored_duration: Duration = field(name="duration")
    trace_id: str
    trace_file: str | None = None

    @property
    def duration(self) -> timedelta:
        """How long the command took."""
        return _parsed(self.stored_duration)


class StoredProcess(Stored, frozen=True, kw_only=True):
    """A process that a step started."""

    pid: int
    program: str
    started: int | None = None
    boot_id: str | None
    pid_namespace: str | None = None


class StoredStep(Stored, frozen=True):
    """A step that was begun and has no result."""

    name: str
    number: int
    of: int
    started_at: Moment
    has_effect: bool
    processes: list[StoredProcess]


class StoredResult(Stored, frozen=True, kw_only=True):
    """What a finished step left."""

    name: str
    version: int
    digest: str
    has_effect: bool
    outputs: dict[str, Any]  # Any: JSON, here and below
    note: str | None = None
    attempts: int
    stored_duration: Duration = field(name="duration")
    probed: bool

    @property
    def duration(self) -> timedelta:
        """How long the step took."""
        return _parsed(self.stored_duration)


class StoredOperation(Stored, frozen=True, kw_only=True):
    """A command under way, or the last one when it did not succeed."""

    id: str
    command: Command
    status: Literal["active", "failed", "interrupted"]
    started_at: Moment
    holder: StoredHolder
    steps_done: list[StoredResult]
    step: StoredStep | None = None
    doubts: list[StoredStep]
    effects_begun: bool
    failure: StoredFailure | None = None
    resumes: str | None = None
    supersedes: str | None = None

    @property
    def is_active(self) -> bool:
        """Whether the command is under way, or was interrupted."""
        return self.status == "active"


class StoredState(Stored, frozen=True):
    """A state; the four states of failure have the failure."""

    name: StateName
    stored_failure: StoredFailure | UnsetType = field(name="failure", default=UNSET)

    def __post_init__(self) -> None:
        if self.name.endswith("_failed") is (self.stored_failure is UNSET):
            raise ValueError("a state of failure has its failure, and no other has one")

    @property
    def failure(self) -> StoredFailure | None:
        """The failure, in the four states of failure."""
        return None if self.stored_failure is UNSET else self.stored_failure


class StoredOutputs(Stored, frozen=True, kw_only=True):
    """What is known of the real thing."""

    instance_ip: str | None = None
    port: int | None = None
    url: str | None = None
    release: str | None = None
    serving: str | None = None
    previous: str | None = None
    owned: bool
    details: dict[str, Any]


class StoredProvider(Struct, frozen=True):
    """The part of a provider's spec that all providers share."""

    kind: str


class StoredSpec(Stored, frozen=True):
    """What an environment shall be; the provider's part is its own."""

    name: str
    stored_provider: dict[str, Any] = field(name="provider")
    instance_name: str
    description: str

    @property
    def provider(self) -> StoredProvider:
        """The provider, as far as it is known here."""
        return convert(self.stored_provider, StoredProvider)


class StoredEnvironment(Stored, frozen=True):
    """An environment as it lies in its document and in its records."""

    name: str
    lineage: str
    revision: int
    created_at: Moment
    updated_at: Moment
    since: Moment
    spec: StoredSpec
    outputs: StoredOutputs
    state: StoredState
    operation: StoredOperation | None

    @property
    def teardown_begun(self) -> bool:
        """Whether a destroy has begun to remove resources."""
        return teardown_begun(self.operation)

    @property
    def is_error(self) -> bool:
        """Whether the environment needs attention."""
        return is_error(self.state.name, self.operation)

    @property
    def condition(self) -> str:
        """The state, and the command that is under way or has failed."""
        return condition(self.state.name, self.operation, self.state.failure)

    @property
    def failure(self) -> StoredFailure | None:
        """The failure that matters now: of the last operation, or else of the state."""
        if self.operation is not None and self.operation.failure is not None:
            return self.operation.failure
        return self.state.failure


class StoredCreated(Stored, frozen=True):
    """The environment was created."""

    type: Literal["created"]
    environment: StoredEnvironment


class StoredTransition(Stored, frozen=True, kw_only=True):
    """An event took the environment from one state to another."""

    type: Literal["transition"]
    event: str
    from_state: str
    to_state: str
    reason: str | None = None
    environment: StoredEnvironment


class StoredChange(Stored, frozen=True, kw_only=True):
    """An operation was opened, closed or settled without a transition."""

    type: Literal["operation"]
    change: Literal["opened", "closed", "settled", "unlocked"]
    reason: str | None = None
    environment: StoredEnvironment


class StoredAmended(Stored, frozen=True):
    """The spec was changed."""

    type: Literal["amended"]
    fields: list[str]
    environment: StoredEnvironment


class StoredRebased(Stored, frozen=True, kw_only=True):
    """A new history was begun from what could be read of a damaged one."""

    type: Literal["rebased"]
    damaged: str
    damaged_sha256: str
    reason: str | None = None
    environment: StoredEnvironment


class StoredSettlement(Stored, frozen=True, kw_only=True):
    """How recovery came to know whether a step in doubt was done."""

    by: Literal["probe", "person"]
    reason: str
    who: str | None = None


class StoredStepRecord(Stored, frozen=True, kw_only=True):
    """A step was begun, started a process, was finished, or failed in a known way."""

    type: Literal["step"]
    phase: Literal["intent", "process", "result", "failure"]
    step: str
    intent: StoredStep | None = None
    process: StoredProcess | None = None
    result: StoredResult | None = None
    summary: str | None = None
    settled: StoredSettlement | None = None

    def __post_init__(self) -> None:
        for part in ("intent", "process", "result"):
            if (self.phase == part) is (getattr(self, part) is None):
                raise ValueError("a record of a step carries the part of its phase, and no other")


StoredRecord: TypeAlias = (
    StoredCreated | StoredTransition | StoredChange | StoredAmended | StoredRebased | StoredStepRecord
)


class StoredEntry(Stored, frozen=True):
    """A record, numbered, dated and signed."""

    seq: int
    revision: int
    at: Moment
    actor: str
    operation_id: str | None
    record: StoredRecord
