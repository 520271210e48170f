"""Outcomes: how the work on several environments ended, as lines with counts or as a document."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

import click

from environments.cli.exits import explained, tell_unsaved
from environments.cli.signals import Ended
from environments.errors import CommandFailed, NotStarted, Stopped
from environments.model.failure import FailureCause
from statechart.terminal.colours import styled
from statechart.terminal.output import emit, fitting, note
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.report import ExitCode, Report, worst

if TYPE_CHECKING:
    import signal

    from environments.cli.settings import Settings
    from environments.many import Outcome

ResultT = TypeVar("ResultT")

_MOST_ADVICE = 10
"""How many environments get advice on stderr after a run; `list` tells of the others."""


@dataclass(frozen=True, slots=True)
class Telling(Generic[ResultT]):
    """How the result for an environment is told.

    Attributes:
        text: Returns a line.
        document: Returns the document for `--json`.
        code: Returns the exit code that the result stands for.
        done: The word under which results without an exit code are counted.
        next: Returns the next command for a result that needs attention, or None.
    """

    text: Callable[[ResultT], str]
    document: Callable[[ResultT], dict[str, object]]
    code: Callable[[ResultT], int] = lambda _result: 0
    done: str = "done"
    next: Callable[[ResultT], str | None] = lambda _result: None


@dataclass(frozen=True, slots=True)
class Told(Generic[ResultT]):
    """An outcome, with the report of its error."""

    outcome: Outcome[ResultT]
    report: Report | None

    @property
    def is_unbegun(self) -> bool:
        """Whether a stop came before the work began."""
        return isinstance(self.outcome.error, NotStarted)


@dataclass(slots=True)
class Printer(Generic[ResultT]):
    """Prints outcomes as they come, and afterwards the counts and the advice.

    A closed or full output is reported at the end: no work may stop because nobody reads about it.
    """

    settings: Settings
    telling: Telling[ResultT]
    told: list[Told[ResultT]] = field(default_factory=list)
    unwritten: Exception | None = None

    def tell(self, told: Told[ResultT]) -> None:
        """Print an outcome."""
        self.told.append(told)
        tell_unsaved(told.outcome.error)
        if told.report is None:
            self._emit(*self.telling.text(told.outcome.unwrap()).splitlines())
        elif not told.is_unbegun:
            self._emit(_error_line(told.outcome.name, told.report), style="red")

    def conclude(self, names: Sequence[str]) -> None:
        """Print the counts, or the document, and the next commands."""
        codes = [self._code(told) for told in self.told]
        kinds = Counter({self.telling.done: 0})  # counted first
        kinds.update(
            _kind(told, code) if code else self.telling.done
            for told, code in zip(self.told, codes, strict=True)
        )
        counts = {kind: count for kind, count in kinds.items() if count}
        if self.settings.json:
            order = {name: number for number, name in enumerate(names)}
            told = sorted(self.told, key=lambda told: order[told.outcome.name])
            document = {
                "environments": [self._document(each) for each in told],
                "counts": {kind.replace(" ", "_"): count for kind, count in counts.items()},
            }
            emit(self.settings, document, "")
        else:
            if unbegun := [told.outcome.name for told in self.told if told.is_unbegun]:
                self._emit(f"not begun: {', '.join(unbegun)}", style="yellow")
            self._emit(f"{len(codes)}: {', '.join(f'{count} {kind}' for kind, count in counts.items())}")
            self._advise()
        if self.unwritten is not None:
            raise self.unwritten
        if code := worst(codes):
            raise click.exceptions.Exit(code)

    def _emit(self, *lines: str, style: str = "plain") -> None:
        if self.settings.json or self.unwritten is not None:
            return
        shown = [part for line in lines for part in fitting(line).split("\n")]
        try:
            emit(self.settings, None, "\n".join(styled(line, style) for line in shown))
        except (UsageRefused, click.exceptions.Exit) as unwritten:
            self.unwritten = unwritten

    def _code(self, told: Told[ResultT]) -> int:
        if told.report is not None:
            return int(told.report.exit_code)
        return self.telling.code(told.outcome.unwrap())

    def _document(self, told: Told[ResultT]) -> dict[str, object]:
        head = {
            "name": told.outcome.name,
            "outcome": self.telling.done if told.report is None else told.report.code,
            "seconds": round(told.outcome.duration.total_seconds(), 3),
        }
        if told.report is None:
            return {**head, **self.telling.document(told.outcome.unwrap())}
        return {**head, **told.report.document()}

    def _advise(self) -> None:
        steps = [(told.outcome.name, step) for told in self.told if (step := self._next(told)) is not None]
        for name, step in steps[:_MOST_ADVICE]:
            note(f"next, for {name}: {step}")
        if len(steps) > _MOST_ADVICE:
            note(f"next, for {len(steps) - _MOST_ADVICE} more: {self.settings.spell('list --failed')}")
        if any(told.is_unbegun for told in self.told):
            note("next, for those not begun: repeat the command")

    def _next(self, told: Told[ResultT]) -> str | None:
        """Return the next command for an environment that needs attention, or None."""
        if told.is_unbegun:
            return None
        if told.report is None:
            return self.telling.next(told.outcome.unwrap())
        return next(iter(told.report.next), None)


def _error_line(name: str, report: Report) -> str:
    """Return a line about an error, which names the environment once."""
    message = " ".join(report.message.split()).replace(f": {name} is ", ": ")
    quoted = f"{name!r} "
    return f"{name} {message.removeprefix(quoted)}" if message.startswith(quoted) else f"{name}: {message}"


def report_of(
    settings: Settings, outcome: Outcome[ResultT], received: signal.Signals | None
) -> Report | None:
    """Return the report of an outcome's error, or None after success."""
    error = outcome.error
    match error:
        case None:
            return None
        case NotStarted() if received is not None:
            return Report(128 + received, "not_started", str(error), (settings.spell("list"),))
        case asyncio.CancelledError() | Stopped() if received is not None:
            return explained(Ended(received, outcome.name), settings)
        case CommandFailed() if received is not None and error.failure.cause is FailureCause.CANCELLED:
            return explained(Ended(received, outcome.name, error), settings)
        case _:
            return explained(error, settings)


_KINDS: dict[int, str] = {
    ExitCode.UNEXPECTED: "unexpected",
    ExitCode.USAGE: "refused",
    ExitCode.NOT_FOUND: "not found",
    ExitCode.NOT_ALLOWED: "not allowed",
    ExitCode.CONFLICT: "in conflict",
    ExitCode.STEP_FAILED: "failed",
    ExitCode.STORAGE: "unusable",
    ExitCode.DIFFERENCE: "different",
    ExitCode.INTERRUPTED: "interrupted",
}


def _kind(told: Told[ResultT], code: int) -> str:
    """Return the word under which an outcome is counted."""
    if told.report is not None and told.report.code in ("locked", "not_started"):
        return {"locked": "locked", "not_started": "not begun"}[told.report.code]
    return _KINDS.get(code, "stopped")
