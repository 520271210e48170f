"""The interfaces that commands need: storage, providers and clocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

from environments.abilities import (
    STATES_KEPT as STATES_KEPT,
    TRACES as TRACES,
    BeginsLater as BeginsLater,
    CarriedState as CarriedState,
    CarriesArtifacts as CarriesArtifacts,
    CarriesState as CarriesState,
    CarryingSession as CarryingSession,
    FollowsHistory as FollowsHistory,
    HasPlace as HasPlace,
    HasUrl as HasUrl,
    KeepsFiles as KeepsFiles,
    KeepsLooks as KeepsLooks,
    KeepsSegments as KeepsSegments,
    NumbersRecords as NumbersRecords,
    ReadsTraces as ReadsTraces,
    StreamsHistory as StreamsHistory,
    Unread as Unread,
)
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment, Environment
from environments.model.observation import Observation, Source
from environments.model.records import HistoryEntry, RevisionRecord, StepRecord
from environments.model.states import Created
from environments.model.steps import StateCarrier, Step
from environments.model.summary import Summary, UnreadableSummary
from environments.system.clock import Clock as Clock
from statechart.following.patience import POLL
from statechart.holder import Holder

if TYPE_CHECKING:
    from statechart.errors import UnusableSegment
    from statechart.storage.values.held import LeaseWatcher


class Session(AbstractContextManager["Session", None], Protocol):
    """An environment held for changing: no other process can change the environment until `close`.

    All methods but `close` may raise `statechart.errors.StorageError`. Then either everything was
    written or nothing, except for CommitUncertain.
    """

    @property
    def environment(self) -> AnyEnvironment:
        """The environment as recorded, steps included."""
        ...

    @property
    def crashed(self) -> Holder | None:
        """The last holder, if that process ended without releasing the environment."""
        ...

    @property
    def released_by(self) -> Holder | None:
        """The last holder, if that process released the environment in order."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """Repairs made on opening, in words."""
        ...

    def commit(self, record: RevisionRecord) -> HistoryEntry | None:
        """Make a record durable. Its environment must be the next revision of the present environment.

        Returns:
            The record as stored. None if the storage does not know its number and time: then the
            transition is not told to observers.

        Raises:
            Stale: The record follows another revision or lineage; nothing was written.
        """
        ...

    def append_step(self, record: StepRecord) -> None:
        """Make the record of a step durable. The environment shows the step, at the same revision."""
        ...

    def check(self) -> None:
        """Raise LeaseLost if the environment is no longer held."""
        ...

    def write_trace(self, name: str, text: str) -> str:
        """Store the trace of a failure, and return its path relative to the environment's directory."""
        ...

    def close(self) -> None:
        """Release the environment. Can be called twice."""
        ...


@runtime_checkable
class Lent(Protocol):
    """A session on an environment that is lent for a time, and has to be renewed by its storage."""

    def watch(self, watcher: LeaseWatcher) -> None:
        """Have a watcher told how long the environment is certainly held, and of its loss."""
        ...


class EnvironmentRepository(Protocol):
    """The storage of environments. Reading takes no lock and makes no repairs.

    Errors are `statechart.errors`: NotFound, AlreadyExists, Locked, Stale, CorruptHistory,
    NewerSchema, NotOurs and, as their root, StorageError.
    """

    def create(self, environment: Environment[Created]) -> Environment[Created]:
        """Record a new environment atomically."""
        ...

    def open(self, name: str, holder: Holder, timeout: float = 0) -> Session:
        """Acquire an environment for changing, waiting at most `timeout` seconds."""
        ...

    def load(self, name: str) -> AnyEnvironment:
        """Return an environment as recorded, the current step included."""
        ...

    def names(self) -> list[str]:
        """Return all names, sorted."""
        ...

    def summaries(self) -> Iterator[Summary | UnreadableSummary]:
        """Yield a summary of each environment, by name, including those that can't be read."""
        ...

    def summary(self, name: str) -> Summary | UnreadableSummary:
        """Return the summary of an environment, without reading the others.

        Raises:
            InvalidName: The name breaks a rule.
            NotFound: The environment does not exist.
        """
        ...

    def exists(self, name: str) -> bool:
        """Return whether a name is taken."""
        ...

    def history(self, name: str) -> list[HistoryEntry]:
        """Return all records, oldest first."""
        ...

    def holder(self, name: str) -> Holder | None:
        """Return the current holder of an environment, or None."""
        ...

    def delete(self, expected: AnyEnvironment) -> None:
        """Remove the record of an environment for good, if the record is still as expected."""
        ...

    def directory(self, name: str) -> Path:
        """Return the directory in which the provider keeps the environment's files."""
        ...


class Provider(Protocol):
    """The adapter that creates, runs and destroys environments of a kind."""

    def steps(self, command: CommandName, environment: AnyEnvironment) -> Sequence[Step]:
        """Return the steps of a command for an environment, in order."""
        ...

    def supports(self, command: CommandName) -> bool:
        """Return whether environments of this kind support a command."""
        ...

    def logs(self, environment: AnyEnvironment, directory: Path) -> Sequence[Path]:
        """Return the log files of the service, the current file last."""
        ...

    async def observe(self, environment: AnyEnvironment, directory: Path) -> Observation:
        """Observe the real resources, and change nothing."""
        ...


