"""What can go wrong with an environment::

    EnvironmentsError
    ├── InvalidName (ValueError)            a name that breaks a rule; says which, and suggests one
    ├── InvalidConfiguration (ValueError)   a spec or a settings file that can't be used
    ├── UnknownProvider (LookupError)       no provider of that kind is installed
    ├── UnexpectedState                     a handle is not in the state that the caller needs
    ├── OperationInterrupted                a command died in the middle; what it did is in doubt
    ├── StepInDoubt                         recovery can't tell whether a step was done
    ├── NoSuchMoment (LookupError)          an environment did not exist at a revision or time
    ├── NotHeld                             nobody holds the environment: nothing to unlock
    ├── CannotUnlock                        the holder can't be ended from here
    ├── UnreachableTarget                   no plan leads there: the target lies behind, or is not one
    ├── NotDestroyed                        only a destroyed environment can be purged
    ├── NothingToRetry                      nothing has failed
    ├── UnsupportedCommand                  a provider does not know a command
    ├── ProvisionNeeded                     a change of the spec that needs provisioning again
    ├── Stopped                             stopped between two commands, as asked
    ├── StepFailed                          raised by a step whose failure is expected
    ├── Unrecorded                          destroy went on without its record, as asked; some is not saved
    └── CommandFailed                       a command ended in a recorded failure

Storage and the chart raise `statechart.errors`: NotFound, Conflict, CorruptHistory, InvalidTransition …
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from environments.model.errors import (
    EnvironmentsError,
    InvalidConfiguration,
    InvalidName,
    NoSuchMoment,
    ProvisionNeeded,
    StepFailed,
    UnexpectedState,
    UnknownProvider,
)

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.failure import Failure
    from environments.model.operation import Operation

__all__ = [
    "CannotUnlock",
    "CommandFailed",
    "EnvironmentsError",
    "InvalidConfiguration",
    "InvalidName",
    "NoSuchMoment",
    "NotDestroyed",
    "NotHeld",
    "NothingToRetry",
    "OperationInterrupted",
    "ProvisionNeeded",
    "StepFailed",
    "StepInDoubt",
    "Stopped",
    "UnexpectedState",
    "UnknownProvider",
    "UnreachableTarget",
    "Unrecorded",
    "UnsupportedCommand",
]


class OperationInterrupted(EnvironmentsError):
    """A command died in the middle, and what its last step did is in doubt."""

    def __init__(self, name: str, operation: Operation) -> None:
        self.name = name
        self.operation = operation
        at = f" at step {operation.step.name}" if operation.step else " between two steps"
        holder = operation.holder
        super().__init__(
            f"{operation.command} of {name!r} was interrupted{at}: "
            f"its process (pid {holder.pid} of {holder.user}@{holder.host}) {holder.fate()}"
        )


class StepInDoubt(EnvironmentsError):
    """Nobody and nothing could say whether a step was done, and somebody has to.

    Attributes:
        step: The step.
        reason: Why its probe can't tell.
    """

    def __init__(self, name: str, step: str, reason: str) -> None:
        self.name = name
        self.step = step
        self.reason = reason
        super().__init__(f"whether {step} of {name!r} was done is not known: {reason}")


class NotHeld(EnvironmentsError):
    """Nobody holds the environment, so there is nothing to unlock."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"nobody holds {name!r}: there is nothing to unlock")


class CannotUnlock(EnvironmentsError):
    """The holder of an environment can't be ended from here.

    Attributes:
        holder: Who holds it, in words.
        reason: Why it can't be ended.
    """

    def __init__(self, name: str, holder: str, reason: str) -> None:
        self.name = name
        self.holder = holder
        self.reason = reason
        super().__init__(f"{name!r} is held by {holder}, which can't be ended from here: {reason}")


class UnreachableTarget(EnvironmentsError):
    """No plan leads from the present state to the target."""

    def __init__(self, name: str, *, state: str, target: str, reason: str) -> None:
        self.name = name
        self.state = state
        self.target = target
        self.reason = reason
        super().__init__(f"no plan brings {name!r} from {state} to {target}: {reason}")


class UnsupportedCommand(EnvironmentsError):
    """A provider does not know a command.

    Attributes:
        kind: The kind of provider.
    """

    def __init__(self, name: str, command: str, kind: str) -> None:
        self.name = name
        self.command = command
        self.kind = kind
        super().__init__(f"{name!r} can't {command}: its provider, {kind}, does not support that")


class NotDestroyed(EnvironmentsError):
    """Only a destroyed environment can be purged: its record is what leads to its resources."""

    def __init__(self, name: str, state: str) -> None:
        self.name = name
        self.state = state
        super().__init__(f"{name!r} is {state}, and only a destroyed environment can be purged")


class NothingToRetry(EnvironmentsError):
    """Nothing has failed, so there is nothing to retry."""

    def __init__(self, name: str, state: str) -> None:
        self.name = name
        self.state = state
        super().__init__(f"nothing has failed in {name!r}, which is {state}")


class Stopped(EnvironmentsError):
    """Bringing an environment up was stopped between two commands, as asked.

    Attributes:
        environment: As the last command left it; nothing is under way.
        command: The command that was not begun.
        reason: Who asked.
    """

    def __init__(self, environment: AnyEnvironment, command: str, reason: str) -> None:
        self.environment = environment
        self.command = command
        self.reason = reason
        super().__init__(
            f"{reason}: {environment.name!r} is {environment.condition}, and {command} was not begun"
        )


class Unrecorded(EnvironmentsError):
    """Destroy went on although its records could not be saved, and some of them never were.

    Attributes:
        environment: The environment as it is in the world; what is on record is older.
        records: What was not saved, in order, each as JSON.
    """

    def __init__(self, environment: AnyEnvironment, records: Iterable[str]) -> None:
        self.environment = environment
        self.name: str = environment.name
        self.records: tuple[str, ...] = tuple(records)
        count = len(self.records)
        super().__init__(
            f"{environment.name!r} is {environment.condition}, but {count} record{'s' * (count > 1)} of it "
            "could not be saved"
        )


class CommandFailed(EnvironmentsError):
    """A command ended in a failure, which is recorded unless `persistence_error` says otherwise.

    Attributes:
        environment: The environment as it now is, on record.
        failure: What went wrong, and at which step.
        persistence_error: What kept the failure itself from being recorded, or None.
    """

    def __init__(
        self, environment: AnyEnvironment, failure: Failure, persistence_error: Exception | None = None
    ) -> None:
        self.environment = environment
        self.failure = failure
        self.persistence_error = persistence_error
        unsaved = f"; this could not be recorded: {persistence_error}" if persistence_error else ""
        what = f"{failure.command} of {environment.name!r} failed at {failure.step}"
        super().__init__(f"{what}: {failure.summary}{unsaved}")
