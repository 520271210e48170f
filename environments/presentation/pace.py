"""The pace of a command under way: how long its step takes, and how long it usually takes."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Protocol

from environments.following.attendance import known_steps
from environments.model.records import CheckpointRecord, StepRecord
from statechart.errors import UnusableSegment
from statechart.terminal.text import lasting

if TYPE_CHECKING:
    from collections.abc import Callable

    from environments.model.environment import AnyEnvironment
    from environments.model.operation import Operation
    from environments.model.records import HistoryEntry

_LATEST = 20
"""How many durations of a step are looked at: what was usual long ago says little."""

_PATIENCE = timedelta(seconds=60)
_TIMES = 3


@dataclass(frozen=True, slots=True)
class Usual:
    """How long commands and their steps usually take: the median of the latest times they succeeded.

    Attributes:
        steps: The durations of the steps, by command and step.
        commands: The durations of the commands.
    """

    steps: Mapping[tuple[str, str], timedelta] = field(default_factory=dict)
    commands: Mapping[str, timedelta] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Iterable[HistoryEntry]) -> Usual:
        """Return the usual durations of a history, or of a part of it."""
        steps: dict[tuple[str, str], deque[float]] = defaultdict(lambda: deque(maxlen=_LATEST))
        commands: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=_LATEST))
        operation: Operation | None = None
        for entry in entries:
            record = entry.record
            if isinstance(record, StepRecord):
                # What a probe found done was not done in that time.
                if record.result is not None and not record.result.probed and operation is not None:
                    steps[operation.command, record.step].append(record.result.duration.total_seconds())
                continue
            after = record.environment.operation
            is_whole = not isinstance(record, CheckpointRecord)
            if operation is not None and after is None and is_whole and operation.is_active:
                took = max(entry.at - operation.started_at, timedelta())
                commands[operation.command].append(took.total_seconds())
            operation = after
        return cls(
            {key: timedelta(seconds=median(durations)) for key, durations in steps.items()},
            {command: timedelta(seconds=median(durations)) for command, durations in commands.items()},
        )


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of a command under way.

    Attributes:
        command: The command.
        elapsed: How long the command has taken so far.
        usual: How long it usually takes, or None if it has not succeeded before.
        step: The step under way, or None between two steps.
        step_elapsed: How long the step has taken so far.
        step_usual: How long the step usually takes, or None if it was not done before.
        limit: The time limit of an attempt at the step, or None if there is none or it is not known.
        attempts: The number of attempts at the step that may be made.
        programs: The programs that the step has started, with their process numbers.
        steps: How long the steps of the command usually take, as far as they were done before.
    """

    command: str
    elapsed: timedelta
    usual: timedelta | None = None
    step: str | None = None
    step_elapsed: timedelta = timedelta()
    step_usual: timedelta | None = None
    limit: timedelta | None = None
    attempts: int = 1
    programs: tuple[str, ...] = ()
    steps: Mapping[str, timedelta] = field(default_factory=dict)

    @property
    def stuck_after(self) -> timedelta | None:
        """The duration from which on the step counts as stuck, or None without anything to compare with."""
        if self.step is None:
            return None
        if self.step_usual is not None:
            return max(_PATIENCE, _TIMES * self.step_usual)
        # Done for the first time: only its limit tells how long it may take.
        return None if self.limit is None else max(_PATIENCE, self.attempts * self.limit)

    @property
    def stuck(self) -> str | None:
        """A sentence if the step takes far longer than usual, or None."""
        longest = self.stuck_after
        if longest is None or self.step_elapsed <= longest:
            return None
        usually = (
            f"usually {duration_text(self.step_usual)}"
            if self.step_usual is not None
            else f"its limit is {duration_text(longest)}"
        )
        return f"{self.command} seems stuck at {self.step}: {duration_text(self.step_elapsed)}, {usually}"

    @property
    def words(self) -> str:
        """How far the step has come, in a line."""
        if self.step is None:
            usually = f", usually {duration_text(self.usual)}" if self.usual is not None else ""
            return f"{duration_text(self.elapsed)} so far{usually}"
        parts = [f"{duration_text(self.step_elapsed)} so far"]
        if self.step_usual is not None:
            parts.append(f"usually {duration_text(self.step_usual)}")
        if self.limit is not None:
            times = f", {self.attempts} attempts" if self.attempts > 1 else ""
            parts.append(f"at most {duration_text(self.limit)}{times}")
        waits = f"; waits for {', '.join(self.programs)}" if self.programs else ""
        return f"{', '.join(parts)}{waits}"

    def document(self) -> dict[str, object]:
        """Return the pace as JSON, with durations in seconds."""
        return {
            "elapsed": _seconds(self.elapsed),
            "usual": _seconds(self.usual),
            "step": self.step,
            "step_elapsed": _seconds(self.step_elapsed) if self.step is not None else None,
            "step_usual": _seconds(self.step_usual),
            "limit": _seconds(self.limit),
            "attempts": self.attempts,
            "programs": list(self.programs),
            "stuck": self.stuck,
            "steps": {name: _seconds(duration) for name, duration in self.steps.items()},
        }


