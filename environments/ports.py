"""The interfaces that commands need: storage, providers and clocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol, cast, runtime_checkable

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
    from statechart.following.reader import Unfolding
    from statechart.storage.segments.whole import SegmentFile
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
        """Make a record durable. Its environment must be the next revision of the present one.

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
class BeginsLater(Protocol):
    """A growing history of which the parts before a time need not be read."""

    def begin_at(self, time: datetime) -> None:
        """Leave out ended segments that hold only records before a time."""
        ...


@runtime_checkable
class StreamsHistory(Protocol):
    """A repository that reads a history record by record, since a history may be long."""

    def entries(self, name: str) -> Iterator[HistoryEntry]:
        """Yield the records of `history`."""
        ...


@dataclass(frozen=True, slots=True)
class Unread:
    """A record that a follower has not read before.

    Attributes:
        lineage: The incarnation of the environment.
        seq: The number of the record.
        at: The time of the record.
        type: The type of the record, such as `transition`.
        entry: Returns the whole record; raises StorageError for a record of an unknown form.
        begins: Whether reading began with this record, which may not be the first: segments of the
            history that are not wanted, or can't be read, are left out.
    """

    lineage: str
    seq: int
    at: datetime
    type: str
    entry: Callable[[], HistoryEntry]
    begins: bool = False


@runtime_checkable
class NumbersRecords(Protocol):
    """A repository that knows the number of a history's last record without reading all of it."""

    def last_seq(self, name: str) -> int:
        """Return the number of the last record."""
        ...


@runtime_checkable
class KeepsSegments(Protocol):
    """A repository that keeps a history in segments, of which the ended ones may be moved away."""

    def latest(self, name: str, enough: Callable[[HistoryEntry], bool]) -> Iterator[HistoryEntry]:
        """Yield the records of the latest segments, back to a checkpoint that is enough, or all."""
        ...

    def readable(self, name: str) -> tuple[Iterator[HistoryEntry], UnusableSegment | None]:
        """Return the records that can be read, and the problem that keeps earlier ones from being read."""
        ...

    def segments(self, name: str) -> list[SegmentFile]:
        """Return the segments, oldest first, each verified; the last is the journal."""
        ...


@runtime_checkable
class FollowsHistory(Protocol):
    """A repository whose histories can be followed while other processes write."""

    def unfolding(self, name: str, *, hold: bool = True) -> Unfolding[Unread]:
        """Follow the history of an environment that exists or may come to exist.

        With `hold`, the last records are read even if the environment was purged meanwhile.
        """
        ...


@runtime_checkable
class KeepsFiles(Protocol):
    """A repository that keeps the records in files of this machine."""

    @property
    def root(self) -> Path:
        """The directory below which each name has a directory with the files of its record."""
        ...


@runtime_checkable
class HasPlace(Protocol):
    """A repository that can say where it keeps the records, and how often to look."""

    @property
    def where(self) -> str:
        """The place as messages name it: a directory, or a URL without its password."""
        ...

    @property
    def poll(self) -> float:
        """The seconds between two attempts to take an environment that another holder has."""
        ...


@runtime_checkable
class HasUrl(Protocol):
    """A repository in a database."""

    @property
    def url(self) -> str:
        """The URL as it was given; a password may be part of it."""
        ...


TRACES: Final = "traces"
"""The directory, real or not, that the recorded places of traces begin with."""


@runtime_checkable
class ReadsTraces(Protocol):
    """A repository that returns the traces of failures, wherever they are kept."""

    def read_trace(self, name: str, trace: str) -> str | None:
        """Return the text of a trace of an environment, or None if there is none.

        Args:
            name: The environment.
            trace: The trace as records name it, such as `traces/….log`.
        """
        ...


STATES_KEPT: Final = 20
"""How many versions of a provider's state are kept for an environment; older ones are dropped."""


@dataclass(frozen=True, slots=True)
class CarriedState:
    """The last version of a provider's own state that was stored with an environment's record.

    Attributes:
        content: The bytes as given to `carry_state`.
        number: The number of the version; it grows by one with each version of an incarnation.
        at: The time at which the version was stored, by the store's clock.
    """

    content: bytes
    number: int
    at: datetime


@runtime_checkable
class CarriesState(Protocol):
    """A repository that keeps a provider's own state with the record, for commands on other machines.

    Its sessions have `carry_state`; see `CarryingSession`. Repositories in files don't: there the
    provider's directory stays beside the record.
    """

    def carried_state(self, name: str) -> CarriedState | None:
        """Return the last version of the state of an environment, or None if none was stored.

        Raises:
            NotFound: The environment does not exist.
        """
        ...


@runtime_checkable
class CarryingSession(Protocol):
    """A session that stores versions of a provider's own state, such as Terraform's."""

    def carry_state(self, content: bytes) -> int:
        """Store a version of the state, durably, and return its number. Can be called from any thread.

        The last `STATES_KEPT` versions are kept.

        Raises:
            LeaseLost: The environment is no longer held; nothing was stored.
            StorageError: The version could not be stored.
        """
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
class CarriesArtifacts(Protocol):
    """A repository that keeps files which commands on other machines need, under their digests."""

    def put(self, digest: str, file: BinaryIO) -> None:
        """Store the content of a file under its SHA-256, completely or not at all.

        Content that is stored already is not stored again.
        """
        ...

    def get(self, digest: str, file: BinaryIO) -> None:
        """Write the content of an artifact to a file.

        Raises:
            StorageError: The artifact does not exist, or its content does not have the digest.
        """
        ...

    def drop(self, digest: str) -> None:
        """Delete an artifact. One that does not exist is no error."""
        ...


def where_of(repository: EnvironmentRepository) -> str:
    """Return the place of a repository, as messages name it."""
    return repository.where if isinstance(repository, HasPlace) else "the store"


def poll_of(repository: EnvironmentRepository) -> float:
    """Return the seconds between two attempts to take an environment that another holder has."""
    return repository.poll if isinstance(repository, HasPlace) else POLL


@runtime_checkable
class KeepsLooks(Protocol):
    """A repository that keeps the last look at the world itself, not in the environment's directory."""

    def write_look(self, name: str, lineage: str, document: bytes) -> None:
        """Keep a look at an incarnation of an environment; one that was purged meanwhile keeps none."""
        ...


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
