"""Record the outcome of an operation, with the transition that it leads to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from environments.lifecycle import Lifecycle, Subject
from environments.model.command_name import CommandName
from environments.model.failure import STEPS_DONE, Failure
from environments.model.operation import Operation
from environments.model.records import OperationRecord, TransitionRecord
from environments.model.states import EnvironmentState, enter as enter_state
from statechart.errors import StorageError
from statechart.firing import fire_on

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.ports import Session
    from statechart.chart import Event
    from statechart.engine.hooks import Transition


_WITHOUT_FAILURE_STATE = {CommandName.REGISTER, CommandName.STOP, CommandName.DESTROY}


@dataclass(frozen=True, slots=True)
class EnvironmentLedger:
    """The ledger of a session: environments record transitions with their operation and reason."""

    session: Session
    operation_id: str
    reason: str | None = None
    subject: str | None = field(default=None, init=False)  # the model has the name

    @property
    def value(self) -> AnyEnvironment:
        """The environment as recorded now."""
        return self.session.environment

    @property
    def revision(self) -> int:
        """The environment's revision."""
        return self.session.environment.revision

    def model(self) -> Subject:
        """Return the object that the lifecycle's guards see."""
        return Subject.of(self.session.environment)

    def commit(self, value: AnyEnvironment, transition: Transition) -> Mapping[str, object]:
        """Make a transition durable; return the fields of its log line."""
        record = TransitionRecord(
            event=transition.event,
            from_state=transition.from_state,
            to_state=transition.to_state,
            reason=self.reason,
            environment=value,
        )
        self.session.commit(record)
        return {
            "environment_name": value.name,
            "instance_name": value.spec.instance_name,
            "revision": value.revision,
            "operation_id": self.operation_id,
            "trace_id": self.operation_id,  # the name under which tracing tools look for it
        }


def fire(
    session: Session,
    event: Event,
    enter: Callable[[AnyEnvironment, EnvironmentState], AnyEnvironment],
    operation_id: str,
    reason: str | None = None,
) -> None:
    """Fire an event of the lifecycle on the environment that a session holds, and record it.

    `enter` makes the next environment from the present environment and the state that it enters.
    """

    def evolve(environment: AnyEnvironment, transition: Transition) -> AnyEnvironment:
        return enter(environment, EnvironmentState(transition.to_state))

    fire_on(EnvironmentLedger(session, operation_id, reason), Lifecycle, event, evolve)


def record_achievement(
    session: Session, event: Event, operation_id: str, at: datetime, reason: str | None = None
) -> None:
    """Record success: enter the state that the operation was for, without an operation."""

    def enter(environment: AnyEnvironment, state: EnvironmentState) -> AnyEnvironment:
        return environment.achieving(enter_state(state), at=at)

    fire(session, event, enter, operation_id, reason)


def record_failure(
    session: Session,
    failure: Failure,
    left: Operation,
    *,
    operation_id: str,
    change: Literal["closed", "settled"] = "closed",
) -> None:
    """Record a failure: enter the command's failure state, with the operation `left`.

    Register, stop and destroy have no failure state: the environment stays in its state.
    """
    at = failure.failed_at
    if failure.command in _WITHOUT_FAILURE_STATE:
        environment = session.environment.with_operation(left, at=at)
        session.commit(OperationRecord(change=change, reason=failure.summary, environment=environment))
        return

    def enter(environment: AnyEnvironment, state: EnvironmentState) -> AnyEnvironment:
        return environment.entering(enter_state(state, failure), at=at, operation=left)

    fire(session, Lifecycle.fail, enter, operation_id, failure.summary)


def with_trace(session: Session, failure: Failure, detail: str = "") -> Failure:
    """Store the trace of a failure; return the failure with the path, if the trace was stored."""
    at, command, operation = failure.failed_at, failure.command, failure.trace_id
    name = f"{at:%Y%m%dT%H%M%S.%fZ}-{command}-{operation[:12]}.log"
    try:
        place = session.write_trace(name, trace(session.environment, failure, detail))
    except StorageError:  # the failure matters more than its trace
        return failure
    return failure.model_copy(update={"trace_file": place})


def trace(environment: AnyEnvironment, failure: Failure, detail: str) -> str:
    """Return the content of a trace file, which explains a failure to people."""
    operation = environment.operation
    lines = [
        f"{failure.command} of environment {environment.name!r} failed at step {failure.step}",
        "",
        f"summary    {failure.summary}",
        f"cause      {failure.cause}",
        f"started    {failure.started_at.isoformat()}",
        f"failed     {failure.failed_at.isoformat()} (after {failure.duration.total_seconds():.3f} s)",
        f"operation  {failure.trace_id}",
        f"state      {environment.state.name}, revision {environment.revision}",
    ]
    if operation is not None:
        lines.append(f"by         {operation.holder.describe()}")
        lines += ["", STEPS_DONE]
        lines += [f"  {done.name}  {done.duration.total_seconds():.3f} s" for done in operation.steps_done]
    if detail:
        lines += ["", detail.rstrip()]
    return "\n".join(lines) + "\n"
