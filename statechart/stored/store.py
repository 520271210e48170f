"""The interface of a store, in files or in a database, for repositories of charts and of environments."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Protocol

from statechart.storage.segments.size import DEFAULT, Segment
from statechart.storage.values.codec import ModelT

if TYPE_CHECKING:
    from statechart.errors import StorageError, Where
    from statechart.following.changed import Changed
    from statechart.holder import Holder
    from statechart.storage.chain import Head
    from statechart.storage.rebase import Candidate, Evidence
    from statechart.storage.record import Record
    from statechart.storage.segments.older import Enough
    from statechart.storage.segments.whole import SegmentFile
    from statechart.storage.session import Session
    from statechart.storage.values.codec import ChecksStates, Loaded, Migration
    from statechart.stored.outbox import Outbox


class Tail(Protocol):
    """Reads the records of a name that were appended since the last look; see `statechart.storage.tail`."""

    @property
    def begun(self) -> bool:
        """Whether the last record that was read does not follow the record read before it."""
        ...

    @property
    def lineage(self) -> str:
        """The incarnation of the last record that was read; empty before the first."""
        ...

    def resume(self, lineage: str, seq: int) -> None:
        """Leave out records up to one that is known already, as far as the store can do so."""
        ...

    def begin_at(self, time: datetime) -> None:
        """Leave out records before a time, as far as the store can do so."""
        ...

    def read(self) -> Iterator[Record]:
        """Yield the records since the last call; at first, or of another history, all."""
        ...

    def close(self) -> None:
        """Let go of what is kept open. The next call of `read` begins with the first record."""
        ...


class Store(Protocol[ModelT]):
    """Models of a class, each under a name: in files, or in a database.

    What the methods promise is said by `statechart.storage.repository.JsonFileRepository`.

    """

    @property
    def where(self) -> str:
        """The place, as messages name it: a path, or a URL without its password."""
        ...

    @property
    def poll(self) -> float:
        """The seconds between two attempts to take a name that another holder has."""
        ...

    @property
    def schema_version(self) -> int:
        """The version in each record that is written."""
        ...

    def create(
        self,
        name: str,
        value: ModelT,
        *,
        lineage: str | None = None,
        operation: str | None = None,
        data: Mapping[str, object] | None = None,
        at: datetime | None = None,
    ) -> Loaded[ModelT]:
        """Record a new value as revision 1, completely or not at all."""
        ...

    def open(
        self,
        name: str,
        *,
        command: str = "",
        timeout: float = 0,
        holder: Holder | None = None,
        patience: float = ...,
    ) -> Session[ModelT]:
        """Open a session on a name, and repair the remains of a crash."""
        ...

    def load(self, name: str) -> Loaded[ModelT]:
        """Read the recorded value."""
        ...

    def history(self, name: str) -> list[Record]:
        """Return all records, oldest first."""
        ...

    def records(self, name: str, *, enough: Enough = ...) -> Iterator[Record]:
        """Yield all records, oldest first, or those of the last segments that are enough."""
        ...

    def segments(self, name: str) -> list[SegmentFile]:
        """Return the segments of a history, oldest first, each verified."""
        ...

    def tail(self, name: str, *, hold: bool = True) -> Tail:
        """Return a reader of the records of a name as they are appended."""
        ...

    def survey(self, name: str) -> Evidence[ModelT]:
        """Read the usable parts of a damaged history, and change nothing."""
        ...

    def rebase(
        self,
        evidence: Evidence[ModelT],
        candidate: Candidate[ModelT],
        *,
        reason: str,
        holder: Holder,
        lineage: str | None = None,
        above: int = 0,
        renumber: Callable[[ModelT, int], ModelT] = ...,
    ) -> Loaded[ModelT]:
        """Begin a new history with one of the candidates, and keep the damaged one."""
        ...

    def read(self, name: str, record: Record) -> ModelT:
        """Return the value that a record of a name carries."""
        ...

    def upgraded(self, name: str, record: Record) -> Record:
        """Return a record of a name in the present schema."""
        ...

    def place_of(self, name: str, seq: int) -> tuple[Where, int]:
        """Return where a record is, and the number of the last record before that place."""
        ...

    def exists(self, name: str) -> bool:
        """Return whether a name is taken."""
        ...

    def names(self) -> list[str]:
        """Return all names, sorted by code points."""
        ...

    def holder(self, name: str) -> Holder | None:
        """Return the present holder of a name, or None."""
        ...

    def documents(
        self, names: Iterable[str] | None = None
    ) -> Iterator[tuple[str, bytes | StorageError, bool]]:
        """Yield name, document and "load it instead" of all values, by name."""
        ...

    def delete(self, name: str, *, expected: Head, timeout: float = 0) -> None:
        """Remove a name for good, if its head is as expected."""
        ...


class Ending(Protocol):
    """The end of a history, which is read without verifying it."""

    @property
    def name(self) -> str:
        """The name."""
        ...

    def value(self) -> Mapping[str, Any] | None:  # Any: JSON
        """Return the present value, or None if it has to be loaded.

        Raises:
            StorageError: It can't be read.
        """
        ...

    def records(self) -> Iterator[dict[str, Any]]:  # Any: JSON, with a datetime as `at`
        """Yield the records from the last to the first, as far as they are whole.

        Raises:
            StorageError: They can't be read.
        """
        ...


class Ends(Protocol):
    """The ends of all histories of a store, for lists of many values."""

    def all(self, names: Iterable[str] | None = None, *, records: bool = True) -> Iterator[Ending]:
        """Yield the ends of the histories, by name; of some names, in their order, if they exist.

        Args:
            names: Only these names.
            records: Whether records will be asked for, too.
        """
        ...

    def timed(self, names: Collection[str] | None, until: datetime) -> Iterator[Ending]:
        """Yield the ends of the histories whose values may have timers that are due by a moment, unordered.

        Args:
            names: Only these names.
            until: The moment.
        """
        ...

    def records(self, name: str) -> Iterator[dict[str, Any]]:  # Any: JSON, with a datetime as `at`
        """Yield the records of a name from the last to the first, as far as they are whole.

        Raises:
            StorageError: They can't be read.
        """
        ...

    def lasts(self, names: Collection[str]) -> Iterator[tuple[str, dict[str, Any]]]:  # Any: as of `records`
        """Yield names with their last records, in any order, as far as they can be read."""
        ...

    def heads(self) -> Iterator[tuple[str, str, dict[str, Any]]]:  # Any: as of `records`
        """Yield names with their incarnations and last records, as far as one question tells them."""
        ...


@dataclass(frozen=True, slots=True)
class Opened(Generic[ModelT]):
    """A store with its parts.

    Attributes:
        store: The values.
        ends: The ends of their histories.
        outbox: The effects that are due.
        changed: Returns the names that change.
    """

    store: Store[ModelT]
    ends: Ends
    outbox: Outbox
    changed: Callable[[], Changed]


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a store, as those of `ChartRepository`."""

    schema_version: int = 1
    migrations: Mapping[int, Migration] | None = None
    actor: str | None = None
    allow_network_filesystem: bool = False
    segment: Segment = DEFAULT
    chart: ChecksStates | None = None
