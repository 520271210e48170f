"""Verify the histories of a store: their files, their states, and their transitions against the chart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple

from pydantic import BaseModel

from statechart.engine.keywords import recorded_payload
from statechart.engine.refusals import is_open
from statechart.engine.values import check_state
from statechart.errors import (
    CorruptHistory,
    InvalidTransition,
    MissingPayload,
    NotFound,
    StorageError,
    UnknownState,
)
from statechart.storage.chain import CREATED, LAPSED, REBASED, TRANSITION
from statechart.storage.segments import remarks
from statechart.storage.session import ModelT
from statechart.storage.sql.errors import DatabaseFailed
from statechart.stored.replay import said, targets_of, transition_problem
from statechart.stored.replaying.macrosteps import asked_again, macrostep_problem
from statechart.stored.session import machine_on
from statechart.wording import state_text

if TYPE_CHECKING:
    from statechart.chart import Chart
    from statechart.errors import Where
    from statechart.storage.record import Record
    from statechart.storage.segments.whole import SegmentFile
    from statechart.stored.replay import Targets
    from statechart.stored.store import Store

_BEGINNINGS = (CREATED, REBASED)
_LAST = 1 << 62


class Problem(BaseModel, frozen=True, extra="forbid"):
    """A problem of a history.

    Attributes:
        record: The number of the record, or None for the whole history.
        file: The file, or the URL of the database.
        what: The problem, in words.
    """

    record: int | None
    file: Path | str
    what: str

    def __str__(self) -> str:
        at = f", record {self.record}" if self.record is not None else ""
        return f"{self.file}{at}: {self.what}"


class Report(BaseModel, frozen=True, extra="forbid"):
    """The result of verifying the history of a name.

    Attributes:
        records: The number of records that could be read.
        transitions: The number of transitions among them.
        problems: Everything that should not be so.
        notes: What was left out or is missing, and does no harm.
    """

    name: str
    records: int
    transitions: int
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()

    @property
    def intact(self) -> bool:
        """Whether the history has no problem."""
        return not self.problems


class _Seen(NamedTuple):
    """A value of a history, with its state and the text of it.

    Attributes:
        known: Whether the chart has the state.
    """

    value: Any  # Any: a model
    state: object
    text: str
    known: bool


@dataclass(slots=True)
class Verification(Generic[ModelT]):
    """Verifies the history of a name.

    Attributes:
        store: The values.
        chart: The chart.
        name: The name to verify.
        replay: Whether today's guards are asked about each transition.
    """

    store: Store[ModelT]
    chart: type[Chart]
    name: str
    replay: bool
    _segments: list[SegmentFile] = field(default_factory=list)
    # Loading and reading the records find some twice.
    _problems: dict[Problem, None] = field(default_factory=dict)
    _notes: list[str] = field(default_factory=list)
    _records: int = 0
    _transitions: int = 0

    def report(self) -> Report:
        """Read the whole history, and return what was found.

        Raises:
            NotFound: The name does not exist.
            DatabaseFailed: The database can't be read.
        """
        # Loading compares the document with the journal; the records tell the rest.
        for read in (self._read, self._load):
            try:
                read()
            except (NotFound, DatabaseFailed):
                raise
            except StorageError as error:
                self._unreadable(error)
        return Report(
            name=self.name,
            records=self._records,
            transitions=self._transitions,
            problems=tuple(self._problems),
            notes=tuple(self._notes),
        )

    def _load(self) -> None:
        self._notes.extend(self.store.load(self.name).notes)

    def _read(self) -> None:
        targets = targets_of(self.chart)
        before: _Seen | None = None
        self._segments = self.store.segments(self.name)
        for seq, _, problem in remarks.problems(self._segments):
            self._add(seq, problem)
        self._notes.extend(remarks.notes(self._segments))
        records = self.store.records(self.name, enough=partial(remarks.begins_readable, self._segments))
        for record in records:
            self._records += 1
            self._transitions += record.type == TRANSITION
            if record.value is None:
                continue
            seen = self._seen(record)
            if before is not None and record.type not in _BEGINNINGS:
                for problem in self._problems_of(record, before, seen, targets):
                    self._add(record.seq, problem)
            before = seen

    def _seen(self, record: Record) -> _Seen:
        """Return the value of a record, after checking that the model and the chart have it."""
        try:
            value = self.store.read(self.name, record)
        except CorruptHistory as error:
            self._add(record.seq, error.problem)
            state = (record.value or {}).get("state")
            value = None
        else:
            state = getattr(value, "state", None)
        known = True
        try:
            check_state(self.chart, state)
        except UnknownState as error:
            self._add(record.seq, error)
            known = False
        return _Seen(value, state, state_text(state), known)

    def _problems_of(self, record: Record, before: _Seen, seen: _Seen, targets: Targets) -> Iterator[str]:
        if record.type not in (TRANSITION, LAPSED):
            if before.state != seen.state:
                change = f"from {before.text} to {seen.text}"
                same = " (in its history or timers)" if before.text == seen.text else ""
                yield f"{record.type}: the state changed {change}{same} without an event"
            return
        problem = self._problem_of(record, before, seen, targets)
        if problem is not None:
            yield problem
        elif self.replay and before.value is not None and before.known:
            yield from self._refusal(record, before.value)

    def _problem_of(self, record: Record, before: _Seen, seen: _Seen, targets: Targets) -> str | None:
        """Return why a transition, or a timer that lapsed, does not fit today's chart, or None."""
        if self.chart._is_stepwise and before.known and seen.known:
            problem, followed = macrostep_problem(self.chart, record, before.state, seen.state)
            if not followed:
                event = record.data.get("event")
                self._notes.append(
                    f"record {record.seq}: {event} was not compared with the chart: its guards have too "
                    "many possible answers"
                )
            return problem
        if self.chart._is_stepwise:
            return None  # the states themselves are the problem
        event, left = record.event or "", str(record.data.get("from_state"))
        return transition_problem(
            event, left, record.to_state or "", before=before.text, after=seen.text, targets=targets
        )

    def _refusal(self, record: Record, value: ModelT) -> Iterator[str]:
        """Yield the reason why today's guards refuse a transition, if they do."""
        event = str(record.data.get("event"))
        taken = said(event, str(record.data.get("from_state")), str(record.data.get("to_state")))
        try:
            payload = recorded_payload(self.chart, type(value), event, record.payload)
            machine = machine_on(self.chart, value, self.name)
            answer = asked_again if self.chart._is_stepwise else _leads_elsewhere
            problem = answer(machine, record, payload)
            if problem is not None:
                yield f"{taken}, {problem}"
        except InvalidTransition as refusal:
            yield f"{taken}, which today's chart refuses: {'; '.join(refusal.reasons) or refusal}"
        except MissingPayload as missing:
            names = ", ".join(missing.names)
            note = f"record {record.seq}: {taken} can't be replayed: its payload {names} was not recorded"
            self._notes.append(note)
        except Exception as error:  # of a guard, which may expect what JSON does not keep
            yield f"{taken}, which today's chart can't replay: {type(error).__name__}: {error}"

    def _unreadable(self, error: StorageError) -> None:
        file = getattr(error, "where", None)
        if not isinstance(error, CorruptHistory):
            self._add(getattr(error, "record", None), error, file)
            return
        record = self._record_at(error.where, error.line)
        line = f"line {error.line}: " if error.line is not None and record is None else ""
        self._add(record, f"{line}{error.problem}", file)

    def _record_at(self, file: Where, line: int | None) -> int | None:
        """Return the number of the record in a line, if the file could be read so far."""
        first = next((each.first_seq for each in self._segments if each.path == file), None)
        return first + line - 1 if first is not None and line is not None else None

    def _add(self, record: int | None, what: object, file: Where | None = None) -> None:
        self._problems[Problem(record=record, file=file or self._file(record), what=str(what))] = None

    def _file(self, record: int | None) -> Where:
        """Return the place of a record, or of the last."""
        for each in self._segments:
            if record is not None and each.first_seq <= record <= each.last_seq:
                return each.path
        return self.store.place_of(self.name, _LAST)[0]


def _leads_elsewhere(machine: Chart, record: Record, payload: Mapping[str, Any]) -> str | None:
    """Return where today's guards lead an event, as a clause, if that is another state than recorded.

    Raises:
        InvalidTransition: They refuse it.
        MissingPayload: They need a payload that was not recorded.
    """
    event = machine.event(record.event or "")
    machine.require(event, **payload)
    steps = machine._steps(event.id)
    leads = next(step.target for step in steps if is_open(machine._seeing(), step, payload))
    if state_text(leads.value) == record.to_state:
        return None
    return f"which today's guards lead to {state_text(leads.value)}"
