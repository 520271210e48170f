"""The exceptions of this package::

    EnvironmentsError
    ├── InvalidName (ValueError)            a name that breaks a rule, with a suggestion
    ├── InvalidConfiguration (ValueError)   a spec or a settings file that can't be used
    ├── InvalidCursor (ValueError)          a text that says from where to tell events can't be read
    ├── InvalidSelection (ValueError)       a condition that can't be read, or none at all
    ├── UnknownLabel (LookupError)          no environment has a label of this name
    ├── NothingMatches (LookupError)        a name or a glob that matches no environment
    ├── UnknownProvider (LookupError)       no provider of that kind is installed
    ├── UnexpectedState                     a handle is not in the state that the caller needs
    ├── OperationInterrupted                a command died in the middle of its work
    ├── StepInDoubt                         recovery can't tell whether a step was done
    ├── NoSuchMoment (LookupError)          the environment did not exist at that revision or time
    ├── NotHeld                             no process holds the environment
    ├── CannotUnlock                        the holder can't be ended from here
    ├── UnreachableTarget                   no plan leads to the target
    ├── ResourcesGone                       what provision made is gone, and only destroy may follow
    ├── HostOutOfReach                      the host can't be reached, or is another host
    ├── StateUnreachable                    a state that is waited for can't be reached any more
    ├── NotReached (TimeoutError)           a state that is waited for was not reached in time
    ├── NotDestroyed                        only a destroyed environment can be purged
    ├── NothingToRetry                      nothing has failed
    ├── UnsupportedCommand                  the provider does not support the command
    ├── OnAnotherMachine                    the environment is on the machine that made it
    ├── CannotMove                          an environment can't be moved to another store
    ├── ProvisionNeeded                     a change that only provisioning can apply
    ├── NotProvisioned                      there is nothing to deploy to
    ├── Stopped                             stopped on request before a command
    ├── NotStarted                          one of many was not begun, since a stop was requested
    ├── StepFailed                          an expected failure, raised by a step
    ├── Unrecorded                          destroy could not save some of its records
    └── CommandFailed                       a command ended in a recorded failure

Storage and the chart raise `statechart.errors`: NotFound, Conflict, CorruptHistory, InvalidTransition …
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from environments.model.condition import serves_on
from environments.model.errors import (
    EnvironmentsError,
    InvalidConfiguration,
    InvalidName,
    NoSuchMoment,
    NotProvisioned,
    ProvisionNeeded,
    StepFailed,
    UnexpectedState,
    UnknownProvider,
)
from statechart.wording import listed, nearest

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.failure import Failure
    from environments.model.operation import Operation

__all__ = [
    "CannotMove",
    "CannotUnlock",
    "CommandFailed",
    "EnvironmentsError",
    "HostOutOfReach",
    "InvalidConfiguration",
    "InvalidCursor",
    "InvalidName",
    "InvalidSelection",
    "NoSuchMoment",
    "NotDestroyed",
    "NotHeld",
    "NotProvisioned",
    "NotStarted",
    "NothingMatches",
    "NothingToRetry",
    "OnAnotherMachine",
    "OperationInterrupted",
    "ProvisionNeeded",
    "ResourcesGone",
    "StateUnreachable",
    "StepFailed",
    "StepInDoubt",
    "Stopped",
    "UnexpectedState",
    "UnknownLabel",
    "UnknownProvider",
    "UnreachableTarget",
    "Unrecorded",
    "UnsupportedCommand",
]

_LONGEST = 40  # characters of a cursor that are repeated


class InvalidCursor(EnvironmentsError, ValueError):
    """A text is not the cursor of an event, or not the whole cursor.

    Attributes:
        text: The text.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
        super().__init__(
            f"{shown!r} is not a cursor; copy the whole cursor from an event of envchart events --json"
        )


class InvalidSelection(EnvironmentsError, ValueError):
    """A condition that selects environments can't be read, or there is none at all."""


class UnknownLabel(EnvironmentsError, LookupError):
    """No environment has a label of this name, so that the label is probably misspelt.

    Attributes:
        label: The key.
        known: The keys that environments have.
    """

    def __init__(self, label: str, known: Iterable[str]) -> None:
        self.label = label
        self.known: tuple[str, ...] = tuple(known)
        near = nearest(label, self.known)
        hint = f"did you mean {near!r}?" if near else f"there are {listed(self.known)}"
        if not self.known:
            hint = "none has any label"
        super().__init__(f"no environment has the label {label!r}; {hint}")


class NothingMatches(EnvironmentsError, LookupError):
    """Names or globs match no environment.

    Attributes:
        patterns: The names and globs.
        near: An existing name that is similar to the first of them, or None.
    """

    def __init__(self, patterns: Iterable[str], names: Iterable[str]) -> None:
        self.patterns: tuple[str, ...] = tuple(patterns)
        self.near: str | None = nearest(self.patterns[0], names)
        hint = f"; did you mean {self.near!r}?" if self.near else ""
        super().__init__(f"no environment matches {listed(map(repr, self.patterns))}{hint}")


