"""The stored forms of environments and records, for reading without pydantic.

A form has the attributes of its model, so that both are presented by the same code.
"""

# The models are the definition; tests/model/test_stored.py compares the forms with them.

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, TypeAlias

from environments.model.condition import condition, is_error, teardown_begun
from environments.model.fields.expiry import expiry, read_expires
from environments.model.fields.labels import check_labels
from environments.model.fields.last_look import LastLook
from statechart.storage.forms import Form, Misfit

SCHEMA_VERSION = 3
"""The version of the forms; earlier versions are read by the models, and newer versions refused."""

Command: TypeAlias = Literal["provision", "register", "configure", "release", "run", "stop", "destroy"]
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


class StoredHolder(Form):
    """A process that holds or held an environment."""

    pid: int
    host: str
    user: str
    command: str
    since: datetime
    token: str
    start_ticks: int | None
    boot_id: str | None
    pid_namespace: str | None


class StoredFailure(Form):
    """The failure of a command."""

    command: Command
    step: str
    cause: Cause
    summary: str
    started_at: datetime
    failed_at: datetime
    duration: timedelta
    trace_id: str
    trace_file: str | None


class StoredProcess(Form):
    """A process that a step started."""

    pid: int
    program: str
    started: int | None
    boot_id: str | None
    pid_namespace: str | None


class StoredStep(Form):
    """A step that was begun and has no result."""

    name: str
    number: int
    of: int
    started_at: datetime
    has_effect: bool
    processes: list[StoredProcess]


class StoredResult(Form):
    """The result of a finished step."""

    name: str
    version: int
    digest: str
    inputs: dict[str, str]
    has_effect: bool
    outputs: dict[str, Any]  # Any: JSON, here and below
    note: str | None
    attempts: int
    duration: timedelta
    probed: bool


class StoredApplied(Form):
    """The inputs that a command applied when it last succeeded."""

    revision: int
    inputs: dict[str, str]


class StoredOperation(Form):
    """A command under way, or the last command if it did not succeed."""

    id: str
    command: Command
    status: Literal["active", "failed", "interrupted"]
    started_at: datetime
    holder: StoredHolder
    steps_done: list[StoredResult]
    step: StoredStep | None
    doubts: list[StoredStep]
    effects_begun: bool
    failure: StoredFailure | None
    resumes: str | None
    supersedes: str | None

    @property
    def is_active(self) -> bool:
        """Whether the command is under way, or was interrupted."""
        return self.status == "active"


class StoredState(Form):
    """A state; the four states of failure have the failure."""

    sparse = True

    name: StateName
    failure: StoredFailure | None

    def check(self) -> None:
        """Raise Misfit if a failed state is without a failure, or another state has a failure."""
        if self.name.endswith("_failed") is (self.failure is None):
            raise Misfit


class StoredOutputs(Form):
    """The facts about the resources."""

    instance_ip: str | None
    port: int | None
    url: str | None
    release: str | None
    serving: str | None
    previous: str | None
    served: str | None
    owned: bool
    details: dict[str, Any]


class StoredProvider(Form):
    """The part of a provider's spec that all providers share."""

    extra = True

    kind: str


class StoredSpec(Form):
    """The spec of an environment; the fields of the provider are its own."""

    sparse = True

    name: str
    provider: StoredProvider
    instance_name: str
    description: str
    labels: dict[str, str] | None
    expires: timedelta | datetime | None
    on_expiry: str | None

    def check(self) -> None:
        """Raise ValueError if the labels or the expiry are not as the model stores them."""
        if self.on_expiry is not None and (self.on_expiry != "destroy" or self.expires is None):
            raise Misfit
        if self.labels is not None:
            if not self.labels:
                raise Misfit
            check_labels(self.labels)
        read_expires(self.expires)


class StoredArtifact(Form):
    """A copy of a directory that a spec names."""

    digest: str
    size: int
    machine: str
    packed_at: datetime


class StoredEnvironment(Form, omitted=("artifacts",)):
    """An environment as it lies in its document and in its records."""

    name: str
    lineage: str
    revision: int
    created_at: datetime
    updated_at: datetime
    since: datetime
    spec: StoredSpec
    outputs: StoredOutputs
    state: StoredState
    operation: StoredOperation | None
    applied: dict[Command, StoredApplied]
    artifacts: dict[str, StoredArtifact] | None
    if TYPE_CHECKING:  # set apart: they are not in the document
        actor: str | None
        last_look: LastLook | None
    else:
        actor = last_look = None

    def seen(self, actor: str | None, look: LastLook | None) -> Self:
        """Return the environment with the actor of its last record, and the last look at the world."""
        vars(self).update(actor=actor, last_look=look)
        return self

    @property
    def stored_operation(self) -> StoredOperation | None:
        """The operation, by the name that it has in a summary."""
        return self.operation

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the spec."""
        return self.spec.labels or {}

    @property
    def expires_at(self) -> datetime | None:
        """The time at which the environment expires, or None."""
        return expiry(self.created_at, self.spec.expires)

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


class _Changing(Form):
    if TYPE_CHECKING:  # set apart: within a record, keys without a value are left out, but not within this
        environment: StoredEnvironment


class StoredCreated(_Changing):
    """The environment was created."""

    type: Literal["created"]


class StoredTransition(_Changing):
    """An event took the environment from one state to another."""

    type: Literal["transition"]
    event: str
    from_state: str
    to_state: str
    reason: str | None


class StoredChange(_Changing):
    """An operation was opened, closed or settled without a transition."""

    type: Literal["operation"]
    change: Literal["opened", "closed", "settled", "unlocked"]
    reason: str | None


class StoredAmended(_Changing):
    """The spec was changed."""

    type: Literal["amended"]
    fields: list[str]


class StoredRebased(_Changing):
    """A new history was begun from the readable part of a damaged history."""

    type: Literal["rebased"]
    damaged: str
    damaged_sha256: str
    reason: str | None


class StoredSettlement(Form):
    """How recovery came to know whether a step in doubt was done."""

    by: Literal["probe", "person"]
    reason: str
    who: str | None


class StoredStepRecord(Form):
    """A step was begun, started a process, was finished, or failed in a known way."""

    type: Literal["step"]
    phase: Literal["intent", "process", "result", "failure"]
    step: str
    intent: StoredStep | None
    process: StoredProcess | None
    result: StoredResult | None
    summary: str | None
    settled: StoredSettlement | None

    def check(self) -> None:
        """Raise Misfit if the record has another part than that of its phase."""
        for part in ("intent", "process", "result"):
            if (self.phase == part) is (getattr(self, part) is None):
                raise Misfit


StoredRecord: TypeAlias = (
    StoredCreated | StoredTransition | StoredChange | StoredAmended | StoredRebased | StoredStepRecord
)


class StoredEntry(NamedTuple):
    """A record, numbered, dated and signed."""

    seq: int
    revision: int
    at: datetime
    actor: str
    operation_id: str | None
    record: StoredRecord
    plain: dict[str, Any]
