"""The steps of the last command of an environment, as stations from top to bottom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from environments.model.records import StepRecord

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.operation import Operation, StepResult
    from environments.model.records import HistoryEntry
    from environments.presentation.view import View


@dataclass(frozen=True, slots=True)
class Station:
    """A step as it is shown.

    Attributes:
        name: The name.
        look: `done-step`, `failed`, `under-way`, `interrupted` or `ahead`.
        words: The same in words.
        took: The duration of a step that is done.
        begun: The start of a step under way.
        remark: What else is known of the step.
    """

    name: str
    look: str
    words: str
    took: timedelta | None = None
    begun: datetime | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """The steps of a command.

    Attributes:
        command: The name of the command.
        stations: Its steps.
        ahead: The number of the steps that follow.
    """

    command: str
    stations: Sequence[Station]
    ahead: int = 0


def stations(view: View[AnyEnvironment], entries: Sequence[HistoryEntry]) -> Line | None:
    """Return the steps of the last command, or None if there are none.

    Args:
        view: The environment.
        entries: Its records, in which the steps of a command that succeeded are found.
    """
    operation = view.environment.operation
    if operation is None:
        return _finished(entries)
    step = operation.step
    ahead = step.of - step.number if step is not None else 0
    found = [*_begun(operation, interrupted=view.interrupted)]
    return Line(operation.command.value, found, ahead if operation.is_active else 0) if found else None


def _begun(operation: Operation, *, interrupted: bool) -> Iterator[Station]:
    yield from map(_done, operation.steps_done)
    for doubt in operation.doubts:
        yield Station(doubt.name, "interrupted", "in doubt", remark="it was begun, and has no result")
    step, failure = operation.step, operation.failure
    if step is not None and (failure is None or failure.step != step.name):
        if interrupted or not operation.is_active:
            yield Station(step.name, "interrupted", "in doubt", remark="it was begun, and has no result")
        else:
            yield Station(step.name, "under-way", "under way", begun=step.started_at)
    if failure is not None:
        how = "interrupted" if failure.cause in ("interrupted", "cancelled") else "failed"
        yield Station(failure.step, how, how, remark=failure.summary)


def _done(result: StepResult) -> Station:
    said = [
        result.note or "",
        f"{result.attempts} attempts" if result.attempts > 1 else "",
        "found done" if result.probed else "",
    ]
    return Station(
        result.name, "done-step", "done", took=result.duration, remark=", ".join(filter(None, said))
    )


def _finished(entries: Sequence[HistoryEntry]) -> Line | None:
    """Return the steps of the command that succeeded last."""
    last = next((each.operation_id for each in reversed(entries) if each.operation_id), None)
    if last is None:
        return None
    own = [entry.record for entry in entries if entry.operation_id == last]
    results = [
        record.result for record in own if isinstance(record, StepRecord) and record.result is not None
    ]
    operations = [record.environment.operation for record in own if not isinstance(record, StepRecord)]
    command = next((each.command.value for each in operations if each is not None), None)
    return Line(command, [*map(_done, results)]) if command and results else None
