"""Environments in any store of the engine: the adapter from its records to those of environments."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from environments.model.environment import AnyEnvironment, Environment
from environments.model.errors import UnknownProvider
from environments.model.names import check_name
from environments.model.provider_kinds import Providers, RecordedProviders
from environments.model.records import (
    AmendedRecord,
    HistoryEntry,
    RevisionRecord,
    StepRecord,
    after,
    check_revision,
    operation_id,
)
from environments.model.states import Created
from environments.ports import Unread
from statechart.errors import CorruptHistory, UnusableSegment
from statechart.storage.chain import CHECKPOINT
from statechart.wording import first_problem

if TYPE_CHECKING:
    from environments.model.provider_kinds import ProviderSpec
    from environments.model.summary import Summary, UnreadableSummary
    from statechart.holder import Holder
    from statechart.storage.rebase import Candidate, Evidence
    from statechart.storage.record import Record
    from statechart.storage.segments.whole import SegmentFile
    from statechart.storage.session import Session as StoreSession
    from statechart.storage.values.held import LeaseWatcher
    from statechart.stored.store import Store, Tail

_ELSEWHERE = frozenset(("type", "environment"))  # the store keeps these fields of a record itself


class StoredRepository(ABC):
    """An EnvironmentRepository over a store of the engine.

    Args:
        store: The store, whose values are environments.
        providers: The providers that environments may have.
    """

    def __init__(self, store: Store[AnyEnvironment], providers: Providers) -> None:
        self._store = store
        self._providers = providers

    @property
    def own_providers(self) -> tuple[type[ProviderSpec], ...]:
        """The providers of this program that are neither installed nor registered."""
        return tuple(self._providers.own.values())

    @property
    def where(self) -> str:
        """The place of the records, as messages name it: a directory, or a URL without its password."""
        return self._store.where

    @property
    def poll(self) -> float:
        """The seconds between two attempts to take an environment that another holder has."""
        return self._store.poll

    @abstractmethod
    def summaries(self) -> Iterator[Summary | UnreadableSummary]:
        """Yield a summary of each environment, sorted by name."""

    @abstractmethod
    def summary(self, name: str) -> Summary | UnreadableSummary:
        """Return the summary of an environment, as in `summaries`."""

    def holders(self) -> Mapping[str, Holder]:
        """Return the holders of environments that one question tells; others may be held as well."""
        return {}

    @abstractmethod
    def directory(self, name: str) -> Path:
        """Return the directory with the files of an environment's provider."""

    @abstractmethod
    def open(self, name: str, holder: Holder, timeout: float = 0) -> StoredSession:
        """Acquire the environment, and repair what a crash has left."""

    @abstractmethod
    def read_trace(self, name: str, trace: str) -> str | None:
        """Return the text of a trace as records name it, or None if there is none."""

    def _opened(self, name: str, holder: Holder, timeout: float) -> StoreSession[AnyEnvironment]:
        with _needed_by(name):
            return self._store.open(check_name(name), holder=holder, timeout=timeout)

    def create(self, environment: Environment[Created]) -> Environment[Created]:
        """Record a new environment, atomically."""
        self._providers.check_loadable(environment.spec.provider)
        self._store.create(environment.name, environment, lineage=environment.lineage)
        return environment

    def load(self, name: str) -> AnyEnvironment:
        """Verify the history and return the recorded environment."""
        with _needed_by(name):
            return self._store.load(check_name(name)).value

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return self._store.names()

    def survey(self, name: str) -> Evidence[AnyEnvironment]:
        """Return the readable part of a damaged history, with the candidates of this name."""
        with _needed_by(name):
            evidence = self._store.survey(check_name(name))
        # A copied directory holds the records of another name.
        ours = tuple(each for each in evidence.candidates if each.value.name == name)
        return replace(evidence, candidates=ours)

    def rebase(
        self,
        evidence: Evidence[AnyEnvironment],
        candidate: Candidate[AnyEnvironment],
        *,
        reason: str,
        holder: Holder,
    ) -> AnyEnvironment:
        """Begin a new history with a candidate, and keep the damaged files."""
        # The new revision is above all candidates, so that no handle to a lost revision is valid again.
        highest = max(each.value.revision for each in evidence.candidates)
        return self._store.rebase(
            evidence,
            candidate,
            reason=reason,
            holder=holder,
            lineage=candidate.value.lineage,
            above=highest,
            renumber=lambda value, revision: value.model_copy(update={"revision": revision}),
        ).value

    def exists(self, name: str) -> bool:
        """Return whether the name is taken."""
        return self._store.exists(check_name(name))

    def history(self, name: str) -> list[HistoryEntry]:
        """Return all records in order. A provider that is not installed is no obstacle."""
        return list(self.entries(name))

    def entries(self, name: str) -> Iterator[HistoryEntry]:
        """Yield the records of `history`, singly, without checkpoints, which tell nothing new."""
        return self._entries(name, self._store.records(check_name(name)))

    def last_seq(self, name: str) -> int:
        """Return the number of the last record."""
        with _needed_by(name):
            return self._store.load(check_name(name)).head.seq

    def latest(self, name: str, enough: Callable[[HistoryEntry], bool]) -> Iterator[HistoryEntry]:
        """Yield the records of the latest segments, back to a checkpoint that is enough, or all.

        Earlier segments are not read, and may be missing.
        """
        providers = RecordedProviders(self._providers)
        return self._entries(
            name,
            self._store.records(
                check_name(name), enough=lambda opening: enough(self._entry(name, opening, providers))
            ),
        )

    def readable(self, name: str) -> tuple[Iterator[HistoryEntry], UnusableSegment | None]:
        """Return the records that can be read, and the problem that keeps earlier ones from being read.

        Raises:
            StorageError: The journal itself can't be read.
        """
        entries = self.entries(name)
        try:
            first = next(entries)
        except UnusableSegment as gap:
            behind = gap.last_seq + 1
            return self.latest(name, lambda opening: opening.seq == behind), gap
        return chain([first], entries), None

    def segments(self, name: str) -> list[SegmentFile]:
        """Return the segments of a history, oldest first, each verified; the last is the journal."""
        return self._store.segments(check_name(name))

    def _entries(self, name: str, records: Iterator[Record]) -> Iterator[HistoryEntry]:
        providers = RecordedProviders(self._providers)
        environment: AnyEnvironment | None = None
        for record in records:
            if record.type == CHECKPOINT and environment is not None:
                continue
            entry = self._entry(name, record, providers)
            with self._damage_at(name, entry.seq, "the record can't be applied to the environment before"):
                environment = after(environment, entry.record)
            yield entry

    def unfolding(self, name: str, *, hold: bool = True) -> StoredHistory:
        """Follow the history of an environment while it grows."""
        tail = self._store.tail(name, hold=hold)
        providers = RecordedProviders(self._providers)
        return StoredHistory(tail, lambda record: self._entry(name, record, providers))

    def holder(self, name: str) -> Holder | None:
        """Return the current holder of the environment, or None."""
        return self._store.holder(check_name(name))

    def delete(self, expected: AnyEnvironment) -> None:
        """Delete an environment, with its history, if its revision is as expected."""
        with _needed_by(expected.name):
            loaded = self._store.load(expected.name)
        check_revision(expected, loaded.value)
        # The store compares the head as well, which detects a change since the check.
        self._store.delete(expected.name, expected=loaded.head)

    def _entry(self, name: str, record: Record, providers: Providers) -> HistoryEntry:
        with self._damage_at(name, record.seq, "the record has an unknown form"):
            return HistoryEntry.model_validate(
                {
                    "seq": record.seq,
                    "revision": record.revision,
                    "at": record.at,
                    "actor": record.actor,
                    "operation_id": record.operation,
                    "record": _typed(record),
                },
                context=providers,
            )

    @contextmanager
    def _damage_at(self, name: str, seq: int, problem: str) -> Iterator[None]:
        """Report a record that does not fit the models as damage."""
        try:
            yield
        except ValueError as error:
            why = first_problem(error) if isinstance(error, ValidationError) else error
            path, before = self._store.place_of(name, seq)
            raise CorruptHistory(name, path, f"{problem}: {why}", seq - before) from error