class OperationInterrupted(EnvironmentsError):
    """A command died in the middle of its work, and its last step is in doubt."""

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
    """A step's probe can't tell whether the step was done, so a person has to decide.

    Attributes:
        step: The step.
        reason: Why the probe can't tell.
    """

    def __init__(self, name: str, step: str, reason: str) -> None:
        self.name = name
        self.step = step
        self.reason = reason
        super().__init__(f"whether {step} of {name!r} was done is not known: {reason}")


class NotHeld(EnvironmentsError):
    """No process holds the environment, so there is no lock to release."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"nobody holds {name!r}: there is nothing to unlock")


class CannotUnlock(EnvironmentsError):
    """The holder of an environment can't be ended from here.

    Attributes:
        holder: A description of the holder.
        reason: Why the holder can't be ended.
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


class ResourcesGone(EnvironmentsError):
    """The resources that provision made are gone, so no command but destroy can go on.

    Attributes:
        what: What was found, a line.
    """

    def __init__(self, name: str, what: str) -> None:
        self.name = name
        self.what = what
        super().__init__(f"the resources of {name!r} are gone: {what}")


class HostOutOfReach(EnvironmentsError):
    """The host of an environment exists, but no command can work on it now.

    Attributes:
        what: What was found, a line.
    """

    def __init__(self, name: str, what: str) -> None:
        self.name = name
        self.what = what
        super().__init__(f"nothing was done to {name!r}, whose host can't be worked on: {what}")


class StateUnreachable(EnvironmentsError):
    """The chart does not lead to a state that is waited for any more.

    Attributes:
        condition: The present state, with the operation.
        wanted: The states that are waited for.
    """

    def __init__(self, name: str, *, condition: str, wanted: Iterable[str]) -> None:
        self.name = name
        self.condition = condition
        self.wanted: tuple[str, ...] = tuple(wanted)
        super().__init__(f"{name!r} is {condition}, and can't become {' or '.join(self.wanted)} any more")


class NotReached(EnvironmentsError, TimeoutError):
    """A state that is waited for was not reached in time.

    Attributes:
        condition: The present state, with the operation.
        wanted: The states that are waited for.
        seconds: The time limit.
    """

    def __init__(self, name: str, *, condition: str, wanted: Iterable[str], seconds: float) -> None:
        self.name = name
        self.condition = condition
        self.wanted: tuple[str, ...] = tuple(wanted)
        self.seconds = seconds
        super().__init__(
            f"{name!r} did not become {' or '.join(self.wanted)} within {seconds:g} s: it is {condition}"
        )


class UnsupportedCommand(EnvironmentsError):
    """A provider does not support a command.

    Attributes:
        kind: The kind of provider.
    """

    def __init__(self, name: str, command: str, kind: str) -> None:
        self.name = name
        self.command = command
        self.kind = kind
        super().__init__(f"{name!r} can't {command}: its provider, {kind}, does not support that")


class CannotMove(EnvironmentsError):
    """An environment can't be moved to another store: a part that it needs would stay behind.

    Attributes:
        name: The environment.
        reason: The reason, with the way on.
    """

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"{name!r} can't be moved: {reason}")


class OnAnotherMachine(EnvironmentsError):
    """An environment is on the machine that made it, and not on this one; nothing was done.

    Attributes:
        kind: The kind of provider.
        host: The name of that machine.
    """

    def __init__(self, name: str, kind: str, host: str) -> None:
        self.name = name
        self.kind = kind
        self.host = host
        super().__init__(
            f"{name!r} is on {host}: its provider, {kind}, works only on the machine where it began"
        )


class NotDestroyed(EnvironmentsError):
    """Only a destroyed environment can be purged, because its record leads to its resources."""

    def __init__(self, name: str, state: str) -> None:
        self.name = name
        self.state = state
        super().__init__(f"{name!r} is {state}, and only a destroyed environment can be purged")


class NothingToRetry(EnvironmentsError):
    """No command has failed, so there is none to retry."""

    def __init__(self, name: str, state: str) -> None:
        self.name = name
        self.state = state
        super().__init__(f"nothing has failed in {name!r}, which is {state}")


class Stopped(EnvironmentsError):
    """A command was not begun, since a stop was requested before.

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


class NotStarted(EnvironmentsError):
    """The work on one of several environments was not begun, since a stop was requested before.

    Attributes:
        reason: Who asked.
    """

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"{name!r} was not begun: {reason}")


class Unrecorded(EnvironmentsError):
    """Destroy went on although records could not be saved, and some are still unsaved.

    Attributes:
        environment: The environment as it is in the world; the recorded environment is older.
        records: The unsaved records as JSON, in order.
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
        environment: The environment as recorded now.
        failure: The failure, with its step and summary.
        persistence_error: The error that kept the failure from being recorded, or None.
    """

    def __init__(
        self, environment: AnyEnvironment, failure: Failure, persistence_error: Exception | None = None
    ) -> None:
        self.environment = environment
        self.failure = failure
        self.persistence_error = persistence_error
        unsaved = f"; this could not be recorded: {persistence_error}" if persistence_error else ""
        what = f"{failure.command} of {environment.name!r} failed at {failure.step}"
        serving = environment.outputs.serving
        serves = serving is not None and serves_on(environment.state.name, environment.operation)
        kept = f"; release {serving} still serves" if serves else ""
        super().__init__(f"{what}: {failure.summary}{unsaved}{kept}")
