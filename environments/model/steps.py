"""The steps of commands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from pydantic import JsonValue

from environments.model.fields.inputs import digest_of, short_digest
from environments.model.operation import ToolProcess

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment

StepOutputs: TypeAlias = Mapping[str, JsonValue]


class StateCarrier(Protocol):
    """A provider's own state, stored with the environment's record for commands on other machines."""

    @property
    def held(self) -> bool:
        """Whether the environment is held, so that its directory and its state may be changed."""
        ...

    def latest(self) -> bytes | None:
        """Return the last version, or None if none was stored.

        Raises:
            StorageError: The store can't be read.
        """
        ...

    def carry(self, content: bytes) -> None:
        """Store a version, durably. Can be called from any thread.

        Raises:
            LeaseLost: The environment is no longer held; nothing was stored.
            StorageError: The version could not be stored.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext:
    """The context in which a step runs or probes.

    Attributes:
        environment: The environment, with the outputs of the earlier steps.
        operation_id: The operation that the step belongs to.
        directory: The environment's directory, below which the provider keeps its files.
        report: Sends a message to the observers; the last message is recorded as the result's note.
        progress: Tells the observers the progress of a long step, which is not recorded.
        step: The step's name.
        started: Records a process that the step has just started, so that recovery finds the process
            if this one dies. The step runs the process with `marks` among its variables.
        redact: Replaces the values of the environment's secrets in a text.
        stopping: Returns whether a stop was requested; a step that can end early, in order, does so.
        allow_replace: Whether the step may replace or remove the environment's host.
        carried: The provider's state in the record; None if the directory stays beside the record.
    """

    environment: AnyEnvironment
    operation_id: str
    directory: Path
    report: Callable[[str], None]
    # The defaults are for tests and tools that run a step without a runner.
    step: str = ""
    started: Callable[[ToolProcess], None] = lambda _process: None
    redact: Callable[[str], str] = lambda text: text
    progress: Callable[[str], None] = lambda _message: None
    stopping: Callable[[], bool] = lambda: False
    allow_replace: bool = False
    carried: StateCarrier | None = None

    @property
    def marks(self) -> dict[str, str]:
        """The variables that mark the processes of this step."""
        return marks(self.operation_id, self.step)


OPERATION_MARK = "ENVCHART_OPERATION"
"""The variable that names the operation in the environment of its processes."""


def marks(operation_id: str, step: str) -> dict[str, str]:
    """Return the variables that mark the processes of a step of an operation."""
    return {OPERATION_MARK: operation_id, "ENVCHART_STEP": step}


class Verdict(StrEnum):
    """The findings of a probe."""

    DONE = "done"
    NOT_DONE = "not_done"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Probed:
    """The result of a probe; only a step that is done has `outputs`."""

    verdict: Verdict
    reason: str = ""
    outputs: StepOutputs = field(default_factory=dict)

    @classmethod
    def done(cls, reason: str = "", **outputs: JsonValue) -> Probed:
        """Return the finding that the step's effect is there."""
        return cls(Verdict.DONE, reason, outputs)

    @classmethod
    def not_done(cls, reason: str) -> Probed:
        """Return the finding that the step's effect is missing or incomplete."""
        return cls(Verdict.NOT_DONE, reason)

    @classmethod
    def unknown(cls, reason: str) -> Probed:
        """Return the finding that the probe could not tell."""
        return cls(Verdict.UNKNOWN, reason)


Effect: TypeAlias = Callable[[StepContext], Awaitable[StepOutputs | None]]
Probe: TypeAlias = Callable[[StepContext], Awaitable[Probed]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of a command.

    Attributes:
        name: The name in progress, history and failures.
        effect: Does the work and returns updates of the environment's outputs. Expected failures
            raise StepFailed; any other exception counts as a failure too.
        probe: Finds out whether the work is done, and changes nothing.
        probe_has_effects: Whether the probe runs programs that could change something, such as Ansible
            in check mode; a dry run does not call such a probe.
        inputs: The values that the result depends on; a different digest invalidates an earlier result.
        transient: The inputs that matter only while the command runs: a later change of them alone is no
            reason to run the command again.
        version: The version of the effect; another version invalidates earlier results.
        idempotent: Whether the effect may be repeated, which allows to retry a step in doubt.
        has_effect: False for a step that only looks.
        timeout: The time limit of an attempt; None for no limit.
        retries: The number of attempts after the first.
        backoff: The pause before the first retry, which doubles with each retry.
    """

    name: str
    effect: Effect
    probe: Probe | None = None
    probe_has_effects: bool = False
    inputs: Mapping[str, JsonValue] = field(default_factory=dict)
    transient: Collection[str] = ()
    version: int = 1
    idempotent: bool = False
    has_effect: bool = True
    timeout: timedelta | None = None
    retries: int = 0
    backoff: timedelta = timedelta(seconds=1)

    @property
    def digest(self) -> str:
        """The SHA-256 of the inputs' canonical JSON, in hexadecimal."""
        return digest_of(self.inputs)

    @property
    def input_digests(self) -> dict[str, str]:
        """A short digest of each input that is not transient: 16 hexadecimal digits."""
        lasting = self.inputs.keys() - set(self.transient)
        return {key: short_digest(self.inputs[key]) for key in sorted(lasting)}
