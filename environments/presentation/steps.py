"""The steps of the last command of an environment, as stations from top to bottom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from environments.following.attendance import known_steps
from environments.model.records import StepRecord
from environments.presentation.pace import Pace, Usual, duration_text, pace_of

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.operation import Operation, StepInHand, StepResult
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
        usual: How long the step usually takes, unless it is done.
        remark: What else is known of the step.
    """

    name: str
    look: str
    words: str
    took: timedelta | None = None
    begun: datetime | None = None
    usual: timedelta | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """The steps of a command.

    Attributes:
        command: The name of the command.
        stations: Its steps, those that follow included as far as they are known.
        ahead: The number of further steps.
        pace: The pace of a command under way.
    """

    command: str
    stations: Sequence[Station]
    ahead: int = 0
    pace: Pace | None = None


def stations(view: View[AnyEnvironment], entries: Sequence[HistoryEntry], now: datetime) -> Line | None:
    """Return the steps of the last command, or None if there are none.

    Args:
        view: The environment.
        entries: Its records, in which the steps of a command that succeeded are found.
        now: The time by which a command is under way.
    """
    environment, operation = view.environment, view.environment.operation
    if operation is None:
        return _finished(entries)
    command = operation.command.value
    if not operation.is_active or view.interrupted:
        found = [*_begun(operation)]
        return Line(command, found) if found else None
    pace = pace_of(environment, operation, Usual.of(entries), now)
    known = [*known_steps(environment, operation)]
    passed = {done.name for done in operation.steps_done}
    following = [
        Station(name, "ahead", "to come", usual=pace.steps.get(name))
        for name in known
        if name not in passed and name != pace.step
    ]
    step = operation.step
    unknown = step.of - step.number if step is not None and not known else 0
    return Line(command, [*_begun(operation, pace), *following], unknown, pace)


def _begun(operation: Operation, pace: Pace | None = None) -> Iterator[Station]:
    """Yield the steps that were begun; without a pace, those without a result are in doubt."""
    yield from map(_done, operation.steps_done)
    yield from map(_doubt, operation.doubts)
    step, failure = operation.step, operation.failure
    if step is not None and (failure is None or failure.step != step.name):
        yield _doubt(step) if pace is None else _under_way(step, pace)
    if failure is not None:
        how = "interrupted" if failure.cause in ("interrupted", "cancelled") else "failed"
        yield Station(failure.step, how, how, remark=failure.summary)


def _doubt(step: StepInHand) -> Station:
    return Station(step.name, "interrupted", "in doubt", remark="it was begun, and has no result")


def _under_way(step: StepInHand, pace: Pace) -> Station:
    limit = f"at most {duration_text(pace.limit)}" if pace.limit is not None else ""
    attempts = f"{pace.attempts} attempts" if pace.attempts > 1 else ""
    waits = f"waits for {', '.join(pace.programs)}" if pace.programs else ""
    return Station(
        step.name,
        "stuck" if pace.stuck else "under-way",
        "seems stuck" if pace.stuck else "under way",
        begun=step.started_at,
        usual=pace.step_usual,
        remark=", ".join(filter(None, (limit, attempts, waits))),
    )


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
