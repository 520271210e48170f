"""The meter: counts the operations and steps that are recorded while the dashboard runs."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from environments.model.records import CheckpointRecord, StepRecord
from environments.overview.row import EnvironmentRow
from statechart.dashboard.exposition import Durations, Family
from statechart.errors import StorageError
from statechart.overview import Index

if TYPE_CHECKING:
    from environments.model.operation import Operation
    from environments.model.records import HistoryEntry
    from environments.overview.source import EnvironmentSource
    from environments.ports import Unread
    from environments.workspace import Workspace
    from statechart.following.reader import Unfolding

_MOST_STEPS: Final = 200
"""The steps that are counted by their own names: providers of others may have any number."""

_OTHER: Final = "other"
_UNKNOWN: Final = "unknown"


@dataclass(slots=True)
class _Opened:
    """A command under way, and the step that it is at."""

    id: str
    command: str
    started_at: datetime
    step: str = _UNKNOWN
    step_at: datetime | None = None


@dataclass(slots=True)
class _Reading:
    """How far the history of an environment was counted."""

    unfolding: Unfolding[Unread]
    lineage: str = ""
    seq: int = 0


@dataclass(slots=True)
class Meter:
    """Counts what is recorded from now on. Each history is read on where it was left.

    Attributes:
        workspace: The environments.
        since: The time of the first record that is counted.
    """

    workspace: Workspace
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    _operations: defaultdict[tuple[str, ...], Durations] = field(
        default_factory=lambda: defaultdict(Durations)
    )
    _steps: defaultdict[tuple[str, ...], Durations] = field(default_factory=lambda: defaultdict(Durations))
    _failures: Counter[tuple[str, ...]] = field(default_factory=Counter)
    _reads: int = 0
    _opened: dict[str, _Opened] = field(default_factory=dict)
    _readings: dict[str, _Reading] = field(default_factory=dict)
    _names: set[tuple[str, str]] = field(default_factory=set)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, rows: Iterable[EnvironmentRow]) -> None:
        """Take note of the commands under way, which were begun before."""
        with self._counting:
            for row in rows:
                operation = row.summary.stored_operation if row.summary is not None else None
                if operation is not None and operation.is_active:
                    opened = _Opened(operation.id, operation.command, operation.started_at)
                    if operation.step is not None:
                        opened.step, opened.step_at = operation.step.name, operation.step.started_at
                    self._opened.setdefault(row.name, opened)

    def notice(self, rows: Mapping[str, EnvironmentRow | None]) -> None:
        """Count what was recorded of some environments; None stands for one that is gone."""
        with self._counting:
            self._reads += len(rows)
            for name, row in rows.items():
                self._read(name)
                if row is None:
                    self._opened.pop(name, None)
                    self._readings.pop(name).unfolding.close()

    def families(self) -> list[Family]:
        """Return the metrics with their counts."""
        with self._counting:
            return [
                Family(
                    "envchart_operation_duration_seconds",
                    "The duration of commands that ended since the start of the dashboard.",
                    "histogram",
                    ("command", "outcome"),
                    {labels: each.copy() for labels, each in self._operations.items()},
                ),
                Family(
                    "envchart_step_duration_seconds",
                    "The duration of steps that ended since the start of the dashboard.",
                    "histogram",
                    ("command", "step", "outcome"),
                    {labels: each.copy() for labels, each in self._steps.items()},
                ),
                Family(
                    "envchart_failures_total",
                    "The commands that failed since the start of the dashboard, by step and cause.",
                    "counter",
                    ("command", "step", "cause"),
                    dict(self._failures),
                ),
                Family(
                    "envchart_dashboard_reads_total",
                    "The environments that were read again since they may have changed.",
                    "counter",
                    (),
                    {(): self._reads},
                ),
            ]

    def _read(self, name: str) -> None:
        reading = self._readings.get(name)
        if reading is None:
            # Without open files, which thousands of pages need: only what is purged at once is missed.
            unfolding = self.workspace.unfolding(name, since=self.since, hold=False)
            reading = self._readings[name] = _Reading(unfolding)
        try:
            for unread in reading.unfolding.read():
                is_counted = unread.lineage == reading.lineage and unread.seq <= reading.seq
                reading.lineage, reading.seq = unread.lineage, unread.seq
                if not is_counted and unread.at >= self.since:
                    self._count(name, unread.entry())
        except StorageError:
            return  # the overview says so; what follows is counted when it can be read again

    def _count(self, name: str, entry: HistoryEntry) -> None:
        record, opened = entry.record, self._opened.get(name)
        if isinstance(record, StepRecord):
            if opened is not None:
                self._count_step(opened, record, entry.at)
        elif not isinstance(record, CheckpointRecord):
            operation = record.environment.operation
            if operation is not None and operation.is_active:
                if opened is None or opened.id != operation.id:
                    command = operation.command.value
                    self._opened[name] = _Opened(operation.id, command, operation.started_at)
            elif opened is not None:
                del self._opened[name]
                self._count_end(opened, operation, entry)

    def _count_step(self, opened: _Opened, record: StepRecord, at: datetime) -> None:
        if record.intent is not None:
            opened.step, opened.step_at = record.step, record.intent.started_at
        elif record.result is not None and not record.result.probed:
            duration = record.result.duration.total_seconds()
            self._steps[opened.command, self._named(opened.command, record.step), "done"].add(duration)
        elif record.phase == "failure" and record.settled is None and opened.step_at is not None:
            duration = max(at - opened.step_at, timedelta()).total_seconds()
            self._steps[opened.command, self._named(opened.command, record.step), "failed"].add(duration)

    def _count_end(self, opened: _Opened, operation: Operation | None, entry: HistoryEntry) -> None:
        outcome, step, cause = _outcome(opened, operation)
        duration = max(entry.at - opened.started_at, timedelta()).total_seconds()
        self._operations[opened.command, outcome].add(duration)
        if outcome != "succeeded":
            self._failures[opened.command, self._named(opened.command, step), cause] += 1

    def _named(self, command: str, step: str) -> str:
        """Return the name by which a step is counted."""
        if (command, step) not in self._names:
            if len(self._names) >= _MOST_STEPS:
                return _OTHER
            self._names.add((command, step))
        return step


class MeteredIndex(Index[EnvironmentRow]):
    """An index whose refreshed environments are metered.

    Args:
        source: Where the rows are read from.
        meter: The meter.
    """

    def __init__(self, source: EnvironmentSource, meter: Meter) -> None:
        super().__init__(source)
        self._meter = meter
        self._is_read = False

    def read(self) -> None:
        """Read the rows of all names."""
        before = {row.name: row for row in self.rows}
        super().read()
        if self._is_read:  # changes may have been missed
            now = {row.name: row for row in self.rows}
            changed = [name for name in before.keys() | now.keys() if before.get(name) != now.get(name)]
            self._meter.notice({name: now.get(name) for name in changed})
        self._meter.begin(self.rows)
        self._is_read = True

    def refresh(self, names: Iterable[str]) -> dict[str, EnvironmentRow | None]:
        """Read the rows of some names again, and count what was recorded."""
        rows = super().refresh(names)
        self._meter.notice(rows)
        return rows


def _outcome(opened: _Opened, operation: Operation | None) -> tuple[str, str, str]:
    """Return the outcome of a command that has ended, with the step and the cause of a failure."""
    if operation is None:
        return "succeeded", "", ""
    if operation.id != opened.id or operation.failure is None:
        # A stop or a destroy that took nothing away left the earlier operation recorded.
        return "failed", opened.step, _UNKNOWN
    return operation.status.value, operation.failure.step, operation.failure.cause.value
