"""Run the steps of a command, each recorded as intent and result."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from environments.execution.explanation import CutShort, explain, storable
from environments.execution.lent.carrying import carrier_of
from environments.execution.progress import (
    Progress,
    StepAttemptFailed,
    StepFinished,
    StepReported,
    StepStarted,
)
from environments.execution.sessions import loss_of
from environments.model.command_name import CommandName
from environments.model.failure import FailureCause
from environments.model.operation import Operation, StepInHand, StepResult, ToolProcess
from environments.model.records import StepRecord
from environments.model.steps import Probed, Step, StepContext, StepOutputs, Verdict
from environments.secrets.redaction import discloses, redactor
from statechart.errors import StorageError
from statechart.log import silence

if TYPE_CHECKING:
    from environments.execution.runtime import Runtime
    from environments.execution.stop import StopRequest
    from environments.ports import Clock, Session

silence("environments")

ResultT = TypeVar("ResultT")


class StepStopped(Exception):
    """A command can't go on after a step. Caught within the command."""

    def __init__(
        self,
        step: str,
        cause: FailureCause,
        summary: str,
        detail: str = "",
    ) -> None:
        super().__init__(summary)
        self.step = step
        self.cause = cause
        self.summary = summary
        self.detail = detail


@dataclass(slots=True)
class Runner:
    """Runs the steps of one command, records each, and notifies observers."""

    runtime: Runtime
    session: Session
    command: CommandName
    allow_replace: bool = False

    @property
    def clock(self) -> Clock:
        """The clock of the command."""
        return self.runtime.clock

    @property
    def stop(self) -> StopRequest:
        """The request to stop the command."""
        return self.runtime.stop

    async def kept(self, steps: Sequence[Step], previous: Operation | None) -> tuple[StepResult, ...]:
        """Return the longest prefix of an earlier attempt's results that is still valid.

        A result is valid if step, version and inputs are the same, and the step's probe does not
        find the effect missing.
        """
        results: list[StepResult] = []
        for step, result in zip(steps, previous.steps_done if previous else (), strict=False):
            if (step.name, step.version, step.digest) != (result.name, result.version, result.digest):
                break
            if step.probe is not None:
                probed = await self.probe(step, len(results) + 1, len(steps))
                if probed.verdict is Verdict.NOT_DONE:
                    break
            results.append(result)
        return tuple(results)

    async def run(
        self,
        steps: Sequence[Step],
        *,
        kept: int = 0,
        in_doubt: Collection[str] = (),
        begun: Mapping[str, int] | None = None,
    ) -> None:
        """Run the steps after the first `kept`, in order.

        Args:
            steps: All steps of the command.
            kept: How many steps an earlier attempt finished.
            in_doubt: The steps that earlier attempts left without a result; probed first.
            begun: How many attempts of a step an interrupted command has begun, by name: its retries go on.

        Raises:
            StepStopped: A step failed, a stop was requested, or a result could not be recorded.
            asyncio.CancelledError: The task was cancelled; the current step is in doubt.
        """
        for number, step in enumerate(steps, 1):
            where = (number, len(steps))
            if number <= kept:
                self.tell(StepFinished, step, where, duration=timedelta(), kept=True)
                continue
            if self.stop.reason is not None:
                raise StepStopped(
                    step.name, FailureCause.CANCELLED, f"stopped before this step: {self.stop.reason}"
                )
            first = min((begun or {}).get(step.name, 0), step.retries) + 1
            await self._run_step(step, where, doubtful=step.name in in_doubt, first=first)

    def _intend(self, step: Step, where: tuple[int, int], known: str) -> None:
        """Record that an attempt of a step begins: its time limit counts from there."""
        intent = StepInHand(
            name=step.name,
            number=where[0],
            of=where[1],
            started_at=self.clock.now(),
            has_effect=step.has_effect,
            processes=self._started_by(step),
        )
        self._record(step, StepRecord(phase="intent", step=step.name, intent=intent), known)

    def _started_by(self, step: Step) -> tuple[ToolProcess, ...]:
        """Return the processes that earlier attempts of the step under way have started."""
        operation = self.session.environment.operation
        hand = None if operation is None else operation.step
        return hand.processes if hand is not None and hand.name == step.name else ()

    async def _run_step(
        self, step: Step, where: tuple[int, int], *, doubtful: bool, first: int = 1
    ) -> None:
        started = self.clock.monotonic()
        # Durable before the effect begins: a crash must never leave an effect without its intent.
        self._intend(step, where, "nothing of it was done")
        self.tell(StepStarted, step, where, timeout=step.timeout)
        notes: list[str] = []
        context = self._context(step, where, notes)
        probed = await self.probe(step, *where) if doubtful and step.probe else None
        done = probed is not None and probed.verdict is Verdict.DONE
        attempts, outputs = (
            (0, probed.outputs) if done and probed else await self._attempts(step, where, context, first)
        )
        duration = timedelta(seconds=self.clock.monotonic() - started)
        result = self.result(step, outputs).model_copy(
            update={
                "note": notes[-1] if notes else None,
                "attempts": max(attempts, 1),  # a probe that finds the step done makes no attempt
                "duration": duration,
                "probed": done,
            }
        )
        self._record(step, StepRecord(phase="result", step=step.name, result=result), "its effect was done")
        self.tell(StepFinished, step, where, duration=duration, note=result.note, kept=done)

    def result(self, step: Step, outputs: StepOutputs) -> StepResult:
        """Return a step's result; raise StepStopped for outputs that can't be stored."""
        try:
            self.session.environment.outputs.updated(dict(outputs))
            self._require_storable(outputs)
            return StepResult(
                name=step.name,
                version=step.version,
                digest=step.digest,
                inputs=step.input_digests,
                has_effect=step.has_effect,
                outputs=dict(outputs),
            )
        except (TypeError, ValueError) as error:
            summary = "it returned outputs that don't fit"
            self._record_failure(step, summary)
            detail = self._redact(str(error))
            raise StepStopped(step.name, FailureCause.COMMAND_EXECUTION, summary, detail) from error

    def _require_storable(self, outputs: StepOutputs) -> None:
        # Raises for values that JSON can't hold; pydantic would silently convert them.
        json.dumps(outputs, allow_nan=False, ensure_ascii=False).encode()
        # A redacted output would be wrong, and later steps would use it.
        if discloses(self.session.environment.spec, outputs):
            raise ValueError(
                "they hold a secret, which must not be stored; return a reference to the secret instead"
            )

    async def _attempts(
        self, step: Step, where: tuple[int, int], context: StepContext, first: int
    ) -> tuple[int, StepOutputs]:
        for attempt in range(first, step.retries + 2):
            if attempt > 1:
                if attempt > first:  # the first is recorded
                    self._intend(step, where, "the attempt before it failed")
                self.tell(StepStarted, step, where, attempt=attempt, timeout=step.timeout)
            try:
                with self.stop.step():
                    return attempt, await _within(step.timeout, step.effect(context)) or {}
            except Exception as error:  # whatever a step raises has to be recorded as its failure
                cause, summary, detail = self.explain(error)
                is_lost = bool(loss_of(self.session))
                last = attempt > step.retries or self.stop.reason is not None or is_lost
                pause = step.backoff * 2 ** (attempt - 1)
                retry_in = None if last else pause
                self.tell(StepAttemptFailed, step, where, summary=summary, retry_in=retry_in)
                if last:
                    # Cut short, or with its tools ended from outside, the step stays in doubt.
                    if not isinstance(error, CutShort) and not is_lost:
                        self._record_failure(step, summary)
                    raise StepStopped(step.name, cause, summary, detail) from error
            await self.clock.sleep(pause.total_seconds())
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def probe(self, step: Step, number: int, of: int) -> Probed:
        """Run a step's probe; the verdict is unknown without a probe or after its failure."""
        if step.probe is None:
            return Probed.unknown("it has no probe")
        try:
            with self.stop.step():
                probed = await _within(step.timeout, step.probe(self._context(step, (number, of), [])))
            return replace(probed, reason=self._storable(probed.reason))
        except Exception as error:  # a probe that can't tell must not keep anything from going on
            return Probed.unknown(self.explain(error)[1])

    def _context(self, step: Step, where: tuple[int, int], notes: list[str]) -> StepContext:
        environment = self.session.environment

        def report(message: str) -> None:
            notes.append(self._storable(message))
            self.tell(StepReported, step, where, message=notes[-1])

        def progress(message: str) -> None:
            self.tell(StepReported, step, where, message=self._storable(message), passing=True)

        return StepContext(
            environment=environment,
            operation_id=environment.operation.id if environment.operation else "",
            directory=self.runtime.repository.directory(environment.name),
            report=report,
            step=step.name,
            started=partial(self._started, step),
            redact=self._redact,
            progress=progress,
            stopping=lambda: self.stop.reason is not None,
            allow_replace=self.allow_replace,
            carried=carrier_of(self.runtime.repository, environment.name, self.session),
        )

    def explain(self, error: BaseException) -> tuple[FailureCause, str, str]:
        """Return cause, summary and details of a step's exception, with secrets redacted.

        If the lease of the environment is lost, that is the cause: it ended the step, and its tools.
        """
        cause, summary, detail = explain(error, self._redact)
        loss = loss_of(self.session)
        if loss:
            return FailureCause.PERSISTENCE, self._storable(loss), detail
        return cause, summary, detail

    def _storable(self, text: str) -> str:
        return storable(text, self._redact)

    def _redact(self, text: str) -> str:
        return redactor(self.session.environment.spec)(text)

    def _started(self, step: Step, process: ToolProcess) -> None:
        """Record a process of the current step. Processes of a probe are not recorded."""
        operation = self.session.environment.operation
        # `kept` and recovery probe steps that are not the current step of an open operation.
        if operation is not None and operation.step is not None and operation.step.name == step.name:
            record = StepRecord(phase="process", step=step.name, process=process)
            # A signal must not interrupt the storage in the middle of a record.
            self.stop.in_step, was = False, self.stop.in_step
            try:
                self.session.append_step(record)
            finally:
                self.stop.in_step = was

    def _record(self, step: Step, record: StepRecord, known: str) -> None:
        """Append a step's record, or raise StepStopped with the fact that is `known` all the same."""
        try:
            self.session.append_step(record)
        except StorageError as unsaved:
            summary = f"its {record.phase} could not be recorded ({unsaved}); {known}"
            raise StepStopped(step.name, FailureCause.PERSISTENCE, summary) from unsaved

    def _record_failure(self, step: Step, summary: str) -> None:
        """Append the failure of a step, if possible."""
        # Without this record the step stays in doubt, which is correct as well. The command's own
        # outcome is recorded next, and reports that nothing can be saved.
        with suppress(StorageError):
            self.session.append_step(StepRecord(phase="failure", step=step.name, summary=summary))

    def tell(
        self, kind: Callable[..., Progress], step: Step, where: tuple[int, int], **facts: object
    ) -> None:
        """Notify observers of a step."""
        number, of = where
        name = self.session.environment.name
        told = kind(name=name, command=self.command, step=step.name, number=number, of=of, **facts)
        self.runtime.tell(told)


async def _within(timeout: timedelta | None, work: Awaitable[ResultT]) -> ResultT:
    seconds = timeout.total_seconds() if timeout else None
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            begun = asyncio.get_running_loop().time()
            done = await work
            took = asyncio.get_running_loop().time() - begun
    except TimeoutError as error:
        if limit.expired():
            raise CutShort(f"it took longer than {seconds:g} s, and was ended") from error
        raise
    if seconds is not None and took > seconds:  # blocking code kept the loop, and can't be cancelled
        raise CutShort(f"it took {took:.1f} s instead of at most {seconds:g} s, and could not be ended")
    return done
