"""View: a recorded environment, together with the process that works on it now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeAlias, TypeVar

from environments.model.condition import PARTLY, rollback
from environments.model.errors import UnreadableSummary
from environments.presentation.guidance import next_steps, repairs

if TYPE_CHECKING:
    from environments.model.condition import Attempt
    from environments.model.environment import AnyEnvironment
    from environments.model.fields.last_look import LastLook
    from environments.model.stored import StoredEnvironment, StoredFailure, StoredOperation
    from environments.model.summary import FailureHead, Summary
    from environments.presentation.pace import Pace
    from statechart.holder import Holder

    Shown: TypeAlias = AnyEnvironment | StoredEnvironment

ShownT_co = TypeVar("ShownT_co", bound="Shown", covariant=True)


class Reader(Protocol):
    """The part of a storage or a workspace that a view needs."""

    def load(self, name: str) -> AnyEnvironment:
        """Return the environment as it is recorded."""
        ...

    def holder(self, name: str) -> Holder | None:
        """Return the process that is changing the environment now, or None."""
        ...

    def summary(self, name: str) -> Summary | UnreadableSummary:
        """Return the summary of the environment, with what is known beside its record."""
        ...


@dataclass(frozen=True, slots=True)
class View(Generic[ShownT_co]):
    """An environment and its holder, which together tell whether a command was interrupted.

    The environment is the model, or its stored form if it is settled.

    Attributes:
        environment: The environment.
        holder: The process that works on the environment, or None.
        unreleased: A sentence if the application was compared, and differs from the installed release.
        actor: Who wrote the last record, if that is known.
        last_look: The differences that `drift` found when it last looked, or None.
        pace: The pace of the command under way, if it was asked for.
    """

    environment: ShownT_co
    holder: Holder | None = None
    unreleased: str | None = None
    actor: str | None = None
    last_look: LastLook | None = None
    pace: Pace | None = None

    @property
    def interrupted(self) -> bool:
        """Whether a command was begun, and its process is gone."""
        return is_interrupted(self.environment.operation, held=self.holder is not None)

    @property
    def is_error(self) -> bool:
        """Whether the environment needs attention."""
        return self.environment.is_error or self.interrupted

    @property
    def condition(self) -> str:
        """The state, and the command that is under way, was interrupted or has failed."""
        if self.interrupted:
            return interrupted_condition(self.environment.state.name, self.environment.operation)
        return self.environment.condition

    @property
    def next_steps(self) -> tuple[str, ...]:
        """The commands that are possible now, the best first; `NAME` stands for the name."""
        environment = self.environment
        return next_steps(
            environment.state.name,
            environment.operation,
            held=self.holder is not None,
            unreleased=self.unreleased is not None,
            rollback=rollback(environment.outputs) is not None,
            repairs=self.repairs,
        )

    @property
    def repairs(self) -> tuple[str, ...]:
        """The commands that end the differences that `drift` found when it last looked."""
        return repairs(self.last_look, self.environment.revision)


def is_interrupted(operation: Attempt | None, *, held: bool) -> bool:
    """Return whether an operation is open while no process works on it."""
    return operation is not None and operation.is_active and not held


def interrupted_condition(state: str, operation: Attempt | None) -> str:
    """Describe a state whose command was interrupted; a stop or a teardown that has begun leads."""
    if operation is None:
        return state
    at = f" at step {operation.step.name}" if operation.step else " between two steps"
    if operation.command in PARTLY and operation.effects_begun:
        return f"{state}, {operation.command} interrupted{at}: {PARTLY[operation.command]}"
    return f"{state} ({operation.command} interrupted{at})"


def note_of(
    operation: StoredOperation | None, failure: StoredFailure | FailureHead | None, *, interrupted: bool
) -> str | None:
    """Return the command under way or the trouble that the state does not tell; None without either.

    Args:
        operation: The last command, if it has not succeeded.
        failure: The failure of the state.
        interrupted: Whether the command was begun, and its process is gone.
    """
    if operation is None:
        return None if failure is None else f"{failure.step}: {failure.summary}"
    command, reason = operation.command, operation.failure
    partly = f", {PARTLY[command]}" if command in PARTLY and operation.effects_begun else ""
    if operation.is_active:
        step = f" at {operation.step.name}" if operation.step else ""
        return f"{'interrupted: ' if interrupted else ''}{command}{step}{partly}"
    ended = "interrupted" if operation.status == "interrupted" else "failed"
    if reason is None:
        return f"{command} {ended}{f' at {operation.step.name}' if operation.step else ''}{partly}"
    said = f"{reason.step}: {reason.summary}"
    # A state of failure tells which command failed.
    return said if failure is not None and not partly else f"{command} {ended} at {said}{partly}"


def look(reader: Reader, name: str) -> View[AnyEnvironment]:
    """Return the view of an environment, without taking its lock."""
    environment = reader.load(name)
    # Record and lock are read one after the other. A command that ends in between would look
    # interrupted, so the record is read again: a command records its end before it releases the lock.
    while True:
        holder = reader.holder(name)
        operation = environment.operation
        if holder is not None or operation is None or not operation.is_active:
            break
        again = reader.load(name)
        if again == environment:
            break
        environment = again
    beside = reader.summary(name)
    if isinstance(beside, UnreadableSummary):
        return View(environment, holder)
    return View(environment, holder, actor=beside.actor, last_look=beside.last_look)
