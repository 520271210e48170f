"""Check a history: its records, and its transitions against today's chart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from environments.lifecycle import Lifecycle, Subject
from environments.model.environment import AnyEnvironment
from environments.model.errors import InvalidName, UnknownProvider, misnamed
from environments.model.records import HistoryEntry, StepRecord, TransitionRecord, replay
from environments.ports import KeepsSegments, readable_of
from statechart.errors import NotFound, StorageError
from statechart.storage.segments import remarks
from statechart.stored.replay import Targets, said, targets_of, transition_problem
from statechart.wording import listed

if TYPE_CHECKING:
    from environments.ports import EnvironmentRepository
    from statechart.chart import Chart


@dataclass(frozen=True, slots=True)
class Violation:
    """A problem in a history. `seq` is the number of the record, None for the whole history."""

    seq: int | None
    what: str


@dataclass(frozen=True, slots=True)
class Verified:
    """The result of verifying an environment.

    Attributes:
        name: The environment's name.
        records: The number of records.
        transitions: The number of transitions among the records.
        findings: The problems found.
        error: The error that kept the history from being read, or None.
        missing: The error that kept only the last record from being used: its provider is not
            installed. All checks were made.
        notes: Remarks that are no problem: compressed segments, files that are not needed.
    """

    name: str
    records: int = 0
    transitions: int = 0
    findings: tuple[Violation, ...] = ()
    error: StorageError | None = None
    missing: UnknownProvider | None = None
    notes: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether the history could be read and has no problems."""
        return not self.findings and self.error is None


def verify_all(repository: EnvironmentRepository, chart: type[Chart] = Lifecycle) -> list[Verified]:
    """Verify all environments. A directory that can't be an environment's is a finding of its own."""
    found = []
    for name in repository.names():
        try:
            found.append(verify(repository, name, chart))
        except NotFound:
            continue  # purged since the names were read
        except InvalidName as invalid:
            error = misnamed(repository.directory(name), invalid)
            found.append(Verified(name, findings=(Violation(None, str(error)),), error=error))
    return found


def verify(repository: EnvironmentRepository, name: str, chart: type[Chart] = Lifecycle) -> Verified:
    """Read the whole history of an environment, and check its transitions against a chart.

    Raises:
        NotFound: There is no such environment.
    """
    transitions = 0
    missing = None
    last: HistoryEntry | None = None

    def passed() -> Iterator[HistoryEntry]:
        nonlocal transitions, last
        for entry in entries:
            transitions += isinstance(entry.record, TransitionRecord)
            last = entry
            yield entry

    try:
        entries, gap = readable_of(repository, name)
        segments = repository.segments(name) if isinstance(repository, KeepsSegments) else []
        found = (Violation(seq, f"{path}: {what}") for seq, path, what in remarks.problems(segments))
        findings = (*found, *_findings(passed(), chart))
        try:
            repository.load(name)
        except UnknownProvider as error:
            missing = error
    except StorageError as error:
        if not repository.exists(name):  # a wrong name is the caller's error, not a finding
            raise
        return Verified(name, findings=(Violation(None, str(error)),), error=error)
    records = 0 if last is None else last.seq if gap is None else last.seq - gap.last_seq
    return Verified(
        name, records, transitions, findings, missing=missing, notes=tuple(remarks.notes(segments))
    )


def _findings(entries: Iterable[HistoryEntry], chart: type[Chart]) -> Iterator[Violation]:
    """Yield a violation for each record that this program could not have written."""
    targets = targets_of(chart)
    for entry, before in replay(entries):
        record = entry.record
        if before is None:
            if isinstance(record, StepRecord):
                yield Violation(entry.seq, "the history begins with a step")
            continue
        if isinstance(record, TransitionRecord):
            problem = _problem(record, before, chart, targets)
            if problem is not None:
                yield Violation(entry.seq, problem)
        elif isinstance(record, StepRecord):
            if before.operation is None or not before.operation.is_active:
                yield Violation(entry.seq, f"step {record.step} belongs to no operation that is open")
        elif record.environment.state.name != before.state.name and record.type != "rebased":
            yield Violation(entry.seq, f"{record.type}: the state changed without a transition")


def _problem(
    record: TransitionRecord,
    before: AnyEnvironment,
    chart: type[Chart],
    targets: Targets,
) -> str | None:
    """Return the reason why the chart does not allow a recorded transition, or None."""
    problem = transition_problem(
        record.event,
        record.from_state,
        record.to_state,
        before=before.state.name,
        after=record.environment.state.name,
        targets=targets,
    )
    if problem is not None:
        return problem
    machine = chart.bound(Subject.of(before))
    if record.event not in machine.enabled():
        taken = said(record.event, record.from_state, record.to_state)
        return f"{taken}, which today's chart refuses: it allows {listed(machine.enabled())}"
    return None
