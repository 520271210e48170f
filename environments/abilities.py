"""The abilities that a repository or its sessions may have besides those that the ports demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol, runtime_checkable

from environments.model.records import HistoryEntry

if TYPE_CHECKING:
    from statechart.errors import UnusableSegment
    from statechart.following.reader import Unfolding
    from statechart.storage.segments.whole import SegmentFile


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
    """A repository that keeps a history in segments, of which the ended segments may be moved away."""

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
        number: The number of the version; it grows with each version of an incarnation.
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
        """Delete an artifact. A missing artifact is no error."""
        ...


@runtime_checkable
class KeepsLooks(Protocol):
    """A repository that keeps the last look at the world itself, not in the environment's directory."""

    def write_look(self, name: str, lineage: str, document: bytes) -> None:
        """Keep a look at an incarnation of an environment; one that was purged meanwhile keeps none."""
        ...
