"""Find out step by step how far an interrupted operation came, and record the outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

from environments.errors import StepInDoubt
from environments.execution.commands import COMMANDS
from environments.execution.runner import Runner, StepStopped
from environments.execution.transitions import record_achievement, record_failure, with_trace
from environments.model.command_name import CommandName
from environments.model.condition import PARTLY
from environments.model.failure import Failure, FailureCause
from environments.model.operation import Operation
from environments.model.records import HowSettled, StepRecord
from environments.model.steps import Probed, Step, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A step without a result whose probe can't tell whether the step was done."""

    name: str
    command: CommandName
    step: str
    reason: str


@dataclass(frozen=True, slots=True)
class Assumption:
    """A person's decision about a step in doubt: `who` decided, and `why`."""

    done: bool
    who: str
    why: str


Decide: TypeAlias = Callable[[Doubt], Assumption | None]
"""Decides about a doubt, or returns None."""


def undecided(_doubt: Doubt) -> Assumption | None:
    """Return None: leave every doubt open."""
    return None


@dataclass(slots=True)
class Settlement:
    """The settlement of a single interrupted operation.

    Attributes:
        runner: Runs the probes.
        operation: The interrupted operation.
        steps: The steps of the operation's command, as the provider declares them today.
        say: Called with a message for each finding.
        decide: Decides about a step whose probe can't tell.
        before: Returns the operation that was recorded before this one.
        failed: Returns the recorded reason why a step of this operation failed, or None.
        spared: Returns why a step must not be probed, or None; by default, every step may be.
    """

    runner: Runner
    operation: Operation
    steps: Sequence[Step]
    say: Callable[[str], None]
    decide: Decide
    before: Callable[[], Operation | None]
    failed: Callable[[str], str | None]
    spared: Callable[[Step], str | None] = lambda _step: None
    said: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Settle the steps in doubt, then the operation."""
        hand = self.operation.step
        # Steps are found by name, and a newer version of a provider may have renamed them.
        if hand is not None and hand.name not in {step.name for step in self.steps}:
            self._fail(
                hand.name, "this version of the program has no such step; how far it came is in doubt"
            )
            return
        for number, step in enumerate(self.steps, 1):
            if self._is_done(step):
                continue
            reason = await self._settle_step(step, number)
            if reason is not None:
                self._fail(step.name, reason)
                return
        await self._verify()

    def _say(self, message: str) -> None:
        self.said.append(message)
        self.say(message)

    def _is_done(self, step: Step) -> bool:
        return any(done.name == step.name for done in self._operation.steps_done)

    @property
    def _operation(self) -> Operation:
        operation = self.runner.session.environment.operation
        assert operation is not None
        return operation

    async def _settle_step(self, step: Step, number: int) -> str | None:
        """Probe a step; return None if the step was done, else the reason why the command ends here."""
        if step.name not in {doubt.name for doubt in self._operation.in_doubt}:
            # The step may have failed, and only the end of the command is not on record.
            if (summary := self.failed(step.name)) is not None:
                self._say(f"{step.name}: failed before the command was interrupted: {summary}")
                return f"this step failed, and then the command was interrupted: {summary}"
            self._say(f"{step.name}: not begun")
            return "it was interrupted before this step"
        self._tell_limit(step)
        probed = await self._probe(step, number)
        if probed.verdict is Verdict.UNKNOWN:
            return self._decide(step, probed.reason)
        said = HowSettled(by="probe", reason=probed.reason)
        return self._record(step, probed, said)

    def _tell_limit(self, step: Step) -> None:
        """Tell the time limit of the attempt that was interrupted, as it was recorded at the beginning."""
        hand = next((each for each in self._operation.in_doubt if each.name == step.name), None)
        if hand is None or step.timeout is None:
            return
        limit = hand.started_at + step.timeout
        ended = "ended" if limit <= self.runner.clock.now() else "ends"
        self._say(f"{step.name}: the time limit of its attempt {ended} at {limit:%H:%M:%S}Z")

    async def _probe(self, step: Step, number: int) -> Probed:
        if reason := self.spared(step):
            return Probed.unknown(reason)
        return await self.runner.probe(step, number, len(self.steps))

    def _decide(self, step: Step, reason: str) -> str | None:
        """Settle a step whose probe can't tell."""
        if not step.has_effect:
            self._say(f"{step.name}: without effect, so it has to be repeated")
            return "it was interrupted at this step, which has no effect"
        command = self.operation.command
        name = self.runner.session.environment.name
        assumed = self.decide(Doubt(name=name, command=command, step=step.name, reason=reason))
        if assumed is None and step.idempotent:
            self._say(f"{step.name}: not known ({reason}); it can be repeated without harm")
            return f"it was interrupted at this step, and whether it was done is not known: {reason}"
        if assumed is None:
            raise StepInDoubt(name, step.name, reason)
        said = HowSettled(by="person", reason=assumed.why, who=assumed.who)
        probed = Probed.done(assumed.why) if assumed.done else Probed.not_done(assumed.why)
        return self._record(step, probed, said)

    def _record(self, step: Step, probed: Probed, settled: HowSettled) -> str | None:
        says = f"{settled.who} says" if settled.by == "person" else "its probe says"
        done = probed.verdict is Verdict.DONE
        self._say(f"{step.name}: {'done' if done else 'not done'}, {says}: {settled.reason}")
        if done:
            try:
                result = self.runner.result(step, probed.outputs)
            except StepStopped as misfit:  # the failure of the step is recorded by then
                return misfit.summary
            result = result.model_copy(update={"probed": True, "note": settled.reason})
            record = StepRecord(phase="result", step=step.name, result=result, settled=settled)
        else:
            record = StepRecord(
                phase="failure", step=step.name, summary=f"not done: {settled.reason}", settled=settled
            )
        self.runner.session.append_step(record)
        return None if done else f"it was interrupted at this step, which was not done: {settled.reason}"

    async def _verify(self) -> None:
        """End an operation whose steps are all done, after probing the last step."""
        # The last step's probe speaks for the whole, such as for a healthy service.
        last = self.steps[-1] if self.steps else None
        if last is not None and last.probe is not None and not self._just_probed(last):
            probed = await self._probe(last, len(self.steps))
            if probed.verdict is not Verdict.DONE:
                self._say(f"{last.name}: {probed.verdict.value.replace('_', ' ')}: {probed.reason}")
                self._fail(last.name, f"all steps were done, but it can't be verified: {probed.reason}")
                return
            self._say(f"{last.name}: {probed.reason}")
        finish = COMMANDS[self.operation.command].finish
        reason = "recovered: every step was done"
        at = self.runner.clock.now()
        record_achievement(self.runner.session, finish, self.operation.id, at, reason)

    def _just_probed(self, step: Step) -> bool:
        return step.name in {doubt.name for doubt in self.operation.in_doubt}

    def _fail(self, step: str, summary: str) -> None:
        session, operation = self.runner.session, self._operation
        failure = with_trace(session, self._failure(step, summary), "\n".join(self.said))
        left = operation.interrupted(failure)
        if operation.command in PARTLY and not operation.effects_begun:
            # Nothing was taken away, so the operation that this one replaced is the relevant one again.
            left = self.before() or left
        record_failure(session, failure, left, operation_id=operation.id, change="settled")

    def _failure(self, step: str, summary: str) -> Failure:
        operation, environment = self.operation, self.runner.session.environment
        # The time of death is unknown: the last record is the last sign of life.
        last_seen = operation.step.started_at if operation.step else environment.updated_at
        return Failure(
            command=operation.command,
            step=step,
            cause=FailureCause.INTERRUPTED,
            summary=summary,
            started_at=operation.started_at,
            failed_at=self.runner.clock.now(),
            duration=max(last_seen - operation.started_at, timedelta()),
            trace_id=operation.id,
        )