class Past(Protocol):
    """The part of a storage or a workspace that a pace is read from."""

    def latest(self, name: str, enough: Callable[[HistoryEntry], bool], /) -> Iterable[HistoryEntry]:
        """Return the latest records, back to a checkpoint that is enough, or all."""
        ...


class Paces:
    """The paces of environments.

    The past is read once for each command that is begun, and only its latest two segments.
    """

    def __init__(self, past: Past) -> None:
        self._past = past
        self._known: dict[str, tuple[str, Usual]] = {}

    def of(self, environment: AnyEnvironment, now: datetime, *, held: bool) -> Pace | None:
        """Return the pace of the command that a process runs, or None if none does.

        `held` tells whether a process works on the environment.

        Raises:
            StorageError: The history can't be read.
        """
        operation = environment.operation
        if operation is None or not operation.is_active or not held:
            self.forget(environment.name)
            return None
        usual = self._usual(environment.name, operation.id)
        return pace_of(environment, operation, usual, now)

    def forget(self, name: str) -> None:
        """Forget the past of an environment, which is read again for its next command."""
        self._known.pop(name, None)

    def _usual(self, name: str, operation: str) -> Usual:
        known = self._known.get(name)
        if known is None or known[0] != operation:
            known = self._known[name] = operation, Usual.of(self._latest(name))
        return known[1]

    def _latest(self, name: str) -> list[HistoryEntry]:
        seen: list[int] = []

        def is_second(opening: HistoryEntry) -> bool:
            seen.append(opening.seq)
            return len(seen) > 1

        try:
            return list(self._past.latest(name, is_second))
        except UnusableSegment:  # the one before may have been moved away
            return list(self._past.latest(name, lambda _opening: True))


def pace_of(environment: AnyEnvironment, operation: Operation, usual: Usual, now: datetime) -> Pace:
    """Return the pace of an operation at a time."""
    step = operation.step
    ours = {
        name: duration for (command, name), duration in usual.steps.items() if command == operation.command
    }
    pace = Pace(
        command=operation.command.value,
        elapsed=max(now - operation.started_at, timedelta()),
        usual=usual.commands.get(operation.command),
        steps=ours,
    )
    if step is None:
        return pace
    declared = known_steps(environment, operation).get(step.name)
    return replace(
        pace,
        step=step.name,
        step_elapsed=max(now - step.started_at, timedelta()),
        step_usual=ours.get(step.name),
        limit=declared.timeout if declared is not None else None,
        attempts=declared.retries + 1 if declared is not None else 1,
        programs=tuple(f"{each.program} (pid {each.pid})" for each in step.processes),
    )


def duration_text(duration: timedelta) -> str:
    """Return a duration in words: in its largest unit, or with a fraction below ten seconds."""
    seconds = duration.total_seconds()
    return f"{seconds:.1f} s" if seconds < 10 else lasting(seconds)


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else round(duration.total_seconds(), 3)
