"""Ports: what the use cases need of storage, providers and clocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment, Environment
from environments.model.observation import Observation
from environments.model.records import HistoryEntry, RevisionRecord, StepRecord
from environments.model.states import Created
from environments.model.steps import Step
from environments.model.summary import Summary, UnreadableSummary
from environments.system.clock import Clock as Clock
from statechart.holder import Holder


class Session(AbstractContextManager["Session", None], Protocol):
    """An environment held for changing: nobody else can change it until it is closed.

    All methods but `close` may raise `statechart.errors.StorageError`; one that did leaves either
    everything written or nothing, or raises CommitUncertain.
    """

    @property
    def environment(self) -> AnyEnvironment:
        """The environment as it is on record, steps included."""
        ...

    @property
    def crashed(self) -> Holder | None:
        """The last holder, if it ended without releasing the environment."""
        ...

    @property
    def released_by(self) -> Holder | None:
        """The last holder, if it let go of the environment in order."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What was found damaged on opening, and mended."""
        ...

    def commit(self, record: RevisionRecord) -> None:
        """Make a record durable. Its environment must be the next revision of the present one.

        Raises:
            Stale: It is based on another revision or lineage; nothing was written.
        """
        ...

    def append_step(self, record: StepRecord) -> None:
        """Make a step's record durable; the revision stays, the environment shows it."""
        ...

    def check(self) -> None:
        """Raise LeaseLost if the environment is not held any more."""
        ...

    def write_trace(self, name: str, text: str) -> str:
        """Keep a failure's trace and return where, relative to the environment's directory."""
        ...

    def close(self) -> None:
        """Let others in. It can be called twice."""
        ...


class EnvironmentRepository(Protocol):
    """Where environments are on record. Reads take no lock and repair nothing.

    Errors are `statechart.errors`: NotFound, AlreadyExists, Locked, Stale, CorruptHistory,
    NewerSchema, NotOurs and, as their root, StorageError.
    """

    def create(self, environment: Environment[Created]) -> Environment[Created]:
        """Put a new environment on record, wholly or not at all."""
        ...

    def open(self, name: str, holder: Holder, timeout: float = 0) -> Session:
        """Take the environment for changing, waiting up to `timeout` seconds for another holder."""
        ...

    def load(self, name: str) -> AnyEnvironment:
        """Return the environment as it is on record, its step in hand included."""
        ...

    def names(self) -> list[str]:
        """Return all names, sorted."""
        ...

    def summaries(self) -> Iterator[Summary | UnreadableSummary]:
        """Yield a line for each environment, by name; one that can't be read does not end it."""
        ...

    def exists(self, name: str) -> bool:
        """Return whether the name is taken."""
        ...

    def history(self, name: str) -> list[HistoryEntry]:
        """Return all records, the first one first."""
        ...

    def holder(self, name: str) -> Holder | None:
        """Return who holds the environment now, or None."""
        ...

    def delete(self, expected: AnyEnvironment) -> None:
        """Remove an environment from record for good, if it is still as expected."""
        ...

    def directory(self, name: str) -> Path:
        """Return the directory in which the provider keeps the environment's files."""
        ...


class Provider(Protocol):
    """What brings environments of one kind up and down."""

    def steps(self, command: CommandName, environment: AnyEnvironment) -> Sequence[Step]:
        """Return the steps of a command for an environment, in order."""
        ...

    def supports(self, command: CommandName) -> bool:
        """Return whether environments of this kind know the command."""
        ...

    def logs(self, environment: AnyEnvironment, directory: Path) -> Sequence[Path]:
        """Return the files that hold what the service said, the present one last."""
        ...

    async def observe(self, environment: AnyEnvironment, directory: Path) -> Observation:
        """Look at the real thing, and change nothing."""
        ...


def provider_of(environment: AnyEnvironment) -> Provider:
    """Return the provider in an environment's spec."""
    return cast("Provider", environment.spec.provider)  # registering the kind checked its class


@runtime_checkable
class CollectsLogs(Protocol):
    """A provider whose services keep their logs elsewhere, and that fetches them."""

    async def collect_logs(self, environment: AnyEnvironment, directory: Path) -> None:
        """Bring the files that `logs` returns up to date; what is in them holds no secret.

        Raises:
            StepFailed: The logs can't be reached; what was fetched before is as it was.
        """
        ...
