"""A repository in memory, for tests and for tools that need no durability."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from environments.model.environment import AnyEnvironment, Environment
from environments.model.errors import UnknownProvider
from environments.model.names import check_name
from environments.model.provider_kinds import Providers, ProviderSpec, RecordedProviders
from environments.model.records import (
    AmendedRecord,
    AnyRecord,
    CreatedRecord,
    HistoryEntry,
    RevisionRecord,
    StepRecord,
    check_revision,
    fold,
    operation_id,
)
from environments.model.states import Created
from environments.model.summary import Summary, UnreadableSummary
from environments.ports import STATES_KEPT, TRACES, CarriedState
from environments.storage.last_look import read_last_look
from environments.system.waiting import block_until
from statechart.errors import AlreadyExists, LeaseLost, Locked, NotFound, StorageError
from statechart.holder import Holder

_WHERE = "memory"
_POLL = 0.005  # seconds between two attempts to acquire an environment


@dataclass(slots=True)
class _Stored:
    """An environment's records, serialised as in a file, its traces and its provider's state."""

    lines: list[str] = field(default_factory=list)
    traces: dict[str, str] = field(default_factory=dict)
    states: list[CarriedState] = field(default_factory=list)
    holder: Holder | None = None
    released_by: Holder | None = None

    def entries(self, providers: Providers) -> list[HistoryEntry]:
        # Deserialised on each call, so that callers share no objects with the repository.
        return [HistoryEntry.model_validate_json(line, context=providers) for line in self.lines]

    def environment(self, name: str, providers: Providers) -> AnyEnvironment:
        try:
            return fold(entry.record for entry in self.entries(providers))
        except UnknownProvider as error:
            raise UnknownProvider(error.kind, error.known, name, error.reason) from error


class MemoryRepository:
    """An EnvironmentRepository that lives as long as the process.

    Records are serialised and revisions checked as in the durable repositories, so that code behaves
    the same with either. `before_append` is called with each record before it is stored, and may
    raise a StorageError to simulate a failing disk. `providers` are providers that are neither
    installed nor registered.
    """

    def __init__(
        self,
        directory: Path | None = None,
        before_append: Callable[[AnyRecord], None] | None = None,
        *,
        providers: Iterable[type[ProviderSpec]] = (),
    ) -> None:
        self._providers = Providers(providers)
        self._stored: dict[str, _Stored] = {}
        self._directory = directory
        self._guard = threading.Lock()
        self.before_append: Callable[[AnyRecord], None] = before_append or (lambda _record: None)

    @property
    def where(self) -> str:
        """The place, as messages name it."""
        return _WHERE

    @property
    def poll(self) -> float:
        """The seconds between two attempts to acquire an environment."""
        return _POLL

    def create(self, environment: Environment[Created]) -> Environment[Created]:
        """Record a new environment."""
        self._providers.check_loadable(environment.spec.provider)
        stored = _Stored()
        with self._guard:
            if environment.name in self._stored:
                raise AlreadyExists(environment.name, _WHERE)
            self._append(stored, CreatedRecord(environment=environment), environment, environment)
            self._stored[environment.name] = stored
        return environment

    def open(self, name: str, holder: Holder, timeout: float = 0) -> MemorySession:
        """Acquire the environment, waiting at most `timeout` seconds for another holder."""
        # The holder may be another thread, so the guard is released between attempts.
        opened = block_until(
            lambda: self._try_open(name, holder),
            within=timeout,
            every=_POLL,
            satisfied=lambda opened: isinstance(opened, MemorySession),
        )
        if isinstance(opened, Holder):
            raise Locked(name, opened)
        return opened

    def _try_open(self, name: str, holder: Holder) -> MemorySession | Holder:
        with self._guard:
            stored = self._find(name)
            if stored.holder is not None:
                return stored.holder
            session = MemorySession(self, name, stored, holder)
            stored.holder = holder
            return session

    def load(self, name: str) -> AnyEnvironment:
        """Return the recorded environment."""
        return self._find(name).environment(name, self._providers)

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return sorted(self._stored)

    def summaries(self) -> Iterator[Summary | UnreadableSummary]:
        """Yield a summary of each environment, sorted by name."""
        for name in self.names():
            yield self.summary(name)

    def summary(self, name: str) -> Summary:
        """Return the summary of an environment."""
        environment = self.load(name)
        look = read_last_look(self.directory(name), environment)
        return Summary.of(environment, self.history(name)[-1].actor, look)

    def exists(self, name: str) -> bool:
        """Return whether the name is taken."""
        return check_name(name) in self._stored

    def history(self, name: str) -> list[HistoryEntry]:
        """Return all records in order."""
        return self._find(name).entries(RecordedProviders(self._providers))

    def holder(self, name: str) -> Holder | None:
        """Return the current holder of the environment, or None."""
        return self._find(name).holder

    def delete(self, expected: AnyEnvironment) -> None:
        """Delete an environment if its revision is as expected."""
        with self._guard:
            stored = self._find(expected.name)
            if stored.holder is not None:
                raise Locked(expected.name, stored.holder)
            check_revision(expected, stored.environment(expected.name, self._providers))
            del self._stored[expected.name]
        shutil.rmtree(self.directory(expected.name), ignore_errors=True)

    def directory(self, name: str) -> Path:
        """Return a temporary directory for an environment's files."""
        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="envchart-"))
        place = self._directory / name
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return place

    def traces(self, name: str) -> dict[str, str]:
        """Return the traces of an environment, by name."""
        return dict(self._find(name).traces)

    def read_trace(self, name: str, trace: str) -> str | None:
        """Return the text of a trace as records name it, or None if there is none."""
        return self._find(name).traces.get(trace.removeprefix(f"{TRACES}/"))

    def carried_state(self, name: str) -> CarriedState | None:
        """Return the last version of the provider's state, or None."""
        states = self._find(name).states
        return states[-1] if states else None

    def states(self, name: str) -> list[CarriedState]:
        """Return the versions of the provider's state that are kept, oldest first."""
        return list(self._find(name).states)

    def _find(self, name: str) -> _Stored:
        try:
            return self._stored[check_name(name)]
        except KeyError:
            raise NotFound(name, _WHERE) from None

    def _append(
        self, stored: _Stored, record: AnyRecord, before: AnyEnvironment, after: AnyEnvironment
    ) -> HistoryEntry:
        self.before_append(record)
        entry = HistoryEntry(
            seq=len(stored.lines) + 1,
            revision=after.revision,
            at=datetime.now(UTC),
            actor=stored.holder.user if stored.holder else Holder.current().user,
            operation_id=operation_id(before, after),
            record=record,
        )
        stored.lines.append(entry.model_dump_json())
        return entry