def provider_of(environment: AnyEnvironment) -> Provider:
    """Return the provider in an environment's spec."""
    return cast("Provider", environment.spec.provider)  # registering the kind checked its class


@runtime_checkable
class CopiesSource(Protocol):
    """A provider whose releases are copies of a directory, named after their content."""

    def source(self, directory: Path) -> Source | None:
        """Return the source of the next release, or None if it can't be read or is an earlier release.

        Args:
            directory: The directory with the environment's files.
        """
        ...


@runtime_checkable
class KeepsManifests(Protocol):
    """A provider that knows the files of installed releases."""

    def manifest(self, directory: Path, release: str) -> Mapping[str, str] | None:
        """Return a digest of each file of a release, by relative name, or None if that is not known.

        Args:
            directory: The directory with the environment's files.
            release: The name of the release.
        """
        ...


@runtime_checkable
class LooksCheaply(Protocol):
    """A provider with a way to look at an environment that takes little time and starts no tools."""

    async def glance(self, environment: AnyEnvironment, directory: Path) -> Observation:
        """Observe the host, the service and the release, and change nothing.

        Changes of resources and of the configuration, which take tools to be seen, may be missing.
        """
        ...


@runtime_checkable
class BoundToMachine(Protocol):
    """A provider whose environments are on the machine that made them, such as `local`."""

    def is_here(self, environment: AnyEnvironment, directory: Path) -> bool:
        """Return whether files on this machine show that the environment is here."""
        ...


@runtime_checkable
class ObservesCarried(Protocol):
    """A provider that observes environments whose state lies with the record, on any machine."""

    async def observe_carried(
        self, environment: AnyEnvironment, directory: Path, carried: StateCarrier, *, deep: bool
    ) -> Observation:
        """Observe the real resources like `observe`, or like `glance` if not deep; change nothing."""
        ...


@runtime_checkable
class MovesState(Protocol):
    """A provider with a state in the environment's directory, which moves with the record."""

    def packed_state(self, environment: AnyEnvironment, directory: Path) -> bytes | None:
        """Return the state in a directory, as `carry_state` takes it, or None if there is none.

        Raises:
            StepFailed: The state can't be read, or the key for its encryption is missing.
        """
        ...

    def unpack_state(self, environment: AnyEnvironment, directory: Path, content: bytes) -> None:
        """Write a state from `carried_state` to the directory of a repository in files.

        Raises:
            StepFailed: There is another state, or the key for the state's encryption is missing.
        """
        ...


@runtime_checkable
class WarnsOfStore(Protocol):
    """A provider that stores more in a database than the declaration shows."""

    def readable_in_store(self) -> str:
        """Return a warning of secrets that readers of the database will see, or an empty string."""
        ...


def where_of(repository: EnvironmentRepository) -> str:
    """Return the place of a repository, as messages name it."""
    return repository.where if isinstance(repository, HasPlace) else "the store"


def poll_of(repository: EnvironmentRepository) -> float:
    """Return the seconds between two attempts to take an environment that another holder has."""
    return repository.poll if isinstance(repository, HasPlace) else POLL


def entries_of(repository: EnvironmentRepository, name: str) -> Iterable[HistoryEntry]:
    """Return the records of an environment, one at a time where the repository can do so."""
    return repository.entries(name) if isinstance(repository, StreamsHistory) else repository.history(name)


def last_seq_of(repository: EnvironmentRepository, name: str) -> int:
    """Return the number of the last record."""
    if isinstance(repository, NumbersRecords):
        return repository.last_seq(name)
    return repository.history(name)[-1].seq


def latest_of(
    repository: EnvironmentRepository, name: str, enough: Callable[[HistoryEntry], bool]
) -> Iterable[HistoryEntry]:
    """Return the latest records, back to a checkpoint that is enough, or all.

    A checkpoint is a CheckpointRecord with the environment as it was, and the first that is returned.
    """
    if isinstance(repository, KeepsSegments):
        return repository.latest(name, enough)
    return entries_of(repository, name)


def readable_of(
    repository: EnvironmentRepository, name: str
) -> tuple[Iterator[HistoryEntry], UnusableSegment | None]:
    """Return the records that can be read, and the problem that keeps earlier ones from being read.

    Raises:
        StorageError: The history can't be read at all.
    """
    if isinstance(repository, KeepsSegments):
        return repository.readable(name)
    return iter(entries_of(repository, name)), None


@runtime_checkable
class CollectsLogs(Protocol):
    """A provider that fetches the logs of its services from elsewhere."""

    async def collect_logs(self, environment: AnyEnvironment, directory: Path) -> None:
        """Bring the files of `logs` up to date, without secrets.

        Raises:
            StepFailed: The logs can't be reached; the files are unchanged.
        """
        ...
