"""The environment, typed by its state."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, overload
from uuid import uuid4

from pydantic import BaseModel, Field, JsonValue, model_validator
from typing_extensions import TypeVar

from environments.model.command_name import CommandName
from environments.model.condition import condition, is_error, rollback, teardown_begun
from environments.model.errors import UnexpectedState
from environments.model.failure import Failure
from environments.model.fields.expiry import expiry
from environments.model.names import EnvironmentName
from environments.model.operation import (
    Applied,
    Operation,
    StepInHand,
    StepResult,
    ToolProcess,
    merged,
)
from environments.model.spec import EnvironmentSpec
from environments.model.states import AnyState, Created, DiscriminatedState, state_of
from statechart.utc import UtcDatetime

StateT = TypeVar("StateT", bound=AnyState, covariant=True, default=AnyState)
NewStateT = TypeVar("NewStateT", bound=AnyState)
FirstT = TypeVar("FirstT", bound=AnyState)
SecondT = TypeVar("SecondT", bound=AnyState)
ThirdT = TypeVar("ThirdT", bound=AnyState)


class Outputs(BaseModel, frozen=True, extra="forbid"):
    """The facts about the resources that the steps reported.

    `release` is the installed release, `serving` the release that the service runs, `served` the
    release that was healthy last, and `previous` the release that it ran before. `owned` is False for
    an adopted host. `details` hold the facts of a single kind of provider.
    """

    instance_ip: str | None = None
    port: int | None = None
    url: str | None = None
    release: str | None = None
    serving: str | None = None
    previous: str | None = None
    served: str | None = None
    owned: bool = True
    details: dict[str, JsonValue] = {}

    def updated(self, updates: dict[str, JsonValue]) -> Outputs:
        """Return the outputs with a step's updates; `details` are merged.

        Raises:
            pydantic.ValidationError: An update has an unknown name or the wrong type.
        """
        if not updates:
            return self
        details = updates.get("details", {})
        if isinstance(details, dict):
            details = {**self.details, **details}
        return Outputs.model_validate({**self.model_dump(), **updates, "details": details})

    @property
    def rollback(self) -> str | None:
        """The release that was healthy before the installed release, or None."""
        return rollback(self)


class Artifact(BaseModel, frozen=True, extra="forbid"):
    """A copy of files that the spec names, which is kept with the record for other machines.

    Attributes:
        digest: The SHA-256 of the archive, in hexadecimal; its name in the store.
        size: The size of the archive in bytes.
        machine: The host name of the machine on which the files were copied.
        packed_at: The time of the copy.
    """

    digest: str
    size: int
    machine: str
    packed_at: UtcDatetime


class Environment(BaseModel, Generic[StateT], frozen=True, extra="forbid"):
    """A deployment environment, as recorded.

    Environments are immutable: commands return the next revision. `lineage` distinguishes environments
    that had the same name, `revision` counts changes from 1, and `since` is the time of the last
    transition. `applied` tells for each command what it applied when it last succeeded. `artifacts` are
    the copies of the files that fields of the spec name, by field, in a store of many machines.
    """

    _changing_fields: ClassVar[tuple[str, ...]] = (
        *("revision", "created_at", "updated_at", "since"),
        *("state", "operation", "applied", "artifacts"),
    )
    """The fields that a store reads by themselves; see `statechart.storage.values.partly`."""

    name: EnvironmentName
    lineage: str
    revision: int
    created_at: UtcDatetime
    updated_at: UtcDatetime
    since: UtcDatetime
    spec: EnvironmentSpec
    outputs: Outputs = Outputs()
    if TYPE_CHECKING:
        state: StateT
    else:
        state: DiscriminatedState
    operation: Operation | None = None
    applied: dict[CommandName, Applied] = {}
    # Stored if there are any, so that the records of a data directory stay as they were.
    artifacts: dict[str, Artifact] = Field(default={}, exclude_if=lambda artifacts: not artifacts)

    if not TYPE_CHECKING:

        def __class_getitem__(cls, _state: object) -> type[Environment]:
            # A parametrised model is another class, which breaks isinstance and pickling.
            return cls

    @model_validator(mode="after")
    def _names_agree(self) -> Environment[StateT]:
        if self.name != self.spec.name:
            raise ValueError(f"the environment is named {self.name!r}, but its spec {self.spec.name!r}")
        return self

    @classmethod
    def new(
        cls, spec: EnvironmentSpec, at: datetime, artifacts: Mapping[str, Artifact] | None = None
    ) -> Environment[Created]:
        """Return a new environment, in the state created."""
        return Environment(
            name=spec.name,
            lineage=uuid4().hex,
            revision=1,
            created_at=at,
            updated_at=at,
            since=at,
            spec=spec,
            state=Created(),
            artifacts=dict(artifacts or {}),
        )

    def entering(
        self,
        state: NewStateT,
        *,
        at: datetime,
        operation: Operation | None = None,
        outputs: Outputs | None = None,
    ) -> Environment[NewStateT]:
        """Return the environment in another state, with the operation and the outputs of that state.

        No other method changes the state, and the chart decides about its calls.
        """
        return self.model_copy(  # type: ignore[return-value]  # a copy with another state has another type
            update={
                "revision": self.revision + 1,
                "updated_at": at,
                "since": at,
                "state": state,
                "operation": operation,
                "outputs": self.outputs if outputs is None else outputs,
            }
        )

    def achieving(self, state: NewStateT, *, at: datetime) -> Environment[NewStateT]:
        """Return the environment in the state that its operation was for, without the operation."""
        entered = self.entering(state, at=at)
        return entered.model_copy(update={"applied": self._applied_at(entered.revision)})

    def _applied_at(self, revision: int) -> dict[CommandName, Applied]:
        """Return the applied revisions and inputs after the success of the operation."""
        operation = self._operation
        if operation.command is CommandName.DESTROY:
            return {}
        if operation.command is CommandName.STOP:  # nothing runs any more
            return {key: value for key, value in self.applied.items() if key is not CommandName.RUN}
        inputs = merged((done.name, done.inputs) for done in operation.steps_done)
        return {**self.applied, operation.command: Applied(revision=revision, inputs=inputs)}

    def with_operation(self, operation: Operation | None, *, at: datetime) -> Environment[StateT]:
        """Return the environment with an operation opened or closed, in the same state."""
        return self._changed(at, operation=operation)

    def with_spec(
        self, spec: EnvironmentSpec, *, at: datetime, artifacts: Mapping[str, Artifact] | None = None
    ) -> Environment[StateT]:
        """Return the environment with another spec, perhaps with other artifacts, in the same state."""
        kept = self.artifacts if artifacts is None else dict(artifacts)
        return self._changed(at, spec=spec, artifacts=kept)

    def _changed(self, at: datetime, **update: object) -> Environment[StateT]:
        # Copies are not validated again, since all parts are validated values.
        return self.model_copy(update={"revision": self.revision + 1, "updated_at": at, **update})

    def with_intent(self, step: StepInHand) -> Environment[StateT]:
        """Return the environment with a step begun, at the same revision."""
        return self.model_copy(update={"operation": self._operation.with_intent(step)})

    def with_result(self, result: StepResult) -> Environment[StateT]:
        """Return the environment with a step finished and its outputs, at the same revision."""
        return self.model_copy(
            update={
                "operation": self._operation.with_result(result),
                "outputs": self.outputs.updated(result.outputs),
            }
        )

    def with_process(self, process: ToolProcess) -> Environment[StateT]:
        """Return the environment with a process that the current step started, at the same revision."""
        return self.model_copy(update={"operation": self._operation.with_process(process)})

    def without_step(self, name: str) -> Environment[StateT]:
        """Return the environment with a step known to have failed, at the same revision."""
        return self.model_copy(update={"operation": self._operation.without_step(name)})

    @property
    def _operation(self) -> Operation:
        if self.operation is None:
            raise ValueError(f"{self.name!r} has a recorded step, but no operation")
        return self.operation

    @property
    def failure(self) -> Failure | None:
        """The failure of the last operation, or else of the state."""
        if self.operation is not None and self.operation.failure is not None:
            return self.operation.failure
        return getattr(self.state, "failure", None)

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the spec."""
        return self.spec.labels

    @property
    def expires_at(self) -> datetime | None:
        """The time at which the environment expires, or None."""
        return expiry(self.created_at, self.spec.expires)

    @property
    def teardown_begun(self) -> bool:
        """Whether a destroy has begun to remove resources, after which only destroy is allowed."""
        return teardown_begun(self.operation)

    @property
    def run_under_way(self) -> bool:
        """Whether a run is being attempted."""
        operation = self.operation
        return operation is not None and operation.command is CommandName.RUN and operation.is_active

    @property
    def is_error(self) -> bool:
        """Whether the environment needs attention: its state is failed, or a teardown is incomplete."""
        return is_error(self.state.name, self.operation)

    @property
    def condition(self) -> str:
        """The state, and the command that is under way or has failed."""
        return condition(self.state.name, self.operation, getattr(self.state, "failure", None))

    def __str__(self) -> str:
        return f"Environment {self.name!r} is in state: {self.condition}"

    @overload
    def expect(self, first: type[FirstT], /) -> Environment[FirstT]: ...
    @overload
    def expect(self, first: type[FirstT], second: type[SecondT], /) -> Environment[FirstT | SecondT]: ...
    @overload
    def expect(
        self, first: type[FirstT], second: type[SecondT], third: type[ThirdT], /
    ) -> Environment[FirstT | SecondT | ThirdT]: ...
    def expect(self, *kinds: type[Any]) -> Environment[Any]:  # Any: the overloads say which
        """Return this environment, typed by its state.

        Raises:
            UnexpectedState: The environment is in none of the given states.
        """
        if not isinstance(self.state, kinds):
            raise UnexpectedState(
                self.name, expected=[state_of(kind) for kind in kinds], actual=self.state.name
            )
        return self


AnyEnvironment: TypeAlias = Environment[AnyState]