class MemorySession:
    """A Session on an environment in memory."""

    def __init__(self, repository: MemoryRepository, name: str, stored: _Stored, holder: Holder) -> None:
        self._repository = repository
        self._name = name
        self._stored = stored
        self._holder = holder
        self._environment = stored.environment(name, repository._providers)
        self._released_by = stored.released_by
        self._first = len(stored.lines)

    @property
    def environment(self) -> AnyEnvironment:
        """The recorded environment."""
        return self._environment

    @property
    def crashed(self) -> Holder | None:
        """None, since a repository in memory dies with its holder."""
        return None

    @property
    def released_by(self) -> Holder | None:
        """The last holder, if it released the environment."""
        return self._released_by

    @property
    def notes(self) -> Sequence[str]:
        """Empty, since memory needs no repairs."""
        return ()

    def commit(self, record: RevisionRecord) -> HistoryEntry:
        """Store a record that raises the revision."""
        self.check()
        check_revision(record.environment, self._environment, behind=1)
        if isinstance(record, AmendedRecord):  # the only record that brings another spec
            self._repository._providers.check_loadable(record.environment.spec.provider)
        entry = self._repository._append(self._stored, record, self._environment, record.environment)
        self._environment = record.environment
        return entry

    def append_step(self, record: StepRecord) -> None:
        """Store a step's record."""
        self.check()
        applied = record.applied_to(self._environment)
        self._repository._append(self._stored, record, self._environment, applied)
        self._environment = applied

    def check(self) -> None:
        """Raise LeaseLost if the session was closed."""
        if self._stored.holder is not self._holder:
            raise LeaseLost(self._name, _WHERE)

    def write_trace(self, name: str, text: str) -> str:
        """Store a trace; an existing trace is not overwritten."""
        if name in self._stored.traces:
            raise StorageError(f"cannot write the trace {name}: it exists already")
        self._stored.traces[name] = text
        return f"{TRACES}/{name}"

    def carry_state(self, content: bytes) -> int:
        """Store a version of the provider's state, and return its number."""
        with self._repository._guard:  # the guard of the repository: commands call this from a thread
            self.check()
            states = self._stored.states
            number = states[-1].number + 1 if states else 1
            states.append(CarriedState(content, number, datetime.now(UTC)))
            del states[:-STATES_KEPT]
        return number

    def close(self) -> None:
        """Release the environment."""
        # After an earlier close, the environment may have another holder.
        if self._stored.holder is self._holder:
            self._stored.holder = None
            # As on disk: a session that recorded nothing leaves the holder before it on record.
            if self._released_by is None or len(self._stored.lines) > self._first:
                self._stored.released_by = self._holder

    def __enter__(self) -> MemorySession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
