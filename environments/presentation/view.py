"""View: an environment as it is on record, beside who is at work on it now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from environments.presentation.guidance import next_steps

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.operation import Operation
    from statechart.holder import Holder


class Reader(Protocol):
    """What a view needs of a storage or a workspace."""

    def load(self, name: str) -> AnyEnvironment:
        """Return the environment as it is on record."""
        ...

    def holder(self, name: str) -> Holder | None:
        """Return who is changing it now, or None."""
        ...


@dataclass(frozen=True, slots=True)
class View:
    """An environment, and who is at work on it: together they tell what is interrupted."""

    environment: AnyEnvironment
    holder: Holder | None = None

    @property
    def interrupted(self) -> bool:
        """Whether a command was begun, and nobody is at it any more."""
        operation = self.environment.operation
        return is_interrupted(operation, held=self.holder is not None)

    @property
    def is_error(self) -> bool:
        """Whether somebody has to look at it."""
        return self.environment.is_error or self.interrupted

    @property
    def condition(self) -> str:
        """The state, and what is under way, was interrupted or has failed."""
        if self.interrupted:
            return interrupted_condition(self.environment.state.name, self.environment.operation)
        return self.environment.condition

    @property
    def next_steps(self) -> tuple[str, ...]:
        """What can be done now, the best first; `NAME` stands for the name."""
        environment = self.environment
        return next_steps(environment.state.name, environment.operation, held=self.holder is not None)


def is_interrupted(operation: Operation | None, *, held: bool) -> bool:
    """Return whether an operation is open while nobody is at it."""
    return operation is not None and operation.status == "active" and not held


def interrupted_condition(state: str, operation: Operation | None) -> str:
    """Say a state whose command died in the middle; a teardown that has begun leads."""
    if operation is None:
        return state
    at = f" at step {operation.step.name}" if operation.step else " between two steps"
    if operation.command == "destroy" and operation.effects_begun:
        return f"{state}, destroy interrupted{at}: partly torn down"
    return f"{state} ({operation.command} interrupted{at})"


def look(reader: Reader, name: str) -> View:
    """Return the view of an environment, without taking its lock.

    Record and lock are read one after the other. A command that ends in between would look
    interrupted, so the record is read again: what a command did is on record before it lets go.
    """
    environment = reader.load(name)
    while True:
        holder = reader.holder(name)
        operation = environment.operation
        if holder is not None or operation is None or not operation.is_active:
            return View(environment, holder)
        again = reader.load(name)
        if again == environment:
            return View(environment, None)
        environment = again