class StoredHistory:
    """The history of an environment in a store of the engine, as it grows."""

    def __init__(self, tail: Tail, entry: Callable[[Record], HistoryEntry]) -> None:
        self._tail = tail
        self._entry = entry

    def read(self) -> Iterator[Unread]:
        """Yield the records since the last call; at first, and after another history began, all."""
        for record in self._tail.read():
            yield Unread(
                self._tail.lineage,
                record.seq,
                record.at,
                record.type,
                partial(self._entry, record),
                begins=self._tail.begun,
            )

    def resume(self, lineage: str, seq: int) -> None:
        """Leave out ended segments that hold nothing behind a record, if reading begins or begins anew."""
        self._tail.resume(lineage, seq)

    def begin_at(self, time: datetime) -> None:
        """Leave out ended segments that hold only records before a time."""
        self._tail.begin_at(time)

    def close(self) -> None:
        """Close the journal."""
        self._tail.close()


class StoredSession(ABC):
    """A Session on an environment in a store of the engine."""

    def __init__(self, session: StoreSession[AnyEnvironment], providers: Providers) -> None:
        self._session = session
        self._providers = providers

    @property
    def environment(self) -> AnyEnvironment:
        """The recorded environment, including its steps."""
        return self._session.value

    @property
    def crashed(self) -> Holder | None:
        """The last holder, if it ended without releasing the environment."""
        return self._session.crashed

    @property
    def released_by(self) -> Holder | None:
        """The last holder, if it released the environment."""
        return self._session.released_by

    @property
    def notes(self) -> Sequence[str]:
        """The repairs made on opening."""
        return self._session.notes

    def commit(self, record: RevisionRecord) -> HistoryEntry:
        """Store a record that raises the revision, durably."""
        check_revision(record.environment, self.environment, behind=1)
        if isinstance(record, AmendedRecord):  # the only record that brings another spec
            self._providers.check_loadable(record.environment.spec.provider)
        stored = self._session.commit(
            record.type,
            record.environment,
            expected=record.environment.revision - 1,
            data={name: part for name, part in record if name not in _ELSEWHERE},
            operation=operation_id(self.environment, record.environment),
        )
        return HistoryEntry(
            seq=stored.seq,
            revision=stored.revision,
            at=stored.at,
            actor=stored.actor,
            operation_id=stored.operation,
            record=record,
        )

    def append_step(self, record: StepRecord) -> None:
        """Store a step's record, durably."""
        data = record.model_dump(mode="json", exclude={"type"}, exclude_none=True)
        self._session.append(record.type, data, operation=operation_id(self.environment))

    def check(self) -> None:
        """Raise LeaseLost if this session no longer holds the environment."""
        self._session.check()

    def watch(self, watcher: LeaseWatcher) -> None:
        """Have a watcher told how long the environment is held, if the store lends it for a time only."""
        self._session.watch(watcher)

    @abstractmethod
    def write_trace(self, name: str, text: str) -> str:
        """Store a failure's trace, readable by its owner only, and return its place as records name it."""

    def close(self) -> None:
        """Release the environment. Closing twice does no harm."""
        self._session.close()

    def __enter__(self) -> StoredSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def _needed_by(name: str) -> Iterator[None]:
    """Name the environment in an UnknownProvider."""
    try:
        yield
    except UnknownProvider as error:
        raise UnknownProvider(error.kind, error.known, name, error.reason) from error


def _typed(record: Record) -> dict[str, Any]:
    """Return the fields of a typed record."""
    match record.type:
        case "created":
            return {"type": "created", "environment": record.value}
        case "step":
            return {"type": "step", **record.data}
        case "checkpoint":  # the data continue the chain, and are not the environment's
            return {"type": "checkpoint", "environment": record.value}
        case "rebased":
            # The data also begin the new chain; only these fields belong to the record.
            said = {key: record.data.get(key) for key in ("damaged", "damaged_sha256", "reason")}
            return {"type": "rebased", **said, "environment": record.value}
        case kind:
            return {"type": kind, **record.data, "environment": record.value}


def folded(environment: AnyEnvironment, record: Record) -> AnyEnvironment:
    """Return an environment after a record that keeps its revision."""
    return StepRecord.model_validate(_typed(record)).applied_to(environment)
